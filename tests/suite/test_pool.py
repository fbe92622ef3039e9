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
from helpers import write_logs

from results.store import Store

SUITE = """
name: pool
corpus: {{loader: folder, path: logs}}
models: [{{name: m, adapter: "./counting_encoder.py:Counting"}}]
classifiers: [majority]
compute: {{threads: 1, precision: fp32, shard_tokens: 700, embed_workers: {workers}}}
"""


def _start(folder: Path, workers: int) -> subprocess.Popen[str]:
    (folder / "suite.yaml").write_text(SUITE.format(workers=workers))
    command = [sys.executable, "-m", "suite.cli", "run", "suite.yaml", "--workdir", f"w{workers}"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=folder, text=True, **streams)


def _shards(folder: Path, workers: int) -> list[str]:
    """The logs of the processes that computed the shards, one for each shard."""
    commits = (folder / f"w{workers}" / "store" / "windows").glob("*/COMMIT.*.json")
    return [json.loads(path.read_bytes())["notes"]["log"] for path in commits]


def _digests(folder: Path, workers: int) -> set[str]:
    store = Store(folder / f"w{workers}" / "store")
    return {json.loads(p.read_bytes())["digest"] for p in store.root.glob("embed/*/COMMIT.0.json")}


def test_two_workers_share_an_embedding_and_one_may_be_killed(tmp_path: Path) -> None:
    write_logs(tmp_path / "logs")
    shutil.copy(Path(__file__).parents[1] / "counting_encoder.py", tmp_path)
    with _start(tmp_path, 1) as alone:
        assert alone.wait(timeout=240) == 0, alone.stdout and alone.stdout.read()
    assert len(set(_shards(tmp_path, 1))) == 1
    notes = tmp_path / "batches"
    notes.unlink()
    (tmp_path / "slow").write_text("0.2")
    with _start(tmp_path, 2) as shared:
        killed = _kill_the_second_worker(notes, shared)
        output, _ = shared.communicate(timeout=240)
    assert shared.returncode == 0, output
    workers = {int(line.split()[0]) for line in notes.read_text().splitlines()}
    assert killed in workers and len(workers) == 3, "nobody took the place of the killed one"
    assert len(set(_shards(tmp_path, 2))) >= 2
    assert _digests(tmp_path, 2) == _digests(tmp_path, 1)


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
