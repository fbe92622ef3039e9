"""What a worker is told, and how it says that a job failed; both travel between processes."""

import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from results.files import DamagedError
from results.store import Commit, Store

Fault = Literal["input", "code", "system"]
Cause = Literal["job", "memory", "disk", "dependency", "worker", "store"]


class DamagedInputError(Exception):
    """An artifact that a job reads is not what was committed; it has to be computed again.

    Attributes:
        name: which of the job's inputs it is.
    """

    def __init__(self, name: str, damage: str) -> None:
        """Take the input's name, and what is wrong with it."""
        super().__init__(f"its input {name!r} is damaged: {damage}")
        self.name = name


class JobError(Exception):
    """A job failed.

    Holds one text only, so that it can be pickled and raised again in another process.

    Attributes:
        fault: whose it was: the user's `input`, the `code`'s or the `system`'s.
        cause: what the system lacked, where it was the system's; it decides about a retry.
        message: one line.
        traceback: where it was raised.
        dependency: which of the job's inputs is damaged, for that cause.
    """

    def __init__(self, text: str) -> None:
        """Take the JSON text of the attributes."""
        super().__init__(text)
        content = json.loads(text)
        self.fault: Fault = content["fault"]
        self.cause: Cause = content["cause"]
        self.message: str = content["message"]
        self.traceback: str = content["traceback"]
        self.dependency: str | None = content["dependency"]

    @classmethod
    def of(
        cls,
        error: Exception,
        message: str,
        *,
        fault: Fault = "system",
        cause: Cause = "job",
        dependency: str | None = None,
    ) -> "JobError":
        """Say that a job raised `error`, in the first line of `message`."""
        content = {
            "fault": fault,
            "cause": cause,
            "message": next(iter(message.strip().splitlines()), type(error).__name__),
            "traceback": "".join(traceback.format_exception(error)),
            "dependency": dependency,
        }
        return cls(json.dumps(content))


@dataclass(frozen=True, kw_only=True)
class Task:
    """Everything a worker needs to make one artifact; all of it small and picklable.

    Attributes:
        id: the job's name in its plan, for messages.
        inputs: input name -> commit to read.
        threads: CPU threads granted, to each worker.
        n: number of the commit to create.
        workers: processes that share the job.
        embed_workers: processes that may do the job's pieces at a time; 0 leaves it to the
            scheduler.
        secrets: environment variables for the job that stand in no log, record or artifact.
        time_limit_s: seconds after which the scheduler takes the job for hung; None for never.
    """

    id: str
    kind: str
    key: str
    params: dict[str, Any]
    store: Store
    log: Path
    threads: int
    inputs: Mapping[str, Commit] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict)
    n: int = 0
    workers: int = 1
    embed_workers: int = 1
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    time_limit_s: float | None = None

    def folders(self) -> dict[str, Path]:
        """Where the inputs' files lie.

        Raises:
            DamagedInputError: files of an input are missing, or not what was committed.
        """
        return {name: self._folder(name, commit) for name, commit in self.inputs.items()}

    def _folder(self, name: str, commit: Commit) -> Path:
        if (damage := self.store.damage(commit)) is not None:
            raise DamagedInputError(name, damage)
        try:
            return self.store.folder(commit)
        except DamagedError as error:
            raise DamagedInputError(name, str(error)) from error
