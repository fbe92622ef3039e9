"""RUN_DIR: who holds it, and what is in it beside records and report.

`run.json` and `records.jsonl` (`results.run`), `state.json` (`suite.state`), `events.jsonl` (a line
per job that ended), `logs/` (one file per job), `report/`, and `.lock`, which names its holder.
"""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from results.errors import InputError

_LOCK = ".lock"
_PATIENCE_S = 1.0  # `held` takes the lock for a moment to see whether it can


@contextlib.contextmanager
def locked(run_dir: Path) -> Iterator[None]:
    """Hold the run folder alone; the lock goes with the process, however it ends.

    Raises:
        InputError: another process holds it, or it cannot be made.
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{run_dir}: cannot be made ({error.strerror}); pass another --workdir"
        ) from error
    with (run_dir / _LOCK).open("a+", encoding="utf-8") as stream:
        if not _taken(stream):
            stream.seek(0)
            holder = stream.read().strip() or "another process"
            raise InputError(
                f"{run_dir}: this suite is being run here already by {holder}; "
                f"wait for it, or pass another --workdir"
            )
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {socket.gethostname()}")
        stream.flush()
        yield


def _taken(stream: TextIO) -> bool:
    """Take the lock; one that stays with somebody else is not waited for."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        else:
            return True


def held(run_dir: Path) -> bool:
    """Say whether a live process runs the suite here: the kernel knows, whatever any clock says."""
    try:
        with (run_dir / _LOCK).open("r", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    return False
