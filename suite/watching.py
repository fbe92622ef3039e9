"""What a run tells while it goes on, and to whom: the terminal, `events.jsonl`, `state.json`, logs.

`Watch` stands between the scheduler and all of them: `settled` and `tick` are what the scheduler
calls. Nothing here takes more than a moment, however many jobs end in a second.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from suite import state
from suite.board import Outcome
from suite.progress import Progress
from suite.scheduler import Settled
from suite.state import Phase
from suite.tally import Tally
from suite.under_way import UnderWay

_STATE_S = 2.0


class Watch:
    """Tells what goes on in one run."""

    def __init__(
        self,
        tally: Tally,
        progress: Progress,
        outcomes: Mapping[str, Outcome],
        run_dir: Path,
        regularly: Callable[[], object] = lambda: None,
    ) -> None:
        """Start to tell.

        Args:
            tally: counts.
            progress: what the user sees.
            outcomes: the board's, which fill while the run goes on.
            run_dir: gets `events.jsonl` and `state.json`.
            regularly: called at every tick.
        """
        self._tally, self._progress, self._outcomes = tally, progress, outcomes
        self._run_dir, self._regularly = run_dir, regularly
        self._events = (run_dir / "events.jsonl").open("a", encoding="utf-8")
        self._written = 0.0

    def settled(self, ended: Settled) -> None:
        """Tell of a job that ended.

        Raises:
            OSError: the run folder's disk is full.
        """
        if ended.log_text is not None:
            ended.task.log.parent.mkdir(parents=True, exist_ok=True)
            ended.task.log.write_text(ended.log_text, encoding="utf-8")
        self._tally.settled(ended)
        self._progress.settled(ended, len(self._outcomes), self._tally.total)
        event = {
            "utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "job": ended.task.id,
            "kind": ended.task.kind,
            "key": ended.task.key,
            "status": "computed" if ended.commit else "failed",
            "reason": ended.reason,
        }
        self._events.write(json.dumps(event) + "\n")
        self._events.flush()

    def tick(self, under_way: Sequence[UnderWay]) -> None:
        """Tell how things stand, where it is time to.

        Raises:
            OSError: the run folder's disk is full.
        """
        writes = time.monotonic() - self._written > _STATE_S
        if writes or self._progress.due:
            now = self._tally.look(self._outcomes, under_way, "running")
            if writes:
                state.write(self._run_dir, now)
                self._written = time.monotonic()
            if self._progress.due:
                self._progress.show(now)
        self._regularly()

    def enter(self, phase: Phase) -> None:
        """Say in `state.json` what the run does now; jobs run in the phase "running" alone."""
        now = self._tally.look(self._outcomes, (), phase)
        state.write(self._run_dir, now)
        self._progress.show(now)

    def close(self) -> None:
        """Write nothing more; what the user sees is left to its owner."""
        self._events.close()
