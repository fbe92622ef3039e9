"""What tests of several rooms use: settings of the processes, a small corpus, the command line."""

import gc
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import run_in_process, run_logmark, write_logs
from hypothesis import settings

# Read when torch is first imported, in processes started from here too; the jobs set their own.
# Networks this small gain nothing from a second thread, and wait for it where a core is busy.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.pop("RAY_ADDRESS", None)
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

settings.register_profile("logmark", deadline=None)  # a first example imports what it needs
settings.load_profile("logmark")

_MODULES = pytest.StashKey[int]()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Take what large imports have made out of the garbage collector's sight.

    transformers' Trainer has all garbage collected at every training, which takes longer than
    most trainings here as long as it looks at all of torch, scikit-learn and transformers.
    """
    stash = item.config.stash
    if len(sys.modules) > stash.get(_MODULES, 0) + 200:
        gc.collect()
        gc.freeze()
        stash[_MODULES] = len(sys.modules)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The labelled corpora that lie outside the repository."""
    folder = Path(os.environ.get("LOGMARK_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no labelled corpora at {folder}; point LOGMARK_SHARED at their folder")
    return folder


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
