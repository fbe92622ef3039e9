"""`logmark store`: what is there, whether it is whole, and what no run needs."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import said
from object_store import BUCKET, service

from results.errors import InputError
from results.keeping import keep, named_runs
from results.leases import Leases
from results.store import Commit, Store
from suite import store_commands

DAY_S = 24 * 3600


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs" / "store")


def _publish(store: Store, kind: str, key: str, text: str = "payload", n: int = 0) -> Commit:
    attempt = store.new_attempt(kind, key)
    (attempt / "data").write_text(text)
    return store.publish(kind, key, attempt, notes={"job": f"{kind}:x"}, n=n)


def _age(store: Store, days: float, below: str = "") -> None:
    for path in (store.root / below).rglob("*"):
        stat = path.stat()
        os.utime(path, (stat.st_atime, stat.st_mtime - days * DAY_S))


def _say(store: Store, *words: str) -> tuple[int, list[str]]:
    status, lines, _ = said(store_commands, "store", *words, "--store", store.uri)
    return status, lines


def _json(store: Store, *words: str) -> Any:
    return json.loads(_say(store, *words, "--format", "json")[1][0])


def _freed(store: Store, *words: str) -> set[str]:
    """What a dry run names; then the same is deleted, and no byte besides."""
    dry = _json(store, "gc", *words)
    before = {entry.path: entry.size for entry in store.files.walk("")}
    told = {garbage["what"] for garbage in dry["garbage"]}
    assert {e.path for e in store.files.walk("")} == set(before), "a dry run deletes nothing"
    done = _json(store, "gc", "--yes", *words)
    assert {**dry, "deleted": True} == done
    left = {entry.path for entry in store.files.walk("")}
    gone = {path for path in before if path not in left and not path.startswith("runs/")}
    assert left <= set(before)
    assert all(any(path == what or path.startswith(f"{what}/") for what in told) for path in gone)
    assert sum(before[path] for path in gone) == done["bytes"]
    return told


def test_the_artifacts_of_each_kind_and_the_runs_are_counted(store: Store) -> None:
    _publish(store, "embed", "a")
    _publish(store, "embed", "b")
    _publish(store, "split", "c")
    (store.new_attempt("split", "d") / "half").write_text("half")
    run_id = keep(store, "paper", {"run_dir": "/runs/paper"}, [("embed", "a")])
    code, lines = _say(store, "ls", "--runs")
    assert code == 0
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["embed", "2"],
        ["split", "1"],
        ["total", "3"],
    ]
    assert lines[4].startswith(f"run {run_id}: 1 artifacts, finished 2")
    told = _json(store, "ls", "--runs")
    sizes = sum(e.size for e in store.files.walk("") if not e.path.startswith("runs"))
    assert sum(row["bytes"] for row in told["kinds"]) == sizes
    assert told["runs"][run_id]["artifacts"] == [["embed", "a"]]


def test_a_store_that_is_not_there_is_said_so(store: Store) -> None:
    with pytest.raises(InputError, match="is not there; pass --workdir or --store"):
        _say(store, "ls")


@pytest.mark.parametrize("harm", ["alter", "shorten", "delete", "record"])
def test_damage_is_named_and_what_is_damaged_is_not_found_any_more(store: Store, harm: str) -> None:
    whole, bad = _publish(store, "embed", "a"), _publish(store, "embed", "b")
    assert _say(store, "verify")[0] == 0
    path = store.folder(bad) / "data"
    if harm == "record":
        path = store.root / "embed" / "b" / "COMMIT.0.json"
    path.unlink() if harm == "delete" else path.write_text("PAYLOAD" if harm == "alter" else "x")
    code, lines = _say(store, "verify")
    assert code == 1
    job = "" if harm == "record" else " (embed:x)"
    assert lines[0].startswith(f"DAMAGED embed/b{job}: {path} ")
    assert lines[1].startswith("2 artifacts verified") and "1 damaged; the next run" in lines[1]
    assert store.find("embed", "a").commit == whole
    found = store.find("embed", "b")
    assert found.commit is None and str(path) in str(found.damage) and found.n == 1
    assert [row["artifact"] for row in _json(store, "verify")["damaged"]] == ["embed/b"]
    assert _say(store, "verify", "--kind", "split")[0] == 0
    _publish(store, "embed", "b", n=found.n)
    assert _say(store, "verify")[0] == 0, "superseded"


def test_what_is_whole_again_is_found_again(store: Store) -> None:
    commit = _publish(store, "embed", "a")
    path = store.folder(commit) / "data"
    path.write_text("PAYLOAD")
    assert _say(store, "verify")[0] == 1
    path.write_text("payload")  # from a backup
    assert store.find("embed", "a").commit is None
    assert _say(store, "verify")[0] == 0
    assert store.find("embed", "a").commit == commit


def test_gc_frees_what_no_run_needs_and_nothing_younger_than_a_day(store: Store) -> None:
    for key in ("kept", "old"):
        _publish(store, "embed", key)
    (store.new_attempt("embed", "half") / "half").write_text("half")
    _publish(store, "split", "twice")
    _publish(store, "split", "twice", n=1)
    (store.root / "embed" / "kept" / ".x.tmp").write_text("killed while committing")
    (store.root / "embed" / "kept" / "scratch").mkdir()
    (store.root / "embed" / "kept" / "scratch" / "lock").write_text("")
    keep(store, "paper", {"run_dir": "/runs/paper"}, [("embed", "kept"), ("split", "twice")])
    assert _freed(store) == set(), "all of it is young"
    _age(store, 1.1)
    _publish(store, "embed", "young")
    first = store.record("split", "twice", 0)
    assert isinstance(first, Commit)
    (half,) = (store.root / "embed" / "half" / "attempts").iterdir()
    assert _freed(store) == {
        "embed/old",
        f"embed/half/attempts/{half.name}",
        "embed/kept/.x.tmp",
        "embed/kept/scratch",
        "split/twice/COMMIT.0.json",
        f"split/twice/attempts/{first.attempt}",
    }
    for kind, key in (("embed", "kept"), ("embed", "young"), ("split", "twice")):
        assert store.find(kind, key).commit is not None
    assert store.find("embed", "old") == (None, None, 0)
    assert _freed(store) == set()


def test_what_only_saves_work_is_kept_for_some_days(store: Store) -> None:
    for kind in ("windows", "memory"):
        _publish(store, kind, "a")
    (store.root / "adapt" / "a" / "scratch" / "files").mkdir(parents=True)
    (store.root / "adapt" / "a" / "scratch" / "files" / "checkpoint").write_text("x")
    _age(store, 8)
    assert _freed(store) == set()
    assert _freed(store, "--days", "7") == {"windows/a", "memory/a", "adapt/a/scratch"}


def test_a_forgotten_run_frees_what_it_alone_needed(store: Store) -> None:
    for key in ("one", "both"):
        _publish(store, "embed", key)
    one = keep(store, "one", {}, [("embed", "one"), ("embed", "both")])
    keep(store, "two", {"run_dir": "/a"}, [("embed", "both")])
    keep(store, "two", {"run_dir": "/b"}, [])
    _age(store, 2)
    with pytest.raises(InputError, match=f"--forget on: no such run; .*Known: {one}, two-"):
        _say(store, "gc", "--forget", "on")
    with pytest.raises(InputError, match="several runs have this name: two-.*, two-"):
        _say(store, "gc", "--forget", "two")
    assert _json(store, "gc", "--forget", "one")["forgotten"] == [one]
    assert one in named_runs(store), "a dry run forgets nothing"
    code, lines = _say(store, "gc", "--forget", "one", "--yes")
    assert code == 0 and lines[0].startswith("embed/one: ") and lines[-1].endswith("bytes deleted")
    assert one not in named_runs(store)
    assert store.find("embed", "both").commit is not None


def test_a_run_under_way_keeps_what_the_one_before_needed(store: Store) -> None:
    keep(store, "paper", {}, [("embed", "a")])
    run_id = keep(store, "paper", {}, [("embed", "b")], driver="me")
    assert named_runs(store)[run_id].artifacts == [("embed", "a"), ("embed", "b")]
    assert "2 artifacts, not finished, last heard of 2" in _say(store, "ls", "--runs")[1][-1]
    driver = Leases(store, owner="me")
    assert "2 artifacts, under way on " in _say(store, "ls", "--runs")[1][-1]
    driver.close()
    keep(store, "paper", {}, [("embed", "b")])
    assert named_runs(store)[run_id].artifacts == [("embed", "b")]


def test_a_run_that_cannot_be_read_stops_the_cleaning(store: Store) -> None:
    _publish(store, "embed", "a")
    run_id = keep(store, "paper", {}, [("embed", "a")])
    store.files.replace(f"runs/{run_id}.json", b"{")
    with pytest.raises(InputError, match=f"runs/{run_id}.json: damaged, so nobody knows what"):
        _say(store, "gc", "--yes")


def test_beside_a_run_under_way_only_leftovers_of_others_are_freed(store: Store) -> None:
    """It may have found any artifact, and an attempt of its own may be days old."""
    _publish(store, "embed", "it may use this")
    for key in ("mine", "others"):
        (store.new_attempt("adapt", key) / "half").write_text("half")
    driver = Leases(store, owner="driver")
    assert driver.take("adapt", "mine")
    _age(store, 2, "adapt")
    _age(store, 2, "embed")
    _age(store, 2, "leases")
    (half,) = (store.root / "adapt" / "others" / "attempts").iterdir()
    assert _freed(store) == {f"adapt/others/attempts/{half.name}"}
    assert "runs may be under way (driver)" in _say(store, "gc")[1][0]
    driver.close()
    assert len(_freed(store)) == 2


def test_a_run_that_has_just_begun_is_under_way_before_it_has_a_driver(store: Store) -> None:
    _publish(store, "embed", "it may use this")
    run_id = keep(store, "paper", {}, [], driver="driver")
    _age(store, 2, "embed")
    assert _json(store, "gc")["live"] == [run_id] and _freed(store) == set()
    _age(store, 0.1, "runs")
    assert _freed(store) == {"embed/it may use this"}


def test_a_driver_that_was_killed_holds_nothing_back(store: Store) -> None:
    _publish(store, "embed", "a")
    program = (
        "import sys, os; from results.leases import Leases; from results.store import Store;"
        "Leases(Store(sys.argv[1]), owner='dead').take('embed', 'a'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, store.uri], check=False)
    _age(store, 0.5)
    assert _json(store, "gc")["live"] == []
    _age(store, 1)
    assert _freed(store) == {"embed/a", "drivers/dead.json", "leases/embed/a.0.json"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with service():
        yield f"s3://{BUCKET}"


def test_a_remote_store_is_listed_verified_and_cleaned(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGMARK_CACHE", str(tmp_path))
    monkeypatch.setattr("results.collecting._DAY_S", -1.0)  # all of it is older than that
    store = Store(f"{address}/{uuid.uuid4().hex}")
    kept, bad = _publish(store, "embed", "kept"), _publish(store, "embed", "bad")
    _publish(store, "embed", "old")
    keep(store, "paper", {}, [("embed", "kept"), ("embed", "bad")])
    store.files.replace(f"embed/bad/attempts/{bad.attempt}/data", b"PAYLOAD")
    assert [row["artifacts"] for row in _json(store, "ls")["kinds"]] == [3]
    assert [row["artifact"] for row in _json(store, "verify")["damaged"]] == ["embed/bad"]
    assert store.find("embed", "bad").commit is None
    assert _freed(store) == {"embed/old"}
    assert store.find("embed", "kept").commit == kept
    assert store.find("embed", "old") == (None, None, 0)
