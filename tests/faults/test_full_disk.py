"""A store's disk that is full fails the run in one sentence; with room again it goes on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.batch import Base, Driver, Place, attempts, repeated, results, without

_LOST = ("labels", "adapt:adapted/0", "classify:adapted/decision_tree/0")
_ROOM_KB = 150  # an adapted checkpoint takes more


@pytest.fixture
def small_disk(base: Base, own: Path) -> Iterator[Path]:
    """A folder with little room, as a file system of its own."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can be mounted by root on Linux only")
    (own / "store").mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "small", str(own / "store")]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        without(base, own, _LOST)
        _resize(own / "store", shutil.disk_usage(own / "store").used // 1024 + _ROOM_KB)
        yield own / "store"
    finally:
        subprocess.run(["umount", "--lazy", str(own / "store")], check=True)


def _resize(disk: Path, kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(disk)], check=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_full_disk_is_said_in_one_sentence_and_costs_nothing_that_was_done(
    base: Base, own: Path, small_disk: Path
) -> None:
    place = Place(base.folder, own)
    full = Driver(place).wait()
    assert full.status == 1, full.output
    failures = [line for line in full.output.splitlines() if line.startswith("FAILED")]
    assert failures and "disk" in failures[0].lower(), full.output
    assert "Traceback" not in full.output
    _resize(small_disk, 64 * 1024)
    again = Driver(place).wait()
    assert again.status == 0, again.output
    assert repeated(attempts(own)) == []
    assert results(place.run_dir) == base.results
