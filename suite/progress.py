"""What the user sees while a run goes on.

On a terminal a block of lines stands at its foot, and what has ended scrolls by above; in a file, a
pipe or a terminal that cannot move its cursor there is a line per job that ended, and a summary now
and then. The display writes to its own copy of standard error, so that it survives the redirection
that silences Ray; where nobody can be written to any more, the run goes on without it.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from math import ceil

from suite import live
from suite.durations import in_words
from suite.scheduler import Settled
from suite.state import State
from suite.tally import wall_s_of

_FRAME_S = 0.1
_PLAIN_S, _MOST_PLAIN_S, _PLAIN_SHARE = 30.0, 600.0, 0.05
_RED, _DIM, _RESET = "\x1b[31m", "\x1b[2m", "\x1b[0m"


class Progress:
    """Prints what happens; silent with `quiet`."""

    def __init__(self, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the terminal, or the file, that standard error is."""
        self._stream = os.fdopen(
            os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace"
        )
        self._silent = quiet
        self._live = self._stream.isatty() and os.environ.get("TERM") not in ("dumb", "", None)
        self._colours = self._live and not os.environ.get("NO_COLOR")
        self._clock, self._began = clock, clock()
        self._shown: list[str] = []  # the block as it stands on the terminal
        self._notes: list[str] = []  # lines to print above the next one
        self._last = self._began

    @property
    def due(self) -> bool:
        """Whether it is time for `show`; asked often, so that a state is made only when shown."""
        if self._silent:
            return False
        past = self._clock() - self._last
        return past >= (_FRAME_S if self._live else self._pause_s())

    def _pause_s(self) -> float:
        """A log of a long run gets fewer summaries an hour than that of a short one."""
        return min(_MOST_PLAIN_S, max(_PLAIN_S, _PLAIN_SHARE * (self._clock() - self._began)))

    def note(self, text: str) -> None:
        """Print a line; on a terminal above the block, with its next frame."""
        self._notes.append(text)
        if not self._live:
            self._draw([])

    def settled(self, ended: Settled, done: int, total: int) -> None:
        """Print the line of a job that ended; `done` jobs of `total` have an outcome by now."""
        head = f"[{done}/{total}]"
        if ended.commit is not None:
            self.note(f"{self._in(_DIM, head)} {ended.task.id}  {in_words(wall_s_of(ended))}")
        else:
            self.note(f"{self._in(_DIM, head)} {ended.task.id}  {self._failed(ended.reason)}")

    def _failed(self, reason: str) -> str:
        return f"{self._in(_RED, 'FAILED')}: {reason}"

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colours else text

    def show(self, state: State) -> None:
        """Show how things stand."""
        self._last = self._clock()
        if self._live:
            width, height = self._size()
            self._draw(live.block(state, width, height))
        elif state.running:
            first = state.jobs[0]
            self.note(f"{live.summary(state)}; {first.job}: {live.told(first)}")

    def _size(self) -> tuple[int, int]:
        """Columns and lines of the terminal, whatever it has become since the last frame."""
        try:
            width, height = os.get_terminal_size(self._stream.fileno())
        except OSError:
            width, height = 0, 0
        return width or 80, height or 24

    def _draw(self, block: list[str]) -> None:
        """Replace the block, with what was noted meanwhile above it, in one write."""
        notes, self._notes = self._notes, []
        text = "".join(f"{note}\n" for note in notes)
        if self._live:
            text = f"{self._erased()}{text}{chr(10).join(block)}"
            self._last, self._shown = self._clock(), block
        self._write(text)

    def _erased(self) -> str:
        """Go to the first line of the block; a terminal that got narrower has wrapped its lines."""
        width, height = self._size()
        lines = sum(max(1, ceil(len(line) / width)) for line in self._shown)
        up = min(lines, height) - 1
        return "\r" + (f"\x1b[{up}A" if up > 0 else "") + "\x1b[J"

    def _write(self, text: str) -> None:
        if self._silent:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (
            OSError
        ):  # the terminal was closed, the pipe's reader has gone, the log's disk is full
            self._silent = True

    def close(self) -> None:
        """Print what was noted last and clear the block; nothing is shown from now on."""
        if self._stream.closed:
            return
        self._draw([])
        self._silent = True
        with contextlib.suppress(OSError):
            self._stream.close()
