"""What a suite's jobs will take, before anything is computed; `logmark plan` prints it."""

from collections.abc import Mapping
from pathlib import Path

from results.records import Costs
from results.steps import Step, untold
from results.store import Store
from suite.board import Board
from suite.corpus_size import CorpusSize, guess, measure
from suite.estimate import estimate
from suite.here import missing_here, this_machine
from suite.node import Node
from suite.opening import open_store, plan_jobs, read_suite
from suite.plan_view import Plan
from suite.quantities import Estimate
from suite.spec import Suite
from suite.spending import Known, Spendings


def forecast(
    path: Path,
    *,
    workdir: Path,
    store: str | None = None,
    tiny: bool = False,
    calibrate: bool = False,
    step: Step = untold,
) -> Plan:
    """Describe a suite's jobs: state, what each takes and costs, and the devices it needs.

    Weights that are not at hand make their jobs `unknown`; the hub is not asked.

    Args:
        path: the suite file.
        workdir: folder of runs.
        store: where artifacts lie; by default in the folder of runs.
        tiny: plan the rehearsal.
        calibrate: measure here how fast the models at hand compute, which loads each of them.
        step: is told how far this is.

    Raises:
        InputError: the suite cannot be planned.
    """
    workdir = workdir.absolute()
    opened = open_store(store, workdir, writable=False)
    suite = read_suite(path, workdir, tiny=tiny)
    nodes = plan_jobs(suite, opened, workdir, weights="optional")
    step("looking what is in the store", 0, None)
    board = Board(nodes, opened, Path("logs"))
    board.advance()  # finds what is cached
    step("measuring the corpus", 0, None)
    size = _size(suite, board, opened)
    states = board.states() | {node.id: "unknown" for node in nodes if node.unknown}
    to_do = [node for node in nodes if states[node.id] != "cached"]
    step("estimating", 0, None)
    estimates, machine = estimate(nodes, size), this_machine()
    rates = _measured_rates(to_do, estimates, step) if calibrate else {}
    spendings = Spendings(nodes, estimates, size, Known(took_s=_took_s(board), flops_per_s=rates))
    return Plan(
        suite=suite.name,
        nodes=nodes,
        states=states,
        size=size,
        estimates=estimates,
        spendings={node.id: spendings.of(node) for node in nodes},
        missing={node.id: missing_here(node, estimates[node.id], machine) for node in to_do},
    )


def _measured_rates(
    nodes: list[Node], estimates: Mapping[str, Estimate], step: Step
) -> dict[str, float]:
    from suite.calibrate import measured_rates  # brings torch

    return measured_rates(nodes, estimates, step=step)


def _size(suite: Suite, board: Board, store: Store) -> CorpusSize:
    """Measure the corpus where it is in the store, else guess."""
    corpus = board.outcomes.get("corpus")
    if corpus is None or corpus.commit is None:
        return guess(suite)
    return measure(store.folder(corpus.commit))


def _took_s(board: Board) -> dict[str, float]:
    """List what is in the store already, and how many seconds it took."""
    return {
        name: Costs.model_validate(outcome.commit.notes["costs"]).spent_s
        for name, outcome in board.outcomes.items()
        if outcome.commit is not None
    }
