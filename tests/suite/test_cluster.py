"""A Ray of our own: what killed runs left of theirs is removed, what live ones use is not."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from results.errors import OutageError
from suite import cluster

_DRIVER = "from suite.cluster import folder_of_ray; print(folder_of_ray(), flush=True); input()"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_next_run_removes_what_a_killed_one_left_and_no_more() -> None:
    command = [sys.executable, "-c", _DRIVER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as dead, subprocess.Popen(command, **pipes) as alive:
        left = Path(dead.stdout.readline().strip())
        used = Path(alive.stdout.readline().strip())
        dead.kill()
        dead.wait()
        assert left.is_dir() and used.is_dir()
        ours = cluster.folder_of_ray()
        assert ours.is_dir() and used.is_dir() and not left.exists()
        alive.communicate("\n")


def test_a_ray_that_does_not_start_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    broken = tmp_path / "file"
    broken.write_text("Ray cannot make its folder below a file")
    monkeypatch.setattr(cluster, "folder_of_ray", lambda: broken)
    with (
        pytest.raises(OutageError, match="Ray did not start on this machine"),
        cluster.joined(None, tmp_path / "runs"),
    ):
        pass
