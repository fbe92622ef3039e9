"""One job from start to commit, without Ray: costs, logs, threads, failures."""

import os
import pickle
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs import registry
from jobs.execute import execute
from jobs.job import Context, Kind, key_of
from jobs.scratch import held
from jobs.task import JobError, Task
from results.errors import InputError
from results.store import Store


def good(params: Any, inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    (out / "threads").write_text(os.environ["OMP_NUM_THREADS"])
    (context.scratch / "rubbish").write_text("x")
    print("said by the job")  # noqa: T201 - what is printed has to reach the log
    os.write(2, b"said by native code\n")
    context.progress(0.5, "half")
    return {"tokens_per_s": 7}


def wrong_input(params: Any, inputs: Any, out: Path, context: Context) -> dict[str, Any]:
    (out / "half").write_text("x")
    raise InputError("file f, field x: do this")


def broken(params: Any, inputs: Any, out: Path, context: Context) -> dict[str, Any]:
    raise ZeroDivisionError("first line\nsecond line")


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    monkeypatch.setitem(sys.modules, "sample_jobs", sys.modules[__name__])
    for name in ("good", "wrong_input", "broken"):
        kind = Kind(name=name, version=1, function=f"sample_jobs:{name}", modules=())
        monkeypatch.setitem(registry.KINDS, name, kind)
    return Task(
        id="good:x",
        kind="good",
        key="k",
        params={},
        store=Store(tmp_path / "store"),
        log=tmp_path / "logs" / "good.log",
        threads=2,
    )


def test_a_job_is_published_with_its_costs_and_its_output_in_the_log(task: Task) -> None:
    commit = execute(task)
    assert [file.path for file in commit.files] == ["threads"], "scratch is no payload"
    assert (task.store.folder(commit) / "threads").read_text() == "2"
    costs = commit.notes["costs"]
    assert isinstance(costs, dict) and costs["extra"] == {"tokens_per_s": 7}
    assert costs["peak_rss_bytes"] > 10_000_000  # type: ignore[operator]
    head, *lines = task.log.read_text().splitlines()
    assert re.fullmatch(rf"--- good:x attempt {commit.attempt} 20\S+\+00:00", head)
    assert lines == ["said by the job", "said by native code"]
    folder = task.store.root / "good" / "k" / "attempts"
    assert [path.name for path in folder.iterdir()] == [commit.attempt]
    assert [path.name for path in task.log.parent.iterdir()] == ["good.log"]


@pytest.mark.parametrize(
    ("kind", "fault", "message"),
    [
        ("wrong_input", "input", "file f, field x: do this"),
        ("broken", "code", "ZeroDivisionError: first line"),
    ],
)
def test_a_failure_is_one_line_with_its_traceback_kept(
    task: Task, kind: str, fault: str, message: str
) -> None:
    with pytest.raises(JobError) as caught:
        execute(replace(task, kind=kind))
    error = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (error.fault, error.message) == (fault, message)
    assert "Traceback" in error.traceback and kind in task.log.read_text()
    assert list((task.store.root / kind / "k" / "attempts").iterdir()) == [], "nothing half-written"


def leaves_work(params: Any, inputs: Any, out: Path, context: Context) -> dict[str, Any]:
    """Fail at the first attempt, and say at the second what was found of it."""
    found = sorted(path.name for path in context.scratch.iterdir())
    (context.scratch / "half").write_text("x")
    if params["fault"] and not found:
        raise params["fault"]
    (out / "found").write_text(" ".join(found))
    return {}


@pytest.mark.parametrize(
    ("fault", "found"), [(RuntimeError("disk full"), "half"), (InputError("bad"), None)]
)
def test_only_a_fault_that_a_user_cannot_mend_leaves_scratch_to_the_next_attempt(
    task: Task, monkeypatch: pytest.MonkeyPatch, fault: Exception, found: str | None
) -> None:
    kind = Kind(name="leaves_work", version=1, function="sample_jobs:leaves_work", modules=())
    monkeypatch.setitem(registry.KINDS, "leaves_work", kind)
    task = replace(task, kind="leaves_work", params={"fault": fault})
    with pytest.raises(JobError):
        execute(task)
    folder = task.store.root / "leaves_work" / "k"
    assert (folder / "scratch").exists() is (found is not None)
    if found is None:
        return
    commit = execute(task)
    assert (task.store.folder(commit) / "found").read_text() == found
    assert sorted(path.name for path in folder.iterdir()) == ["COMMIT.0.json", "attempts"]


def test_a_second_attempt_at_once_gets_a_scratch_folder_of_its_own(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = Kind(name="leaves_work", version=1, function="sample_jobs:leaves_work", modules=())
    monkeypatch.setitem(registry.KINDS, "leaves_work", kind)
    task = replace(task, kind="leaves_work", params={"fault": None})
    root = task.store.scratch(task.kind, task.key)
    with held(root) as first:
        (first.files / "mine").write_text("x")
        commit = execute(task)
        assert (task.store.folder(commit) / "found").read_text() == ""
        assert [path.name for path in first.files.iterdir()] == ["mine"]
        names = sorted(path.name for path in root.parent.iterdir())
        assert names == ["COMMIT.0.json", "attempts", "scratch"], "the private one is gone"


def test_a_scratch_folder_cleared_away_is_made_anew(tmp_path: Path) -> None:
    with held(tmp_path / "scratch") as one:
        (one.files / "x").write_text("x")
        one.clear()
        with held(tmp_path / "scratch") as two:
            assert two.root == one.root and list(two.files.iterdir()) == []


def test_a_key_depends_on_everything_that_decides_bytes() -> None:
    kind = Kind(name="a", version=1, function="m:f", modules=())
    base = key_of(kind, {"x": 1}, {"in": "d"})
    assert base == key_of(kind, {"x": 1}, {"in": "d"})
    others = [
        key_of(replace(kind, version=2), {"x": 1}, {"in": "d"}),
        key_of(replace(kind, name="b"), {"x": 1}, {"in": "d"}),
        key_of(kind, {"x": 2}, {"in": "d"}),
        key_of(kind, {"x": 1}, {"in": "e"}),
        key_of(kind, {"x": 1}, {"other": "d"}),
    ]
    assert len({base, *others}) == 6


@pytest.mark.parametrize(("device", "sees"), [("cpu", ""), (None, ""), ("cuda", "0,1")])
def test_a_job_sees_gpus_only_where_it_is_to_run_on_one(
    task: Task, monkeypatch: pytest.MonkeyPatch, device: str | None, sees: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    seen: list[str] = []
    monkeypatch.setattr(
        sys.modules["sample_jobs"],
        "good",
        lambda *_: seen.append(os.environ["CUDA_VISIBLE_DEVICES"]) or {},
    )
    execute(replace(task, params={"device": device} if device else {}))
    assert seen == [sees]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_secrets_reach_the_job_and_nothing_that_is_written(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    monkeypatch.setattr(
        sys.modules["sample_jobs"], "good", lambda *_: seen.append(os.environ.get("TOKEN")) or {}
    )
    secret = replace(task, secrets={"TOKEN": "hush"})
    commit = execute(secret)
    assert (seen, os.environ.get("TOKEN")) == (["hush"], None)
    assert "hush" not in repr(secret) + repr(commit)
