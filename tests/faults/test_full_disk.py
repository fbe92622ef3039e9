"""A store's disk that is full fails the run in one sentence; with room again it goes on."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.batch import Base, Driver, attempts, repeated, results, without

_FAILED = re.compile(r"(\S+)  FAILED: (.*)")


@pytest.fixture
def small_disk(own: Path) -> Iterator[Path]:
    """A folder with little room, as a file system of its own."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can be mounted by root on Linux only")
    (own / "store").mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "small", str(own / "store")]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        yield own / "store"
    finally:
        subprocess.run(["umount", "--lazy", str(own / "store")], check=True)


def _resize(disk: Path, kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(disk)], check=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("lost", "room_kb"),
    [
        (["embed:tfidf-char/0", "reference:cnn/0"], 24),  # they write by numpy and by safetensors
        (["adapt:adapted/0"], 150),  # the weights fit, the optimizer's state does not
    ],
    ids=["numpy-safetensors", "torch"],
)
def test_a_full_disk_is_said_in_one_sentence_and_costs_nothing_that_was_done(
    lost: list[str], room_kb: int, base: Base, own: Path, small_disk: Path
) -> None:
    place = without(base, own, lost)
    _resize(small_disk, shutil.disk_usage(small_disk).used // 1024 + room_kb)
    full = Driver(place).wait()
    assert full.status == 1, full.output
    failures = dict(_FAILED.findall(full.output))
    assert sorted(failures) == lost
    assert all("disk" in reason for reason in failures.values()), full.output
    assert "Traceback" not in full.output
    _resize(small_disk, 64 * 1024)
    again = Driver(place).wait()
    assert again.status == 0, again.output
    assert repeated(attempts(own)) == []
    assert results(place.run_dir) == base.results
