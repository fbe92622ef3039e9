"""Pieces done in this process, whichever it is: a job's own, or a worker's on another machine."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import Any

from jobs.pieces import Order, PieceWorker, Progress, Work
from jobs.process import limited, measured, notes
from jobs.registry import PIECES
from jobs.task import Task
from results.store import Commit


class Bench:
    """Does pieces, one after the other, and publishes each."""

    def __init__(self, task: Task, progress: Progress = lambda number, share: None) -> None:
        """Remember the job; `progress` takes a piece's number and the share of it that is done."""
        self._task = task
        self._store = task.store
        self._progress = progress
        self._worker: PieceWorker

    def open(self, work: Work) -> None:
        """Load what all pieces share."""
        folders = {name: self._store.folder(commit) for name, commit in work.inputs.items()}
        with limited(self._task.threads):
            self._worker = PIECES[work.kind].load()(work.params, folders, self._task.local)

    def do(self, order: Order) -> Commit:
        """Do a piece and publish it."""
        started = datetime.now(UTC)
        attempt = self._store.new_attempt(order.kind, order.key)
        try:
            with limited(self._task.threads):
                costs = measured(lambda: self._work(order, attempt))
            beside = notes(self._task, costs, started)
            return self._store.publish(order.kind, order.key, attempt, notes=beside, n=order.n)
        except BaseException:
            rmtree(attempt, ignore_errors=True)
            raise

    def _work(self, order: Order, attempt: Path) -> dict[str, Any]:
        number = order.piece.number
        return self._worker(order.piece.data, attempt, lambda share: self._progress(number, share))


class Here:
    """A hand in this process: a thread, so that the next pieces can be prepared meanwhile."""

    def __init__(self, task: Task, progress: Progress) -> None:
        """Start the thread; `progress` takes a piece's number and the share of it that is done."""
        self._bench = Bench(task, progress)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hand")

    def open(self, work: Work) -> Future[None]:
        """Load what all pieces share."""
        return self._thread.submit(self._bench.open, work)

    def do(self, order: Order) -> Future[Commit]:
        """Do a piece and publish it."""
        return self._thread.submit(self._bench.do, order)

    def close(self) -> None:
        """Wait for the piece in hand; there is no way to stop it."""
        self._thread.shutdown()
