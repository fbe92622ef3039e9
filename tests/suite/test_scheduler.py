"""The scheduler on a real Ray: what is tried again, what is not, and what a worker is given."""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from jobs.registry import KINDS
from jobs.task import Task
from results.errors import InputError
from results.leases import Leases, new_owner
from results.store import Store
from suite import cluster, scheduler
from suite.board import Board, Outcome
from suite.cluster import Joined
from suite.grant import Grant
from suite.node import Node
from suite.under_way import UnderWay

SYNTHETIC = Path(__file__).parents[2] / "benchmarks" / "synthetic"


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joined]:
    """A Ray of two CPUs whose workers know the synthetic kinds of job."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(SYNTHETIC))
        patch.syspath_prepend(str(SYNTHETIC))
        patch.setattr(os, "cpu_count", lambda: 2)
        import synthetic_jobs

        known = dict(KINDS)
        synthetic_jobs.register(KINDS)
        with cluster.joined(None, tmp_path_factory.mktemp("run")) as started:
            yield started
        KINDS.clear()
        KINDS.update(known)
        sys.modules.pop("synthetic_jobs")


class Run:
    """A plan that was run: how its nodes ended, what was said and what was seen meanwhile."""

    def __init__(self, joined: Joined, folder: Path, *nodes: Node) -> None:
        self.said: list[str] = []
        self.seen: list[UnderWay] = []
        self.settled: list[scheduler.Settled] = []
        self.folder = folder
        self.store = Store(folder / "store")
        self.board = Board(nodes, self.store, folder / "logs", say=self.said.append)
        ready = self.board.advance()
        scheduler.run_on(joined, self.board, ready, settled=self.settled.append, tick=self._look)

    def _look(self, under_way: Sequence[UnderWay]) -> None:
        self.seen += under_way

    def __getitem__(self, name: str) -> Outcome:
        return self.board.outcomes[name]

    def attempts(self, name: str) -> int:
        (log,) = (self.folder / "logs").glob(f"{name.replace(':', '_')}.log")
        return log.read_text().count(f"--- {name} attempt ")


def troubled(folder: Path, how: str, times: int = 99, **fields: Any) -> Node:
    """A job that fails in a way that is known, so often."""
    params = {"how": how, "times": times, "light": fields.pop("light", False)}
    local = {"path": str(folder / "marks")}
    return Node(id="trouble:x", kind="trouble", params=params, local=local, **fields)


def plain(name: str, **fields: Any) -> Node:
    return Node(id=name, kind="nothing", params={"number": name, "light": True}, **fields)


def test_a_killed_worker_is_replaced_and_a_shared_one_too(joined: Joined, tmp_path: Path) -> None:
    for light in (False, True):
        folder = tmp_path / str(light)
        run = Run(joined, folder, troubled(folder, "die", times=1, light=light))
        assert run["trouble:x"].status == "computed"
        assert run.attempts("trouble:x") == 2
        assert "trouble:x: worker crashed" in run.said[0] and "trying again" in run.said[0]


def test_a_worker_lost_after_its_commit_has_done_its_job(joined: Joined, tmp_path: Path) -> None:
    run = Run(joined, tmp_path, Node(id="late:x", kind="late", params={"light": False}))
    assert run["late:x"].status == "computed" and run.said == []
    assert run.attempts("late:x") == 1
    (settled,) = run.settled
    assert settled.commit is not None and run.store.find("late", settled.task.key).commit


def test_a_job_that_kills_every_worker_is_given_up(joined: Joined, tmp_path: Path) -> None:
    run = Run(joined, tmp_path, troubled(tmp_path, "die"), plain("nothing:y"))
    assert run["trouble:x"].fault == "system" and run.attempts("trouble:x") == 3
    assert "worker crashed (WorkerCrashedError" in str(run["trouble:x"].reason)
    assert str(run["trouble:x"].reason).endswith(", 3 times")
    assert run["nothing:y"].status == "computed"


def test_a_job_that_hangs_is_stopped_at_its_time_limit_with_its_stack_in_the_log(
    joined: Joined, tmp_path: Path
) -> None:
    run = Run(joined, tmp_path, troubled(tmp_path, "hang", grant=Grant(time_limit_s=1.0)))
    assert run["trouble:x"].fault == "system"
    assert run["trouble:x"].reason == (
        "still running after its time limit of 1 s, 2 times; where that is too short, raise "
        "resources.trouble.time_limit in the suite file"
    )
    assert "in _hang" in (tmp_path / "logs" / "trouble_x.log").read_text()
    assert run.attempts("trouble:x") == 2


def test_out_of_memory_is_tried_with_more_of_it_and_then_says_where_to_raise_it(
    joined: Joined, tmp_path: Path
) -> None:
    grant = Grant(memory_bytes=100 * 2**20)
    run = Run(joined, tmp_path, troubled(tmp_path, "memory", grant=grant))
    assert run.attempts("trouble:x") == 3
    assert "out of memory" in str(run["trouble:x"].reason)
    assert "raise resources.trouble.memory in the suite file" in str(run["trouble:x"].reason)
    assert run["trouble:x"].fault == "system"


@pytest.mark.parametrize(
    ("how", "fault", "reason"),
    [
        ("mistake", "code", "ZeroDivisionError: a mistake of the job's own"),
        ("input", "input", "x.log, line 3: mend this"),
        ("disk", "system", "no space left on the disk for /data/x; free some, or name another"),
    ],
)
def test_what_would_come_again_is_not_tried_again(
    joined: Joined, tmp_path: Path, how: str, fault: str, reason: str
) -> None:
    run = Run(joined, tmp_path, troubled(tmp_path, how, light=True))
    assert run.attempts("trouble:x") == 1
    assert run["trouble:x"].fault == fault
    assert str(run["trouble:x"].reason).startswith(reason)


def test_an_input_that_is_damaged_when_a_job_starts_is_computed_again(
    joined: Joined, tmp_path: Path
) -> None:
    first = plain("nothing:first")
    damaging = troubled(tmp_path, "damage", times=1, needs={"first": "nothing:first"})
    last = plain("nothing:last", needs={"first": "nothing:first", "then": "trouble:x"})
    run = Run(joined, tmp_path, first, damaging, last)
    assert {outcome.status for outcome in run.board.outcomes.values()} == {"computed"}
    assert run.board.commit("nothing:first").n == 1
    assert run.store.damage(run.board.commit("nothing:first")) is None
    assert "nothing:last: its input nothing:first is damaged in the store" in run.said[0]
    assert "nothing:first: the stored artifact is damaged" in run.said[1]


def _threads(joined: Joined, folder: Path, cpus: int, count: int, *, light: bool) -> list[Any]:
    """Run jobs that say which process, how many threads and what bytes they had."""
    params = {"light": light, "torch": light}
    nodes = [
        Node(id=f"threads:{number}", kind="threads", params={**params, "n": number}, cpus=cpus)
        for number in range(count)
    ]
    run = Run(joined, folder / f"{light}-{cpus}", *nodes)
    commits = [run.board.commit(node.id) for node in nodes]
    return [
        (
            commit.notes["costs"]["extra"]["pid"],  # type: ignore[index, call-overload]
            json.loads((run.store.folder(commit) / "threads.json").read_text()),
            {file.path: file.sha256 for file in commit.files}["product.npy"],
        )
        for commit in commits
    ]


def test_shared_workers_have_the_threads_of_their_jobs_and_give_the_same_bytes(
    joined: Joined, tmp_path: Path
) -> None:
    ones = _threads(joined, tmp_path, cpus=1, count=8, light=True)
    (two,) = _threads(joined, tmp_path, cpus=2, count=1, light=True)
    (alone,) = _threads(joined, tmp_path, cpus=1, count=1, light=False)
    assert [pools for _, pools, _ in ones] == [{"openblas": 1, "openmp": 1, "torch": 1}] * 8
    assert two[1] == {"openblas": 2, "openmp": 2, "torch": 2}
    assert alone[1] == {"openblas": 1, "openmp": 1}
    assert {digest for _, _, digest in ones} == {alone[2]}
    pids = {pid for pid, _, _ in ones}
    assert len(pids) < 8, "no worker was shared"
    assert not pids & {two[0], alone[0]}


def test_what_a_running_job_says_is_seen_while_it_runs(joined: Joined, tmp_path: Path) -> None:
    node = troubled(tmp_path, "hang", grant=Grant(time_limit_s=0.8))
    seen = Run(joined, tmp_path, node, plain("nothing:y")).seen
    assert any(one.running_s is None for one in seen)
    running = [one for one in seen if one.running_s is not None and one.task.id == "trouble:x"]
    assert running and all(one.node for one in running)


def test_what_another_run_computes_is_waited_for_and_adopted(
    joined: Joined, tmp_path: Path
) -> None:
    store, node = Store(tmp_path / "store"), plain("nothing:y")
    (task,) = Board([node], store, tmp_path).advance()
    other = Leases(store, owner=new_owner())
    assert other.take(task.kind, task.key)
    timer = Timer(1.0, _publish, (store, task, other))
    timer.start()
    run = Run(joined, tmp_path, node)
    timer.join()
    assert run["nothing:y"].status == "cached" and run.settled == []
    assert run.board.commit("nothing:y").notes == {"job": "theirs"}
    assert any(one.text == "another run is at it" for one in run.seen)


def _publish(store: Store, task: Task, leases: Leases) -> None:
    attempt = store.new_attempt(task.kind, task.key)
    (attempt / "done").write_text("theirs")
    store.publish(task.kind, task.key, attempt, notes={"job": "theirs"})
    leases.close()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cpus": 9}, "needs 9 CPUs and the largest node has 2 CPUs; lower compute.threads"),
        ({"grant": Grant(gpus=0.5)}, "needs 0.5 GPUs and the largest node has 0 GPUs; lower its"),
        (
            {"grant": Grant(memory_bytes=2**50)},
            "needs 1048576.0 GiB of memory and the largest node has",
        ),
        ({"grant": Grant(custom={"ssd": 1})}, "needs 1 of ssd and the largest node has 0 of ssd"),
        ({"grant": Grant(labels={"tier": "big"})}, "labelled tier=big and the cluster has none"),
        ({"grant": Grant(accelerator="A100")}, "needs an accelerator A100 and the cluster has no"),
        ({"workers": 3}, "needs 3 workers of 1 CPUs and the cluster has room for 2; lower"),
    ],
)
def test_a_job_that_no_node_can_hold_is_an_error_at_once(
    joined: Joined, tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    started = time.monotonic()
    with pytest.raises(InputError, match=f"nothing:y .*{message}"):
        Run(joined, tmp_path, plain("nothing:x"), plain("nothing:y", **fields))
    assert time.monotonic() - started < 5


def test_an_estimate_of_memory_is_lowered_to_what_there_is_and_that_is_said(
    joined: Joined, tmp_path: Path
) -> None:
    grant = Grant(memory_bytes=2**50, memory_is_estimate=True)
    run = Run(joined, tmp_path, plain("nothing:y", grant=grant))
    assert run["nothing:y"].status == "computed"
    assert run.said[0].startswith("nothing:y: is estimated to need 1048576.0 GiB of memory, more")
