"""The loop that runs a plan on Ray: submit what is ready, wait, retry what the system broke.

One job is one Ray task, and Ray's own retries are off (`suite.retries`). What the loop stands on:
`suite.board` knows what is ready, `suite.queue` which of it Ray is given next, `suite.roster` what
the cluster could hold, `suite.isolation` in which process a job runs, `suite.wire` how far it is,
and `suite.claims` what other runs on the same store are at.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobs.task import Fault, JobError, Task
from results.store import Commit, Store
from suite import cluster, retries, sharing
from suite.board import Board
from suite.claims import Claims, claims
from suite.flight import Flight
from suite.isolation import Workers
from suite.queue import Queue, Shape
from suite.roster import Roster
from suite.under_way import UnderWay
from suite.wire import Wire
from suite.work import Errand, Return

_MOST_ON_CPUS = 8  # embedding workers, each with the model in memory, unless the suite says so
_WAIT_S = 0.4
_LOOK_AROUND_S = 0.2  # between two looks at everything but the jobs that have ended


@dataclass(frozen=True)
class Settled:
    """A job that ended: its commit, or the reason why there is none.

    Attributes:
        log_text: the end of the job's log, where the worker's file is not to be seen from here.
    """

    task: Task
    commit: Commit | None
    reason: str = ""
    fault: Fault = "code"
    log_text: str | None = None


def run(
    board: Board,
    *,
    address: str | None,
    run_dir: Path,
    settled: Callable[[Settled], None],
    tick: Callable[[Sequence[UnderWay]], None],
    owner: str | None = None,
) -> None:
    """Run a board's jobs to the end; Ray starts only if one of them has to be computed.

    Args:
        board: the plan and its state; outcomes are written into it.
        address: a Ray cluster's address; `None` or `local` starts Ray in this machine.
        run_dir: becomes the working directory, so that no folder of the caller's can stand in
            for one of our packages in a worker.
        settled: called with every job that ended.
        tick: called at least twice a second with the jobs under way.
        owner: names this run among those that share the store; see `results.leases`.

    Raises:
        KeyboardInterrupt: by Ctrl-C or SIGTERM; everything committed stays.
        InputError: no node could ever run one of the jobs, or one does not see the store.
    """
    ready = board.advance()
    if not ready:
        return
    with cluster.joined(address, run_dir) as joined:
        run_on(joined, board, ready, settled=settled, tick=tick, owner=owner)


def run_on(
    joined: cluster.Joined,
    board: Board,
    ready: list[Task],
    *,
    settled: Callable[[Settled], None],
    tick: Callable[[Sequence[UnderWay]], None],
    owner: str | None = None,
) -> None:
    """Run a board's jobs, the first of which are ready, on a Ray that is up; see `run`."""
    store = ready[0].store
    with _seen_by_all(joined, store) as nonce, closing(claims(store, owner)) as claimed:
        _Loop(board, joined, claimed, nonce, settled, tick).run(ready)


@contextmanager
def _seen_by_all(joined: cluster.Joined, store: Store) -> Iterator[str | None]:
    """Make sure that all nodes of a cluster see the store; yields what a later one must see too."""
    if joined.is_ours:
        yield None
        return
    nonce = sharing.leave_nonce(store)
    try:
        sharing.refuse_strangers(joined.ray, store, nonce)
        yield nonce
    finally:
        sharing.remove_nonce(store, nonce)


