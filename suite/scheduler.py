"""The only place that knows Ray: start it, submit ready jobs, wait, retry what the system broke.

One job is one Ray task in a fresh process (`max_calls=1`: thread limits are read when a process
starts, and device memory is freed when it ends). Ray's own retries are off, because they hide
attempts and, after an out-of-memory kill, never stop; the driver retries by class of failure.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from jobs.execute import execute
from jobs.task import JobError, Task
from results.errors import InputError
from results.store import Commit
from suite import distributed, house
from suite.board import Board
from suite.pool import Elsewhere

# How often a job is tried again after a failure of the system, by the name of Ray's exception.
RETRIES = {"NodeDiedError": 5, "WorkerCrashedError": 2, "OutOfMemoryError": 2}
_DEFAULT_RETRIES = 1
_MOST_ON_CPUS = 8  # embedding workers, each with the model in memory, unless the suite says so
_OBJECT_STORE_BYTES = 200 * 2**20  # jobs exchange commits, never data
_POLL_S = 0.5
_PROBE_S = 5.0


@dataclass(frozen=True)
class Settled:
    """A job that ended: its commit, or the reason why there is none."""

    task: Task
    commit: Commit | None
    reason: str = ""
    fault: Literal["input", "code", "system"] = "code"


@dataclass(frozen=True)
class _Flight:
    task: Task
    tries: int


def run(
    board: Board,
    *,
    address: str | None,
    run_dir: Path,
    settled: Callable[[Settled], None],
    tick: Callable[[list[Task]], None],
) -> None:
    """Run a board's jobs to the end; Ray starts only if one of them has to be computed.

    Args:
        board: the plan and its state; outcomes are written into it.
        address: a Ray cluster's address; `None` or `local` starts Ray in this machine.
        run_dir: becomes the working directory, so that no folder of the caller's can stand in
            for one of our packages in a worker.
        settled: called with every job that ended.
        tick: called at least twice a second with the jobs under way.

    Raises:
        KeyboardInterrupt: by Ctrl-C or SIGTERM; everything committed stays.
        InputError: no node could ever run one of the jobs.
    """
    ready = board.advance()
    if not ready:
        return
    with _cluster(address, run_dir) as (ray, stop):
        _Loop(board, ray, stop, not _is_local(address), settled, tick).run(ready)


class _Loop:
    def __init__(
        self,
        board: Board,
        ray: Any,
        stop: threading.Event,
        shared: bool,
        settled: Callable[[Settled], None],
        tick: Callable[[list[Task]], None],
    ) -> None:
        self._board = board
        self._ray = ray
        self._stop = stop
        self._shared = shared
        self._settled = settled
        self._tick = tick
        self._work = ray.remote(max_calls=1, max_retries=0)(_work)
        self._flights: dict[Any, _Flight] = {}
        self._slots = int(ray.cluster_resources().get("CPU", 1))
        self._refuse_infeasible()

    def _refuse_infeasible(self) -> None:
        """Ray waits for ever for a node that can hold a job; say at once that there is none."""
        largest = max(int(node["Resources"].get("CPU", 0)) for node in self._ray.nodes())
        devices = int(self._ray.cluster_resources().get("GPU", 0))
        for node in self._board.nodes.values():
            if node.id in self._board.outcomes:
                continue
            if node.cpus > largest:
                raise InputError(
                    f"{node.id} needs {node.cpus} CPUs and the largest node has {largest}; "
                    f"lower compute.threads in the suite file"
                )
            if node.workers * node.cpus > self._slots:
                raise InputError(
                    f"{node.id} needs {node.workers} workers of {node.cpus} CPUs and the cluster "
                    f"has {self._slots}; lower compute.workers or compute.threads"
                )
            if node.workers > devices and distributed.needs_gpus(node.params):
                raise InputError(
                    f"{node.id} needs {node.workers} GPUs, one for each worker, and the cluster "
                    f"has {devices}; lower compute.workers, or set compute.device to cpu"
                )

    def run(self, ready: list[Task]) -> None:
        try:
            self._drain(ready)
        finally:
            if self._shared:  # a Ray of our own ends with its shutdown, jobs and all
                for reference in self._flights:
                    self._ray.cancel(reference, force=True)

    def _drain(self, ready: list[Task]) -> None:
        while ready or self._flights:
            while ready and self._load() < 2 * self._slots:
                self._submit(_Flight(ready.pop(0), tries=0))
            done, _ = self._ray.wait(list(self._flights), num_returns=1, timeout=_POLL_S)
            if self._stop.is_set():
                raise KeyboardInterrupt
            for reference in done:
                self._land(reference)
            ready += self._board.advance()
            self._tick([flight.task for flight in self._flights.values()])

    def _load(self) -> int:
        tasks = [flight.task for flight in self._flights.values()]
        return sum(task.threads * task.workers for task in tasks)

    def _room(self, task: Task) -> int:
        """How many processes of a job's kind the cluster has room for, when it is empty."""
        if distributed.needs_gpus(task.params):
            return max(1, int(self._ray.cluster_resources().get("GPU", 0)))
        return max(1, min(self._slots // task.threads, _MOST_ON_CPUS))

    def _submit(self, flight: _Flight) -> None:
        task = replace(
            flight.task,
            embed_workers=flight.task.embed_workers or self._room(flight.task),
            secrets=_secrets(),
        )
        alone = task.workers == 1  # else its workers ask for what they need
        options = self._work.options(
            num_cpus=task.threads if alone else 0,
            num_gpus=1 if alone and distributed.needs_gpus(task.params) else 0,
            name=task.id,
        )
        self._flights[options.remote(task)] = flight

    def _land(self, reference: Any) -> None:
        flight = self._flights.pop(reference)
        try:
            settled = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            kind = type(error).__name__
            if flight.tries < RETRIES.get(kind, _DEFAULT_RETRIES):
                self._submit(_Flight(flight.task, flight.tries + 1))
                return
            reason = f"{kind} after {flight.tries + 1} tries: {str(error).strip().splitlines()[0]}"
            settled = Settled(flight.task, None, reason, "system")
        if settled.commit is not None:
            self._board.finish(settled.task.id, settled.commit)
        else:
            self._board.fail(settled.task.id, settled.reason, settled.fault)
        self._settled(settled)


def _secrets() -> dict[str, str]:
    """What a job needs from this environment and nobody may read: the token for gated models."""
    return {name: os.environ[name] for name in ("HF_TOKEN",) if os.environ.get(name)}


def _work(task: Task) -> Settled:
    """Run one job in a Ray worker; its own failure comes back as a value, not as an exception."""
    if (fault := house.fault()) is not None:
        return Settled(task, None, fault, "input")
    try:
        alone = task.workers == 1
        return Settled(task, _executed(task) if alone else distributed.run(task))
    except JobError as error:
        return Settled(task, None, error.message, error.fault)


def _executed(task: Task) -> Commit:
    """Run a job in this process; where it works in pieces, others may do some of them."""
    return execute(task, helpers=lambda: Elsewhere(task))


def _is_local(address: str | None) -> bool:
    return address in (None, "local")


@contextlib.contextmanager
def _cluster(address: str | None, run_dir: Path) -> Iterator[tuple[Any, threading.Event]]:
    """Start or join Ray, with its chatter in a log file, and leave nothing behind.

    Yields:
        The ray module, and an event that is set when the run is told to stop.
    """
    local = _is_local(address)
    _set_environment(local=local)
    before = Path.cwd()
    os.chdir(run_dir)
    temporary = Path(tempfile.gettempdir()) / f"r-{secrets.token_hex(4)}"
    try:
        with _quiet(run_dir / "logs" / "ray.log"), _stop_signals():
            import ray

            _connect(ray, "local" if local else str(address), temporary)
            stop = _install_handlers()
            try:
                yield ray, stop
            finally:
                ray.shutdown()
    finally:
        os.chdir(before)
        shutil.rmtree(temporary, ignore_errors=True)


def _set_environment(*, local: bool) -> None:
    """What Ray reads before it is imported (RAY.md §3 B, L): no telemetry, token, no uv hook."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if local and "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _connect(ray: Any, address: str, temporary: Path) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    if address != "local":
        _probe(address)
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            first = str(error).strip().splitlines()[0]
            raise InputError(
                f"--address {address}: no Ray cluster answers there ({first})"
            ) from error
        return
    ray.init(
        address="local",
        num_cpus=os.cpu_count(),
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES,
        _temp_dir=str(temporary),
        **quiet,
    )


def _probe(address: str) -> None:
    """Knock at a cluster's door: Ray itself would wait for minutes, and say nothing."""
    if address == "auto":
        return
    if "://" in address:
        raise InputError(
            f"--address {address}: give HOST:PORT of the head node, or submit the command with "
            "`ray job submit`; Ray Client addresses are not supported"
        )
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_PROBE_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"--address {address}: no Ray head node answers there ({error})"
        ) from error


@contextlib.contextmanager
def _quiet(log: Path) -> Iterator[None]:
    """Send standard output and error to a file: raylets print there whatever one asks of them.

    The progress display keeps its own copy of the terminal (`suite.progress`).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    try:
        with log.open("ab") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for handle, target in zip(saved, (1, 2), strict=True):
            os.dup2(handle, target)
            os.close(handle)


@contextlib.contextmanager
def _stop_signals() -> Iterator[None]:
    """Put back the handlers that were there; `_install_handlers` sets ours after Ray's."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _install_handlers() -> threading.Event:
    """Turn Ctrl-C and SIGTERM into an event that the loop looks at between two waits.

    An exception raised by the handler itself could surface inside any of Ray's callbacks. Ours come
    after `ray.init`, whose own SIGTERM handler aborts with a stack dump (RAY.md G).
    """
    stop = threading.Event()

    def handle(signum: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return stop
