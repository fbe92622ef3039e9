"""Embedding by several workers on a real Ray: the same bytes, whoever computes and whoever dies."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import run_in_process, write_logs

SUITE = """
name: pool
corpus: {loader: folder, path: logs}
models: [{name: m, adapter: "./counting_encoder.py:Counting"}]
classifiers: [majority]
compute: {threads: 1, precision: fp32, shard_tokens: 700, embed_workers: 2}
"""


def _start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "suite.cli", "run", "suite.yaml"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=folder, text=True, **streams)


def _embedding(store: Path) -> dict[str, str]:
    """Hashes of the files of the embedding."""
    commits = [json.loads(path.read_bytes()) for path in store.glob("embed/*/COMMIT.0.json")]
    (one,) = [commit for commit in commits if commit["notes"]["job"] == "embed:m"]
    return {file["path"]: file["sha256"] for file in one["files"]}


def test_two_workers_share_an_embedding_and_one_may_be_killed(tmp_path: Path) -> None:
    write_logs(tmp_path / "logs")
    shutil.copy(Path(__file__).parents[1] / "counting_encoder.py", tmp_path)
    run_in_process(tmp_path, SUITE)
    notes = tmp_path / "batches"
    notes.unlink()
    (tmp_path / "slow").write_text("0.3")
    with _start(tmp_path) as shared:
        killed = _kill_the_second_worker(notes, shared)
        output, _ = shared.communicate(timeout=240)
    assert shared.returncode == 0, output
    assert killed in {int(line.split()[0]) for line in _lines(notes)}
    store = tmp_path / "runs" / "store"
    assert _embedding(store) == _embedding(tmp_path / "store")
    logs = [json.loads(p.read_bytes())["notes"]["log"] for p in store.glob("windows/*/COMMIT.*")]
    assert len(logs) > 5 and all(Path(log).is_file() for log in logs)


def _kill_the_second_worker(notes: Path, run: subprocess.Popen[str]) -> int:
    """Wait until a second process computes, and kill it in the middle of a batch."""
    first = None
    for _ in range(2400):
        assert run.poll() is None, "the run ended before a second worker came"
        pids = [int(line.split()[0]) for line in _lines(notes)]
        first = first or (pids[0] if pids else None)
        second = next((pid for pid in pids if pid != first), None)
        if second is not None:
            os.kill(second, signal.SIGKILL)
            return second
        time.sleep(0.05)
    pytest.fail("no second worker came")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []
