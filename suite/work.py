"""What runs in a Ray worker: one job from its task to its commit, its failure told as a value."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.execute import execute
from jobs.task import JobError, Task
from results.errors import InputError
from results.store import Commit
from suite import distributed, house, sharing
from suite.asking import Ask
from suite.pool import Elsewhere
from suite.wire import Teller

_TAIL_BYTES = 64 * 2**10


@dataclass(frozen=True)
class Errand:
    """A task, and what the worker is told of the run it belongs to.

    Attributes:
        flight: whose words the job's are; see `suite.wire`.
        exchange: takes them.
        ask: what each process of the job is granted.
        home: id of the driver's node.
        nonce: what has to be readable in the store; see `suite.sharing`.
    """

    task: Task
    flight: str
    exchange: Any
    ask: Ask
    home: str
    nonce: str | None = None


@dataclass(frozen=True)
class Return:
    """What came of an errand.

    Attributes:
        error: why there is no commit.
        log_text: the end of the job's log, from a node that is not the driver's.
    """

    commit: Commit | None = None
    error: JobError | None = None
    log_text: str | None = None


def work(errand: Errand) -> Return:
    """Run one job."""
    try:
        _refuse_foreign_place(errand)
        commit = _executed(errand)
    except JobError as error:
        return Return(error=error, log_text=_log_text(errand))
    return Return(commit=commit, log_text=_log_text(errand))


def _refuse_foreign_place(errand: Errand) -> None:
    """Refuse a worker that has other packages than ours, or does not see the driver's store."""
    fault = house.fault()
    if fault is None and errand.nonce is not None and not _is_home(errand):
        fault = sharing.fault(errand.task.store, errand.nonce)
    if fault is not None:
        raise JobError.of(InputError(fault), fault, fault="input")


def _executed(errand: Errand) -> Commit:
    """Run a job here, where others may do some of its pieces, or in several processes."""
    task, ask = errand.task, errand.ask
    tell = Teller(errand.exchange, errand.flight, socket.gethostname())
    if task.workers > 1:
        return distributed.run(task, ask, tell)
    return execute(task, tell=tell, helpers=lambda: Elsewhere(task, ask))


def _is_home(errand: Errand) -> bool:
    """Whether this is the driver's own node."""
    return _node_id() == errand.home


def _node_id() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())


def _log_text(errand: Errand) -> str | None:
    """Read the end of the job's log, for a driver that may not see the file."""
    return None if _is_home(errand) else tail(errand.task.log)


def tail(log: Path) -> str | None:
    """Return the end of a log; None where there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            return stream.read().decode(errors="replace")
    except OSError:
        return None