class _Loop:
    def __init__(
        self,
        board: Board,
        joined: cluster.Joined,
        claims: Claims,
        nonce: str | None,
        settled: Callable[[Settled], None],
        tick: Callable[[Sequence[UnderWay]], None],
    ) -> None:
        self._board = board
        self._ray, self._stop, self._is_ours = joined
        self._claims = claims
        self._nonce = nonce
        self._settled = settled
        self._tick = tick
        self._roster = Roster(self._ray, board)
        self._roster.refuse_infeasible()
        self._home = self._ray.get_runtime_context().get_node_id()
        self._wire = Wire(self._ray)
        self._workers = Workers(self._ray)
        self._queue = Queue()
        self._queue.resize(self._roster.cpus)
        self._flights: dict[Any, Flight] = {}
        self._looked = 0.0

    def run(self, ready: list[Task]) -> None:
        """Run to the end."""
        try:
            self._enqueue(ready)
            while self._queue or self._flights or self._claims.elsewhere:
                self._submit_ready()
                self._wait()
                self._enqueue(self._board.advance())
                self._look_around()
        finally:
            if not self._is_ours:  # a Ray of our own ends with its shutdown, jobs and all
                for reference in self._flights:
                    self._ray.cancel(reference, force=True)

    def _enqueue(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            shape = self._roster.shape(task.id)
            self._queue.add(task, shape, self._board.rank(task.id))

    def _submit_ready(self) -> None:
        while (popped := self._queue.pop(self._roster.places)) is not None:
            task, shape = popped
            claimed = self._claims.take(task)
            if isinstance(claimed, Task):
                self._submit(Flight(claimed, shape, retries.Tries()))
                continue
            self._queue.landed(shape)
            if claimed is not None:
                self._board.adopt(task.id, claimed)
                self._enqueue(self._board.advance())

    def _submit(self, flight: Flight) -> None:
        task, ask = flight.task, flight.shape.ask
        errand = Errand(
            task=replace(
                task,
                embed_workers=task.embed_workers or self._room(flight.shape),
                secrets=_secrets(),
            ),
            flight=flight.id,
            exchange=self._wire.exchange,
            ask=ask,
            home=self._home,
            nonce=self._nonce,
        )
        self._flights[self._workers.submit(errand)] = flight

    def _room(self, shape: Shape) -> int:
        """How many processes of a job's shape the cluster has room for, when it is empty."""
        room = max(1, self._roster.places(shape))
        return room if shape.ask.amount("GPU") else min(room, _MOST_ON_CPUS)

    def _wait(self) -> None:
        """Wait until jobs have ended, but not long; land them."""
        if self._flights:
            waiting = list(self._flights)
            done, _ = self._ray.wait(waiting, num_returns=1, timeout=_WAIT_S)
        else:
            done = []
            self._stop.wait(0 if self._queue else _WAIT_S)
        if self._stop.is_set():
            raise KeyboardInterrupt
        for reference in done:
            self._land(reference)

    def _land(self, reference: Any) -> None:
        flight = self._flights.pop(reference)
        self._queue.landed(flight.shape)
        try:
            returned: Return = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._failed(flight, error, None)
            return
        log_text = _unseen(flight.task, returned)
        if returned.error is not None:
            self._failed(flight, returned.error, log_text)
        elif returned.commit is not None:
            self._finish(flight.task, returned.commit, log_text)

    def _finish(self, task: Task, commit: Commit, log_text: str | None = None) -> None:
        self._board.finish(task.id, commit)
        self._end(Settled(task, commit, log_text=log_text))

    def _end(self, settled: Settled) -> None:
        self._claims.release(settled.task)
        self._settled(settled)

    def _failed(self, flight: Flight, error: Exception, log_text: str | None) -> None:
        """Try a job again, let it wait for an input to be computed again, or give it up."""
        task = flight.task
        lacks = error.dependency if isinstance(error, JobError) else None
        if lacks is not None and self._board.mend(task.id, lacks):
            self._claims.release(task)
            return
        kind = "time limit" if flight.is_overdue else retries.class_of(error)
        if not isinstance(error, JobError) and (made := self._claims.made(task)) is not None:
            self._finish(task, made)  # it was lost between its commit and its answer
            return
        if flight.tries.failed(kind):
            self._board.say(f"{task.id}: {retries.said(kind, error)}; trying again")
            self._try_again(flight, kind)
            return
        reason = retries.reason(kind, error, flight.tries.number, task)
        fault = error.fault if isinstance(error, JobError) else "system"
        self._give_up(task, reason, fault, log_text)

    def _try_again(self, flight: Flight, kind: retries.Class) -> None:
        shape = flight.shape
        if kind == "out of memory":
            shape = self._roster.with_more_memory(shape, retries.MORE_MEMORY)
        self._queue.submitted(shape)
        self._submit(Flight(flight.task, shape, flight.tries))

    def _look_around(self) -> None:
        """Look at everything but the jobs that have ended; now and then is enough."""
        now = time.monotonic()
        if now - self._looked < _LOOK_AROUND_S:
            return
        self._looked = now
        self._enqueue(self._claims.beat())
        self._hear(now)
        self._stop_overdue(now)
        if self._roster.refresh():
            self._queue.resize(self._roster.cpus)
            self._give_up_homeless()
        self._tick(
            [*(flight.under_way() for flight in self._flights.values()), *self._waiting_elsewhere()]
        )

    def _hear(self, now: float) -> None:
        """Take in what the jobs have said."""
        words = self._wire.news()
        for flight in self._flights.values():
            if (word := words.get(flight.id)) is not None:
                flight.hear(word, now)

    def _stop_overdue(self, now: float) -> None:
        for reference, flight in self._flights.items():
            if not flight.is_overdue and flight.has_run_too_long(now):
                flight.is_overdue = True
                self._ray.cancel(reference, force=True)

    def _give_up_homeless(self) -> None:
        """Fail the jobs whose place is gone, and has not come back for long."""
        waiting = {flight.shape for flight in self._flights.values() if flight.since is None}
        for shape, reason in self._roster.homeless({*self._queue.shapes(), *waiting}):
            for task in self._queue.drop(shape):
                self._give_up(task, reason, "input")
            for reference, flight in list(self._flights.items()):
                if flight.shape == shape and flight.since is None:
                    self._ray.cancel(reference, force=True)
                    del self._flights[reference]
                    self._queue.landed(shape)
                    self._give_up(flight.task, reason, "input")

    def _give_up(self, task: Task, reason: str, fault: Fault, log_text: str | None = None) -> None:
        self._board.fail(task.id, reason, fault)
        self._end(Settled(task, None, reason, fault, log_text))

    def _waiting_elsewhere(self) -> list[UnderWay]:
        return [UnderWay(task, text="another run is at it") for task in self._claims.elsewhere]


def _unseen(task: Task, returned: Return) -> str | None:
    """The end of a job's log, unless the file that the worker wrote is here too."""
    if returned.log_text is None:
        return None
    try:
        here = task.log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return returned.log_text
    return None if returned.log_text in here else returned.log_text


def _secrets() -> dict[str, str]:
    """What a job needs from this environment and nobody may read: the token for gated models."""
    return {name: os.environ[name] for name in ("HF_TOKEN",) if os.environ.get(name)}
