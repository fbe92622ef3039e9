"""What the tests of several rooms use: Ray's settings, a small corpus, the command line."""

import os
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import run_in_process, run_logmark, write_logs

os.environ.pop("RAY_ADDRESS", None)
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


@pytest.fixture
def log_folder(tmp_path: Path) -> Path:
    """Folders `disk`, `net` and `ok` with 14 logs each; one line in each log tells its class."""
    return write_logs(tmp_path / "logs")


@pytest.fixture
def logmark(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own, in `tmp_path`."""
    return lambda *words: run_logmark(tmp_path, *words)


@pytest.fixture
def run_inline(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Run a suite's jobs in this process, without Ray; returns job id -> "ok" or the reason."""
    return lambda text: run_in_process(tmp_path, text).reasons
