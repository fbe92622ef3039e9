"""Run one job and publish what it made; the part of the engine that needs no scheduler.

`execute` is called inside a Ray worker by `suite/scheduler.py` and directly by tests. It limits
threads, keeps the job's output in a log file, measures costs and turns every failure into one plain
`JobError` that survives the trip back to the driver.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from jobs.hand import Here
from jobs.job import Context
from jobs.pieces import Hand, Pieces
from jobs.process import captured, environment, limited, measured, notes
from jobs.registry import KINDS
from jobs.scratch import held
from jobs.task import JobError, Task
from results.errors import InputError
from results.hashing import write_atomically
from results.store import Commit, Store


def execute(
    task: Task,
    *,
    started: Callable[[Path], object] = lambda scratch: None,
    helpers: Callable[[], Hand] | None = None,
) -> Commit:
    """Run a job in this process and publish its artifact.

    Where the process dies, or the job fails through no fault of its input, its scratch folder
    stays, and the next attempt finds there what this one had done.

    Args:
        task: what to run.
        started: told the job's scratch folder before it runs.
        helpers: hires hands for the job's pieces elsewhere (see `jobs.pieces`), as many as
            `task.embed_workers` says, this process counted in.

    Raises:
        JobError: the job's own failure, wrapped.
    """
    store = task.store
    attempt = store.new_attempt(task.kind, task.key)
    utc = datetime.now(UTC)
    with held(store.scratch(task.kind, task.key)) as scratch:
        try:
            started(scratch.files)
            with captured(task.log), environment(task), limited(task.threads), _Heart(task) as beat:
                context = Context(
                    scratch=scratch.files,
                    local=task.local,
                    progress=beat,
                    pieces=_pieces(task, store, helpers),
                )
                run, inputs = KINDS[task.kind].load(), task.folders()
                costs = measured(lambda: run(task.params, inputs, attempt, context))
            beside = notes(task, costs, utc)
            commit = store.publish(task.kind, task.key, attempt, notes=beside, n=task.n)
        except InputError as error:
            shutil.rmtree(attempt, ignore_errors=True)
            scratch.clear()
            raise JobError.of("input", error) from None
        except Exception as error:  # noqa: BLE001 - whatever a job raises is reported, never lost
            shutil.rmtree(attempt, ignore_errors=True)
            raise JobError.of("code", error) from None
        scratch.clear()
        return commit


def assist(task: Task, scratch: Path) -> None:
    """Run a job as one of several workers, beside the one that executes and publishes it.

    Args:
        task: the same as the publishing worker's.
        scratch: the publishing worker's scratch folder.

    Raises:
        JobError: the job's own failure, wrapped.
    """
    context = Context(scratch=scratch, local=task.local)
    try:
        with (
            tempfile.TemporaryDirectory() as out,
            captured(task.log),
            environment(task),
            limited(task.threads),
        ):
            KINDS[task.kind].load()(task.params, task.folders(), Path(out), context)
    except InputError as error:
        raise JobError.of("input", error) from None
    except Exception as error:  # noqa: BLE001 - whatever a job raises is reported, never lost
        raise JobError.of("code", error) from None


def _pieces(task: Task, store: Store, helpers: Callable[[], Hand] | None) -> Pieces:
    return Pieces(
        store,
        task.inputs,
        here=lambda progress: Here(task, progress),
        others=helpers,
        most=task.embed_workers,
    )


class _Heart:
    """Writes a job's progress where the driver can read it, at most twice a second."""

    def __init__(self, task: Task) -> None:
        self._path = task.log.with_suffix(".progress")
        self._last = 0.0

    def __enter__(self) -> Callable[[float, str], None]:
        self._beat(0.0, "")
        return self._beat

    def __exit__(self, *error: object) -> None:
        self._path.unlink(missing_ok=True)

    def _beat(self, share: float, text: str) -> None:
        now = time.monotonic()
        if now - self._last > 0.5:
            self._last = now
            write_atomically(self._path, json.dumps({"share": share, "text": text}))
