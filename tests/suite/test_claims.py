"""Claims: what another run is at is waited for, and taken over when that run is gone."""

from pathlib import Path

import pytest

from jobs.task import Task
from results.leases import Leases, new_owner
from results.store import Commit, Store
from suite import claims
from suite.claims import Claims


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(claims, "_ASK_EVERY_S", 0.0)
    return Store(tmp_path)


@pytest.fixture
def ours(store: Store) -> Claims:
    return claims.claims(store)


@pytest.fixture
def task(store: Store, tmp_path: Path) -> Task:
    log = tmp_path / "log"
    return Task(id="x", kind="corpus", key="k", params={}, store=store, log=log, threads=1)


def _publish(store: Store, task: Task) -> Commit:
    attempt = store.new_attempt(task.kind, task.key)
    (attempt / "f").write_text("x")
    return store.publish(task.kind, task.key, attempt, notes={}, n=task.n)


def test_what_nobody_is_at_is_ours(store: Store, ours: Claims, task: Task) -> None:
    assert ours.take(task) == task
    assert not Leases(store, owner=new_owner()).take(task.kind, task.key)


def test_what_another_run_is_at_is_asked_for_again_and_its_commit_adopted(
    store: Store, ours: Claims, task: Task
) -> None:
    theirs = Leases(store, owner=new_owner())
    theirs.take(task.kind, task.key)
    assert ours.take(task) is None and ours.elsewhere == [task]
    assert ours.beat() == [task] and ours.elsewhere == []
    commit = _publish(store, task)
    theirs.close()
    assert ours.take(task) == commit
    assert Leases(store, owner=new_owner()).take(task.kind, task.key), "nothing is held on to"


def test_what_another_run_gave_up_is_ours(store: Store, ours: Claims, task: Task) -> None:
    theirs = Leases(store, owner=new_owner())
    theirs.take(task.kind, task.key)
    assert ours.take(task) is None
    theirs.close()
    assert ours.take(task) == task


def test_what_was_made_while_a_job_waited_in_line_is_not_made_again(
    store: Store, ours: Claims, task: Task
) -> None:
    commit = _publish(store, task)
    assert ours.take(task) == commit
    (store.folder(commit) / "f").unlink()
    taken = ours.take(task)
    assert isinstance(taken, Task) and taken.n == 1, "a damaged one is superseded"
