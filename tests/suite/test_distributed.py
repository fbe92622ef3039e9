"""One adaptation shared by two processes: the steps of one, one artifact, and the user's faults."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import mlm_params

from adapters.mlm import Mlm
from adapters.tiny import build_tiny
from adapters.training_workers import SharedBatches, share, totals
from corpora.storage import DocumentWriter
from jobs.execute import execute
from jobs.task import JobError, Task
from results.errors import InputError
from results.store import Commit, Store
from suite import scheduler
from suite.board import Outcome
from suite.distributed import blame
from suite.node import Node

SETTINGS = Mlm(
    epochs=3, batch_size=4, learning_rate=2e-3, block=32, max_blocks=9, validation_share=0.3
)


@pytest.mark.parametrize("count", [8, 9, 10, 11, 12])
def test_workers_share_every_batch_and_all_take_one_too_small_to_share(count: int) -> None:
    three = [SharedBatches(range(count), batch_size=6, rank=r, workers=3) for r in range(3)]
    assert len({len(one) for one in three}) == 1
    for number, shares in enumerate(zip(*three, strict=True)):
        batch = list(range(6 * number, min(6 * number + 6, count)))
        if len(batch) < 3:
            assert all(one == batch for one in shares)
        else:
            assert sorted(index for one in shares for index in one) == batch
            assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_one_worker_takes_everything() -> None:
    assert share([3, 4, 5], rank=0, workers=1) == [3, 4, 5]
    assert totals({"loss": [2.0, 4.0]}, 1) == {"loss": [2.0, 4.0]}


def _failed(fault: Any, message: str) -> JobError:
    return JobError.of(RuntimeError(message), message, fault=fault)


def test_the_users_fault_explains_the_others_and_a_lost_worker_explains_broken_pipes() -> None:
    mine, pipe, lost = _failed("input", "x"), _failed("code", "pipe"), OSError("worker died")
    assert blame({0: pipe, 1: mine, 2: lost}, "") is mine
    assert blame({0: pipe}, "") is pipe
    assert "worker died" in str(blame({0: pipe, 1: lost}, ""))
    assert str(blame({}, "the controller failed")) == "the controller failed"


@dataclass
class OneJob:
    """A board with one job that is ready."""

    task: Task
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    handed_out: bool = False

    @property
    def nodes(self) -> dict[str, Node]:
        task = self.task
        node = Node(
            id=task.id,
            kind=task.kind,
            params=task.params,
            cpus=task.threads,
            workers=task.workers,
        )
        return {task.id: node}

    @property
    def store(self) -> Store:
        return self.task.store

    def advance(self) -> list[Task]:
        ready = [] if self.handed_out else [self.task]
        self.handed_out = True
        return ready

    def say(self, text: str) -> None:
        pass

    def rank(self, name: str) -> float:
        return 0.0

    def finish(self, name: str, commit: Commit) -> None:
        self.outcomes[name] = Outcome(status="computed", commit=commit)

    def fail(self, name: str, reason: str, fault: Any) -> None:
        self.outcomes[name] = Outcome(status="failed", reason=reason, fault=fault)


def schedule(task: Task, folder: Path) -> Outcome:
    """Run a job by the scheduler, on a Ray of its own."""
    board: Any = OneJob(task)
    folder.mkdir(exist_ok=True)
    idle: Callable[[Any], None] = lambda _: None  # noqa: E731 - nothing to do
    scheduler.run(board, address=None, run_dir=folder, settled=idle, tick=idle)
    outcome: Outcome = board.outcomes[task.id]
    return outcome


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """An adaptation of twelve short logs, of a BERT without dropout."""
    texts = [
        "\n".join(f"radio {n % 3} {('up', 'down')[n % 2]} code {step}" for step in range(9))
        for n in range(12)
    ]
    root = tmp_path_factory.mktemp("store")
    tiny = build_tiny(root / "tiny", texts, mlm_head=True)
    config = json.loads((tiny / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (tiny / "config.json").write_text(json.dumps(config))
    store = Store(root)
    folders = {kind: store.new_attempt(kind, "k") for kind in ("corpus", "split")}
    with DocumentWriter(folders["corpus"] / "documents.parquet") as writer:
        for number, text in enumerate(texts):
            writer.add(f"d{number}", [text], None)
    rows = {"id": [f"d{number}" for number in range(12)], "side": ["train"] * 12}
    pd.DataFrame(rows).to_parquet(folders["split"] / "split.parquet")
    return Task(
        id="adapt:tiny/0",
        kind="adapt",
        key="one",
        params=mlm_params(SETTINGS),
        store=Store(root),
        log=root / "logs" / "one.log",
        threads=1,
        inputs={
            kind: store.publish(kind, "k", folder, notes={}) for kind, folder in folders.items()
        },
        local={"checkpoint": str(tiny)},
    )


def shared(task: Task, key: str, workers: int, **settings: Any) -> Task:
    changed = {**task.params["objective_settings"], **settings}
    params = {**task.params, "workers": workers, "objective_settings": changed}
    log = task.log.with_name(f"{key}.log")
    return replace(task, key=key, params=params, workers=workers, log=log)


def _card(task: Task, commit: Commit | None) -> dict[str, Any]:
    assert commit is not None
    card: dict[str, Any] = json.loads((task.store.folder(commit) / "card.json").read_text())
    return card


@pytest.mark.slow
def test_two_workers_take_the_steps_of_one_and_publish_one_artifact(
    task: Task, tmp_path: Path
) -> None:
    alone = _card(task, execute(task))
    two = shared(task, "two", workers=2)
    outcome = schedule(two, tmp_path / "run")
    assert outcome.status == "computed", outcome.reason
    card = _card(task, outcome.commit)
    assert card["train_blocks"] == 9, "the last batch is one block, fewer than the workers"
    assert (card["steps"], card["train_tokens"]) == (alone["steps"], alone["train_tokens"])
    assert alone["heldout_loss_after"] < alone["heldout_loss_before"]
    for curve, other in zip(card["curves"], alone["curves"], strict=True):
        assert curve["values"] == pytest.approx(other["values"], rel=1e-4), curve["name"]
    folder = task.store.root / "adapt" / "two"
    assert sorted(path.name for path in folder.iterdir()) == ["COMMIT.0.json", "attempts"]
    assert len(list((folder / "attempts").iterdir())) == 1


@pytest.mark.slow
def test_a_users_fault_in_the_workers_is_one_line(task: Task, tmp_path: Path) -> None:
    outcome = schedule(shared(task, "odd", workers=2, batch_size=5), tmp_path / "run")
    assert (outcome.status, outcome.fault) == ("failed", "input")
    assert outcome.reason == (
        "batch_size 5 cannot be shared equally by 2 workers: change one of the two"
    )


def test_more_workers_than_the_cluster_holds_is_an_error_at_once(
    task: Task, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="needs 4096 workers of 1 CPUs and the cluster has"):
        schedule(shared(task, "many", workers=4096), tmp_path / "run")
