"""Run one job and publish what it made; the part of the engine that needs no scheduler.

`execute` is called inside a Ray worker (`suite/work.py`) and directly by tests. It limits threads,
keeps the job's output in a log file, measures costs and turns every failure into one plain
`JobError` that survives the trip back to the driver.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from jobs.failures import failure
from jobs.hand import Here
from jobs.job import Context
from jobs.pieces import Hand, Pieces
from jobs.process import captured, environment, limited, measured, notes, watched
from jobs.registry import KINDS
from jobs.scratch import scratch_of
from jobs.task import Task
from results.errors import InputError
from results.store import Commit

Tell = Callable[[float, str], object]


def _to_nobody(share: float, text: str) -> None:
    """Report progress to nobody."""


def execute(
    task: Task,
    *,
    tell: Tell = _to_nobody,
    started: Callable[[Path], object] = lambda scratch: None,
    helpers: Callable[[], Hand] | None = None,
) -> Commit:
    """Run a job in this process and publish its artifact.

    Where the process dies, or the job fails through no fault of its input, its scratch folder
    stays, and the next attempt finds there what this one had done.

    Args:
        task: what to run.
        tell: is told at the start, and then at most twice a second, the share that is done and a
            short text.
        started: told the job's scratch folder before it runs.
        helpers: hires hands for the job's pieces elsewhere (see `jobs.pieces`), as many as
            `task.embed_workers` says, this process counted in.

    Raises:
        JobError: the job's own failure, wrapped.
    """
    try:
        with scratch_of(task.store, task.kind, task.key) as scratch:
            try:
                started(scratch.files)
                beat = _Beat(tell)
                context = Context(
                    scratch=scratch.files,
                    local=task.local,
                    progress=beat,
                    pieces=_pieces(task, helpers),
                )
                commit = _published(task, context)
            except InputError:
                scratch.clear()
                raise
            scratch.clear()
            return commit
    except Exception as error:  # noqa: BLE001 - whatever a job raises is reported, never lost
        raise failure(error) from None


def _published(task: Task, context: Context) -> Commit:
    """Do a job's work in an attempt's folder, and publish it; a failure leaves no folder."""
    attempt = task.store.new_attempt(task.kind, task.key)
    utc = datetime.now(UTC)
    try:
        with _conditions(task, _head(task, attempt, utc)):
            inputs, run = task.folders(), KINDS[task.kind].load()
            costs = measured(lambda: run(task.params, inputs, attempt, context))
        beside = notes(task, costs, utc)
        return task.store.publish(task.kind, task.key, attempt, notes=beside, n=task.n)
    except BaseException:
        shutil.rmtree(attempt, ignore_errors=True)
        raise


def _head(task: Task, attempt: Path, utc: datetime) -> str:
    """The line that an execution's part of the job's log begins with."""
    return f"--- {task.id} attempt {attempt.name} {utc.isoformat(timespec='milliseconds')}\n"


@contextlib.contextmanager
def _conditions(task: Task, head: str = "") -> Iterator[None]:
    """Give a job what it was granted, and keep what it prints."""
    with (
        captured(task.log, head) as log,
        watched(task.time_limit_s, log),
        environment(task),
        limited(task.threads),
    ):
        yield


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
        with tempfile.TemporaryDirectory() as out, _conditions(task):
            KINDS[task.kind].load()(task.params, task.folders(), Path(out), context)
    except Exception as error:  # noqa: BLE001 - whatever a job raises is reported, never lost
        raise failure(error) from None


def _pieces(task: Task, helpers: Callable[[], Hand] | None) -> Pieces:
    return Pieces(
        task.store,
        task.inputs,
        here=lambda progress: Here(task, progress),
        others=helpers,
        most=task.embed_workers,
    )


class _Beat:
    """Passes a job's progress on, at most twice a second."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._last = time.monotonic()
        tell(0.0, "")

    def __call__(self, share: float, text: str) -> None:
        now = time.monotonic()
        if now - self._last > 0.5:
            self._last = now
            self._tell(share, text)
