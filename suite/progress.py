"""What the user sees while a run goes on.

On a terminal a block of lines stands at its foot, and what has ended scrolls by above; in a file, a
pipe or a terminal that cannot move its cursor there is a line per job that ended, and a summary now
and then.
"""

import time
from collections.abc import Callable

from suite import live
from suite.durations import in_words
from suite.foot import Foot
from suite.scheduler import Settled
from suite.state import State
from suite.tally import wall_s_of
from suite.terminal import clipped, printable
from suite.waiting import pause_s, told

_FRAME_S = 0.1
_PLAIN_S = 30.0
_RED, _DIM, _RESET = "\x1b[31m", "\x1b[2m", "\x1b[0m"


class Progress:
    """Prints what happens; silent with `quiet`."""

    def __init__(self, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the terminal, or the file, that standard error is."""
        self._foot = Foot()
        self._silent = quiet
        self._clock, self._began = clock, clock()
        self._notes: list[str] = []  # lines to print above the next block
        self._block: list[str] = []
        self._last = self._began

    @property
    def due(self) -> bool:
        """Whether it is time for `show`; asked often, so that a state is made only when shown."""
        if self._silent:
            return False
        now = self._clock()
        pause = _FRAME_S if self._foot.is_live else pause_s(now - self._began, least_s=_PLAIN_S)
        return now - self._last >= pause

    def note(self, text: str) -> None:
        """Print a line; on a terminal above the block, with its next frame."""
        self._notes.append(text)
        if not self._foot.is_live:
            self._draw([])

    def settled(self, ended: Settled, done: int, total: int) -> None:
        """Print the line of a job that ended; `done` jobs of `total` have an outcome by now."""
        head = f"{self._in(_DIM, f'[{done}/{total}]')} {printable(ended.task.id)}"
        if ended.commit is not None:
            self.note(f"{head}  {in_words(wall_s_of(ended))}")
        else:
            self.note(f"{head}  {self._in(_RED, 'FAILED')}: {printable(ended.reason or '')}")

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._foot.has_colours else text

    def show(self, state: State) -> None:
        """Show how things stand."""
        self._last = self._clock()
        if self._foot.is_live:
            self._block = live.block(state, *self._foot.size())
            self._draw(self._block)
        elif state.running:
            first = state.jobs[0]
            self.note(f"{live.summary(state)}; {first.job}: {live.told(first)}")

    def step(self, what: str, done: int, total: int | None) -> None:
        """Show how far something is that comes after the jobs, where it is time to."""
        if not self.due:
            return
        self._last = self._clock()
        line = told(what, done, total)
        if self._foot.is_live:
            width, _ = self._foot.size()
            self._draw([*self._block, clipped(f"  {line}", width - 1)])
        else:
            self.note(line)

    def _draw(self, block: list[str]) -> None:
        notes, self._notes = self._notes, []
        self._last = self._clock() if self._foot.is_live else self._last
        if not self._silent:
            self._foot.draw(notes, block)

    def close(self) -> None:
        """Print what was noted last and clear the block; nothing is shown from now on."""
        self._draw([])
        self._silent = True
        self._foot.close()
