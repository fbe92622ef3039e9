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
