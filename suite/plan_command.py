"""`logmark plan SUITE.yaml`: what a suite's jobs will take, before anything is computed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from results.records import Costs
from results.store import Store
from suite.board import Board
from suite.corpus_size import CorpusSize, guess, measure
from suite.estimate import estimate
from suite.here import missing_here, this_machine
from suite.node import Node
from suite.opening import open_store, plan_jobs, read_suite
from suite.plan_view import Plan, as_json, as_lines
from suite.quantities import Estimate
from suite.spec import Suite
from suite.spending import Known, Spendings


def plan_suite(
    path: Path,
    *,
    workdir: Path,
    store: str | None,
    tiny: bool,
    form: Literal["text", "json"],
    calibrate: bool = False,
) -> list[str]:
    """Describe a suite's jobs: state, what each takes and costs, and the devices it needs.

    Weights that are not at hand make their jobs `unknown`; the hub is not asked.

    Args:
        path: the suite file.
        workdir: folder of runs.
        store: where artifacts lie; by default in the folder of runs.
        tiny: plan the rehearsal.
        form: for a reader or for a program.
        calibrate: measure here how fast the models at hand compute, which loads each of them.

    Raises:
        InputError: the suite cannot be planned.
    """
    workdir = workdir.absolute()
    opened = open_store(store, workdir, writable=False)
    suite = read_suite(path, workdir, tiny=tiny)
    nodes = plan_jobs(suite, opened, workdir, weights="optional")
    board = Board(nodes, opened, Path("logs"))
    board.advance()  # finds what is cached
    plan = _plan(suite, nodes, board, _size(suite, board, opened), calibrate=calibrate)
    return [as_json(plan)] if form == "json" else list(as_lines(plan))


def _plan(
    suite: Suite, nodes: list[Node], board: Board, size: CorpusSize, *, calibrate: bool
) -> Plan:
    """Put together what there is to show."""
    states = board.states() | {node.id: "unknown" for node in nodes if node.unknown}
    to_do = [node for node in nodes if states[node.id] != "cached"]
    estimates, machine = estimate(nodes, size), this_machine()
    known = Known(
        took_s=_took_s(board), flops_per_s=_measured_rates(to_do, estimates) if calibrate else {}
    )
    spendings = Spendings(nodes, estimates, size, known)
    return Plan(
        suite=suite.name,
        nodes=nodes,
        states=states,
        size=size,
        estimates=estimates,
        spendings={node.id: spendings.of(node) for node in nodes},
        missing={node.id: missing_here(node, estimates[node.id], machine) for node in to_do},
    )


def _measured_rates(nodes: list[Node], estimates: Mapping[str, Estimate]) -> dict[str, float]:
    from suite.calibrate import measured_rates  # brings torch

    return measured_rates(nodes, estimates)


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
