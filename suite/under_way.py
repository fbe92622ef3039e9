"""What is going on at a moment of a run: the jobs that were handed to Ray and have not ended."""

from dataclasses import dataclass

from jobs.task import Task


@dataclass(frozen=True)
class UnderWay:
    """One job under way.

    Attributes:
        task: which.
        running_s: seconds since it started; None while it waits for a place.
        share: how much of it is done, 0 to 1, as far as it says.
        text: what it says of its progress.
        node: the machine it runs on; empty where that is not known.
        first: `running_s` and `share` when it first told a share: what came before is a start, or
            was found done, and says nothing of its pace.
    """

    task: Task
    running_s: float | None = None
    share: float = 0.0
    text: str = ""
    node: str = ""
    first: tuple[float, float] = (0.0, 0.0)
