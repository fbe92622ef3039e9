"""What a worker is told, and how it says that a job failed; both travel between processes."""

import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from results.store import Commit, Store


class JobError(Exception):
    """A job failed; `fault` says whose error it was.

    Holds one text only, so that it can be pickled and raised again in another process.
    """

    def __init__(self, text: str) -> None:
        """Take the JSON text of `fault`, `message` and `traceback`."""
        super().__init__(text)
        content = json.loads(text)
        self.fault: Literal["input", "code"] = content["fault"]
        self.message: str = content["message"]
        self.traceback: str = content["traceback"]

    @classmethod
    def of(cls, fault: Literal["input", "code"], error: Exception) -> "JobError":
        """Wrap what a job raised; of a piece that was done elsewhere it is wrapped already."""
        if isinstance(error, JobError):
            return error
        text = str(error) if fault == "input" else f"{type(error).__name__}: {error}"
        first_line = text.strip().splitlines()[0] if text.strip() else type(error).__name__
        trace = "".join(traceback.format_exception(error))
        return cls(json.dumps({"fault": fault, "message": first_line, "traceback": trace}))


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

    def folders(self) -> dict[str, Path]:
        """Where the inputs' files lie."""
        return {name: self.store.folder(commit) for name, commit in self.inputs.items()}
