"""Scratch on a remote store: an attempt elsewhere goes on from what the one before had copied."""

import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from object_store import BUCKET, service

from jobs.mirror import Mirror
from jobs.scratch import Scratch, scratch_of
from results.errors import InputError
from results.remote_files import RemoteFiles
from results.store import Store


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with service():
        yield f"s3://{BUCKET}"


@pytest.fixture
def one(address: str, tmp_path: Path) -> Store:
    return Store(f"{address}/{uuid.uuid4().hex}", cache=tmp_path / "one")


def _elsewhere(store: Store, tmp_path: Path) -> Store:
    return Store(store.uri, cache=tmp_path / uuid.uuid4().hex)


def _mirror(scratch: Scratch) -> Mirror:
    assert scratch.mirror is not None
    return scratch.mirror


def _objects(store: Store) -> list[str]:
    return sorted(entry.path for entry in store.files.walk("adapt"))


def test_an_attempt_elsewhere_finds_what_was_copied_and_a_commit_clears_it(
    one: Store, tmp_path: Path
) -> None:
    other = _elsewhere(one, tmp_path)
    with scratch_of(one, "adapt", "k") as scratch:
        (scratch.files / "checkpoint-5").mkdir()
        (scratch.files / "checkpoint-5" / "weights").write_text("five")
        assert _mirror(scratch).save()
        assert not _mirror(scratch).save(), "nothing has changed"
        (scratch.files / "checkpoint-9").mkdir()
        (scratch.files / "checkpoint-9" / "weights").write_text("nine: not copied yet")
    with scratch_of(other, "adapt", "k") as scratch:
        assert [path.name for path in scratch.files.iterdir()] == ["checkpoint-5"]
        assert (scratch.files / "checkpoint-5" / "weights").read_text() == "five"
        scratch.clear()
    assert _objects(one) == []
    assert not list((tmp_path / "one").rglob("snapshot-*"))
    with scratch_of(_elsewhere(one, tmp_path), "adapt", "k") as scratch:
        assert list(scratch.files.iterdir()) == []


def test_the_machine_that_copied_last_goes_on_with_its_own(one: Store, tmp_path: Path) -> None:
    with scratch_of(one, "adapt", "k") as scratch:
        (scratch.files / "x").write_text("1")
        assert _mirror(scratch).save()
        (scratch.files / "x").write_text("two")
    with scratch_of(one, "adapt", "k") as scratch:
        assert (scratch.files / "x").read_text() == "two", "newer than its copy"
    with scratch_of(_elsewhere(one, tmp_path), "adapt", "k") as scratch:
        (scratch.files / "x").write_text("three")
        assert _mirror(scratch).save()
    with scratch_of(one, "adapt", "k") as scratch:
        assert (scratch.files / "x").read_text() == "three", "another machine has gone further"


def test_only_what_is_new_is_uploaded_and_what_is_gone_is_removed(one: Store) -> None:
    with scratch_of(one, "adapt", "k") as scratch:
        for name in ("old", "same"):
            (scratch.files / name).write_text(name)
        assert _mirror(scratch).save()
        before = {e.path: e.modified_s for e in one.files.walk("adapt")}
        (scratch.files / "old").unlink()
        (scratch.files / "new").write_text("new")
        assert _mirror(scratch).save()
    after = {e.path: e.modified_s for e in one.files.walk("adapt")}
    name = {
        word: f"k/scratch/{hashlib.sha256(word.encode()).hexdigest()}"
        for word in ("old", "same", "new")
    }
    assert set(after) == {name["same"], name["new"], "k/scratch/MANIFEST.json"}
    assert after[name["same"]] == before[name["same"]]


