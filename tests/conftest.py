"""What the tests of several rooms use: Ray's settings, a small corpus, the command line."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

CLASSES = ("disk", "net", "ok")
_SIGNS = {"disk": "sector 0x{n:x} unreadable", "net": "link 10.0.0.{n} down", "ok": "job {n} done"}


@pytest.fixture
def log_folder(tmp_path: Path) -> Path:
    """Folders `disk`, `net` and `ok` with 14 logs each; one line in each log tells its class."""
    root = tmp_path / "logs"
    for label in CLASSES:
        (root / label).mkdir(parents=True)
        for number in range(14):
            lines = [f"I: step {step} of {number} took {step * 7} ms" for step in range(6)]
            lines.insert(number % 6, f"C: {_SIGNS[label].format(n=number + 1)}")
            (root / label / f"{number}.log").write_text("\n".join(lines) + "\n")
    return root


Logmark = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def logmark(tmp_path: Path) -> Logmark:
    """Run the command line in a process of its own, in `tmp_path`."""

    def run(*words: object, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "suite.cli", *map(str, words)]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=timeout_s
        )

    return run


@pytest.fixture
def run_inline(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Run a suite's jobs in this process, without Ray; returns job id -> "ok" or the reason."""
    from jobs.execute import JobError, execute
    from results.hashing import hash_file
    from results.store import Store
    from suite.board import Board
    from suite.plan import make_plan
    from suite.spec import read

    def run(text: str) -> dict[str, str]:
        (tmp_path / "suite.yaml").write_text(text)
        nodes = make_plan(read(tmp_path / "suite.yaml"), hash_file)
        board = Board(nodes, Store(tmp_path / "store"), tmp_path / "inline-logs")
        ready = board.advance()
        while ready:
            task = ready.pop(0)
            try:
                board.finish(task.id, execute(task))
            except JobError as error:
                board.fail(task.id, error.message, error.fault)
            ready += board.advance()
        return {name: o.reason or "ok" for name, o in board.outcomes.items()}

    return run
