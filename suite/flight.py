"""One job that is with Ray: which try it is, when it started, what it last said."""

import time
from dataclasses import dataclass, field
from uuid import uuid4

from jobs.task import Task
from suite.queue import Shape
from suite.retries import Tries
from suite.under_way import UnderWay
from suite.wire import Word


@dataclass
class Flight:
    """A job that is with Ray.

    Attributes:
        id: under which its words arrive.
        since: when it said that it runs; None while it waits.
        first: seconds after that, and the share, when it first told a share.
        is_overdue: whether it was stopped for taking too long.
    """

    task: Task
    shape: Shape
    tries: Tries
    id: str = field(default_factory=lambda: uuid4().hex)
    since: float | None = None
    first: tuple[float, float] = (0.0, 0.0)
    word: Word | None = None
    is_overdue: bool = False

    def hear(self, word: Word, now: float) -> None:
        """Take in what the job says; with its first word it has started."""
        self.word = word
        if self.since is None:
            self.since = now
        if word.share and not self.first[1]:
            self.first = now - self.since, word.share

    def has_run_too_long(self, now: float) -> bool:
        """Whether the job's time limit is over."""
        limit_s = self.task.time_limit_s
        return limit_s is not None and self.since is not None and now - self.since > limit_s

    def under_way(self) -> UnderWay:
        """Say how far the job is."""
        if self.since is None or self.word is None:
            return UnderWay(self.task)
        share, text, node = self.word
        return UnderWay(self.task, time.monotonic() - self.since, share, text, node, self.first)
