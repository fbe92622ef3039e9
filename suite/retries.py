"""What is tried again, how often, and what is said when that was in vain.

Only the system's faults are tried again, each class of them with a limit of its own: a job's own
error would come again. Ray's own retries are off, because they hide attempts, cannot change what a
job asks for and, after an out-of-memory kill, never stop.
"""

from collections import Counter
from typing import Literal

from jobs.task import JobError, Task

Class = Literal["node lost", "worker crashed", "out of memory", "time limit", "lost", "none"]

LIMITS: dict[Class, int] = {
    "node lost": 5,
    "worker crashed": 2,
    "out of memory": 2,
    "time limit": 1,
    "lost": 1,
    "none": 0,
}
MORE_MEMORY = 1.5  # times what it asked for, after a job ran out of memory
_CLASSES: dict[str, Class] = {  # by the name of Ray's exception
    "NodeDiedError": "node lost",
    "LocalRayletDiedError": "node lost",
    "WorkerCrashedError": "worker crashed",
    "OutOfMemoryError": "out of memory",
    "OutOfDiskError": "none",
}
_CAUSES: dict[str, Class] = {
    "memory": "out of memory",
    "worker": "worker crashed",
    "store": "lost",
}


def class_of(error: Exception) -> Class:
    """Sort a failure: what Ray says of a worker, or what a job says of itself."""
    if isinstance(error, JobError):
        return _CAUSES.get(error.cause, "none")
    return _CLASSES.get(type(error).__name__, "lost")


class Tries:
    """How often one job was tried, by what ended each try."""

    def __init__(self) -> None:
        """Begin with the first try."""
        self._failed: Counter[Class] = Counter()

    @property
    def number(self) -> int:
        """How many tries have failed."""
        return self._failed.total()

    def failed(self, kind: Class) -> bool:
        """Note a failure; returns whether the job should be tried again."""
        self._failed[kind] += 1
        return self._failed[kind] <= LIMITS[kind]


def said(kind: Class, error: Exception) -> str:
    """Name a failure in one line."""
    if isinstance(error, JobError):
        return error.message
    told = next(iter(str(error).strip().splitlines()), "")
    return (
        f"{kind} ({type(error).__name__}: {told})" if told else f"{kind} ({type(error).__name__})"
    )


def reason(kind: Class, error: Exception, tries: int, task: Task) -> str:
    """Say in one line why a job is given up, and what to do about it."""
    if kind == "time limit":
        return (
            f"still running after its time limit of {task.time_limit_s:g} s, {tries} times; where "
            f"that is too short, raise resources.{task.kind}.time_limit in the suite file"
        )
    if kind == "none":
        return said(kind, error)
    text = f"{said(kind, error)}, {tries} times"
    if kind == "out of memory":
        return f"{text}; raise resources.{task.kind}.memory in the suite file"
    return text
