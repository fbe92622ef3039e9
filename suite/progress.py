"""What the user sees while a run goes on: a line per finished job and, on a terminal, a live line.

The display writes to its own copy of the terminal, so that it survives the redirection of standard
output that silences Ray.
"""

import json
import os
import sys
import time
from collections.abc import Sequence

from jobs.task import Task
from results.records import Costs
from suite.scheduler import Settled

_PLAIN_EVERY_S = 30.0


class Progress:
    """Prints what happens; silent with `quiet`."""

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        """Count to `total` jobs."""
        self._total = total
        self._quiet = quiet
        self._stream = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
        self._live = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._since: dict[str, float] = {}
        self._last_plain = time.monotonic()

    def note(self, text: str) -> None:
        """Print one line above the live line."""
        if not self._quiet:
            self._write(f"{text}\n")

    def settled(self, ended: Settled, done: int) -> None:
        """Print the line of a job that ended; `done` jobs have an outcome by now."""
        head = f"[{done}/{self._total}] {ended.task.id}"
        if ended.commit is not None:
            costs = Costs.model_validate(ended.commit.notes["costs"])
            self.note(f"{head}  {costs.wall_s:.1f} s")
        else:
            self.note(f"{head}  FAILED: {ended.reason}")

    def tick(self, tasks: Sequence[Task], done: int) -> None:
        """Refresh the live line, or print a plain one now and then where there is no terminal."""
        now = time.monotonic()
        parts = []
        for task in tasks:
            beat = _heartbeat(task)
            if beat is not None:
                seconds = now - self._since.setdefault(task.id, now)
                parts.append(f"{task.id}{beat} {seconds:.0f} s")
        if self._quiet or not parts:
            return
        text = f"{done}/{self._total} done; {', '.join(parts)}"
        if self._live:
            width = os.get_terminal_size(self._stream.fileno()).columns - 1
            self._stream.write(f"\r\x1b[K{text[:width]}")
            self._stream.flush()
        elif now - self._last_plain > _PLAIN_EVERY_S:
            self._last_plain = now
            self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}" if self._live else text)
        self._stream.flush()

    def close(self) -> None:
        """Clear the live line."""
        if self._live:
            self._stream.write("\r\x1b[K")
        self._stream.close()


def _heartbeat(task: Task) -> str | None:
    """Say how far a job is: `None` while it waits for a processor."""
    try:
        beat = json.loads(task.log.with_suffix(".progress").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return f" {100 * beat['share']:.0f} % {beat['text']}".rstrip() if beat["share"] else ""
