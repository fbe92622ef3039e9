"""Counts a run's jobs: in go those that ended and those under way, out comes a `State`."""

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from results.records import Costs
from suite.board import Outcome
from suite.node import Node
from suite.pace import Pace, own_rest_s
from suite.scheduler import Settled
from suite.state import Failure, Phase, Running, State
from suite.under_way import UnderWay

_SHOWN_JOBS, _SHOWN_FAILURES = 200, 1000  # in one state; the counts have them all


class Tally:
    """Counts one run."""

    def __init__(
        self,
        suite: str,
        command: str,
        nodes: Sequence[Node],
        weights: Mapping[str, float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start to count.

        Args:
            suite: its name.
            command: the command line.
            nodes: the jobs of this run.
            weights: job id -> seconds it may take, see `suite.pace`.
            clock: seconds that never go back.
        """
        self._suite, self._command = suite, command
        self._jobs = [node.id for node in nodes]
        self._pace = Pace({node.id: node.kind for node in nodes}, weights)
        self._clock, self._began = clock, clock()
        self._started_utc = datetime.now(UTC).isoformat(timespec="seconds")
        self._first: float | None = None  # when the first job started
        self._failures: list[Failure] = []

    @property
    def total(self) -> int:
        """How many jobs there are."""
        return len(self._jobs)

    def settled(self, ended: Settled) -> None:
        """Note a job that ended."""
        if ended.commit is None:
            log = str(ended.task.log)
            failure = Failure(job=ended.task.id, reason=ended.reason, fault=ended.fault, log=log)
            self._failures.append(failure)
            return
        wall_s = wall_s_of(ended)
        self._working_since(self._clock() - wall_s)
        self._pace.ended(ended.task.id, wall_s)

    def look(
        self, outcomes: Mapping[str, Outcome], under_way: Sequence[UnderWay], phase: Phase
    ) -> State:
        """Say how things stand."""
        running = [one for one in under_way if one.running_s is not None]
        if running:
            self._working_since(self._clock())
        counts = Counter(outcome.status for outcome in outcomes.values())
        return State(
            suite=self._suite,
            command=self._command,
            phase=phase,
            process=os.getpid(),
            host=socket.gethostname(),
            started_utc=self._started_utc,
            updated_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            elapsed_s=round(self._clock() - self._began, 1),
            total=len(self._jobs),
            computed=counts["computed"],
            cached=counts["cached"],
            failed=counts["failed"],
            blocked=counts["blocked"],
            running=len(running),
            waiting=len(self._jobs) - len(outcomes) - len(running),
            left_s=_rounded(self._left_s(outcomes, running)) if phase == "running" else None,
            jobs=[_shown(one) for one in running[:_SHOWN_JOBS]],
            failures=self._failures[:_SHOWN_FAILURES],
        )

    def _working_since(self, moment: float) -> None:
        self._first = moment if self._first is None else min(self._first, moment)

    def _left_s(self, outcomes: Mapping[str, Outcome], running: Sequence[UnderWay]) -> float | None:
        if self._first is None:
            return None
        started = {one.task.id for one in running}
        waiting = (job for job in self._jobs if job not in outcomes and job not in started)
        return self._pace.left_s(waiting, running, self._clock() - self._first)


def wall_s_of(ended: Settled) -> float:
    """Seconds that a job took which was computed."""
    assert ended.commit is not None
    return Costs.model_validate(ended.commit.notes["costs"]).wall_s


def _shown(one: UnderWay) -> Running:
    return Running(
        job=one.task.id,
        node=one.node,
        running_s=round(one.running_s or 0.0, 1),
        share=round(min(1.0, max(0.0, one.share)), 4),
        text=one.text,
        left_s=_rounded(own_rest_s(one)),
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
