"""What a run tells of itself while it goes on: `RUN_DIR/state.json`, replaced every two seconds.

`logmark status` reads it from another shell. Whether the run is still alive stands nowhere in it: a
process that was killed writes nothing any more (`suite.run_folder` tells by the lock).
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from results.errors import InputError
from results.hashing import write_atomically

FILE = "state.json"

Phase = Literal["running", "recording", "ended", "interrupted", "stopped"]
"""`stopped`: by an error of the run itself, such as a full disk."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Running(_Strict):
    """A job that runs.

    Attributes:
        node: the machine it runs on; empty where that is not known.
        share: how much of it is done, 0 to 1, as far as it says.
        text: what it says of its progress.
        left_s: seconds it will take on, where its share tells.
    """

    job: str
    node: str
    running_s: float
    share: float
    text: str
    left_s: float | None


class Failure(_Strict):
    """A job that failed for good; `log` holds its full output."""

    job: str
    reason: str
    fault: str
    log: str | None


class State(_Strict):
    """One moment of a run.

    Attributes:
        total: jobs of this run; each of them is in one of the six states that follow.
        waiting: jobs that wait for their inputs, for a processor, or for a memory to be free.
        left_s: seconds to the end, about; `None` where nothing tells.
    """

    version: Literal[1] = 1
    suite: str
    command: str
    phase: Phase
    process: int
    host: str
    started_utc: str
    updated_utc: str
    elapsed_s: float
    total: int
    computed: int
    cached: int
    failed: int
    blocked: int
    running: int
    waiting: int
    left_s: float | None
    jobs: list[Running]
    failures: list[Failure]

    @property
    def done(self) -> int:
        """Jobs that have an outcome."""
        return self.total - self.running - self.waiting


def write(run_dir: Path, state: State) -> None:
    """Replace a run's state in one step."""
    write_atomically(run_dir / FILE, state.model_dump_json() + "\n")


def read(run_dir: Path) -> State:
    """Read a run's state.

    Raises:
        InputError: there is none, or it is not ours.
    """
    path = run_dir / FILE
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"{run_dir}: no run was started here (no {FILE}); pass WORKDIR/<suite name>"
        ) from None
    except (OSError, ValidationError) as error:
        raise InputError(f"{path}: cannot be read as a run's state; run the suite again") from error