def test_a_copy_that_is_damaged_or_incomplete_is_no_copy(
    one: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with scratch_of(one, "adapt", "k") as scratch:
        (scratch.files / "x").write_text("content")
        assert _mirror(scratch).save()
    name = f"adapt/k/scratch/{hashlib.sha256(b'content').hexdigest()}"
    for harm in (lambda: one.files.replace(name, b"c0ntent"), lambda: one.files.remove(name)):
        harm()
        with scratch_of(_elsewhere(one, tmp_path), "adapt", "k") as scratch:
            assert list(scratch.files.iterdir()) == []
    assert "is damaged" in caplog.text and "is incomplete" in caplog.text


def test_a_folder_that_changes_while_it_is_copied_is_left_for_the_next_time(
    one: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = RemoteFiles.upload
    with scratch_of(one, "adapt", "k") as scratch:
        (scratch.files / "x").write_text("first")

        def meanwhile(self: RemoteFiles, pairs: list[tuple[Path, str]]) -> None:
            upload(self, pairs)
            (scratch.files / "x").write_text("other")
            os.utime(scratch.files / "x", (1, 1))

        monkeypatch.setattr(RemoteFiles, "upload", meanwhile)
        assert not _mirror(scratch).save()
        monkeypatch.setattr(RemoteFiles, "upload", upload)
        assert "k/scratch/MANIFEST.json" not in _objects(one)
        assert _mirror(scratch).save()


def test_files_that_are_deleted_while_they_are_copied_are_copied_all_the_same(
    one: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trainer deletes its last checkpoint but one; copying a large one takes longer than that."""
    upload = RemoteFiles.upload
    with scratch_of(one, "adapt", "k") as scratch:
        (scratch.files / "x").write_text("first")

        def meanwhile(self: RemoteFiles, pairs: list[tuple[Path, str]]) -> None:
            (scratch.files / "x").unlink()
            upload(self, pairs)

        monkeypatch.setattr(RemoteFiles, "upload", meanwhile)
        assert _mirror(scratch).save()
    with scratch_of(_elsewhere(one, tmp_path), "adapt", "k") as scratch:
        assert (scratch.files / "x").read_text() == "first"


_JOB = """
import sys, time
from pathlib import Path
from jobs.scratch import scratch_of
from results.store import Store
with scratch_of(Store(sys.argv[1], cache=Path(sys.argv[2])), "adapt", "k") as scratch:
    (scratch.files / "checkpoint").write_text("x")
    time.sleep(600)
"""


def test_a_machine_that_is_lost_has_left_a_copy(one: Store, tmp_path: Path) -> None:
    job = subprocess.Popen(
        [sys.executable, "-c", _JOB, one.uri, str(tmp_path / "lost")],
        env={**os.environ, "LOGMARK_MIRROR_S": "0.05"},
    )
    try:
        until = time.monotonic() + 60
        while "k/scratch/MANIFEST.json" not in _objects(one):
            assert time.monotonic() < until and job.poll() is None
            time.sleep(0.05)
    finally:
        job.kill()
        job.wait()
    with scratch_of(one, "adapt", "k") as scratch:
        assert (scratch.files / "checkpoint").read_text() == "x"
        manifest = json.loads(one.files.read("adapt/k/scratch/MANIFEST.json"))
        assert [file["path"] for file in manifest["files"]] == ["checkpoint"]


def test_a_second_attempt_on_one_machine_copies_nothing(one: Store) -> None:
    with scratch_of(one, "adapt", "k") as first, scratch_of(one, "adapt", "k") as second:
        assert first.mirror is not None and second.mirror is None
        assert first.root != second.root


def test_scratch_in_a_folder_is_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with scratch_of(store, "adapt", "k") as scratch:
        assert scratch.files == tmp_path / "adapt" / "k" / "scratch" / "files"
        assert scratch.mirror is None


@pytest.mark.parametrize("told", ["soon", "0", "-1", "nan"])
def test_a_time_that_is_none_is_refused(
    one: Store, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setenv("LOGMARK_MIRROR_S", told)
    with (
        pytest.raises(InputError, match=f"LOGMARK_MIRROR_S={told}: is no number of seconds"),
        scratch_of(one, "adapt", "k"),
    ):
        pass
