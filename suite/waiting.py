"""How far a command is, told on standard error while it takes its time: nothing at first.

On a terminal one line is rewritten at its foot, from two seconds on; elsewhere a line follows now
and then, from five seconds on. A thread tells, so that something is said even of steps that tell
nothing themselves.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from suite.durations import in_words
from suite.foot import Foot
from suite.terminal import clipped

FIRST_S = 2.0
"""A command that takes no longer says nothing of how far it is."""

_FRAME_S = 0.2
_PLAIN_FIRST_S, _PLAIN_S, _MOST_PLAIN_S, _PLAIN_SHARE = 5.0, 10.0, 600.0, 0.05
_SURE_SHARE, _SURE_S = 0.02, 2.0  # before, a step's share says nothing of the time it takes
_IN_BYTES = "bytes"
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class _Step(NamedTuple):
    """What is being done, how much of it is done, and since when."""

    what: str
    done: int
    total: int | None
    began_s: float


class Waiting:
    """Tells how far a command is; call it with what is being done as often as there is news."""

    def __init__(self, what: str, *, quiet: bool = False) -> None:
        """Begin to count the time.

        Args:
            what: is done first, as in "reading logs"; "... bytes" are counted in bytes.
            quiet: tell nothing.
        """
        self._began_s = time.monotonic()
        self._step = _Step(what, 0, None, self._began_s)
        self._foot: Foot | None = None
        self._drawing, self._over = threading.Lock(), threading.Event()
        self._thread = None if quiet else threading.Thread(target=self._tell, daemon=True)
        if self._thread is not None:
            self._thread.start()

    def __call__(self, what: str, done: int = 0, total: int | None = None) -> None:
        """Take note of what is being done, and how much of it is done."""
        before = self._step
        began_s = before.began_s if what == before.what else time.monotonic()
        self._step = _Step(what, done, total, began_s)

    def _tell(self) -> None:
        foot = self._foot = Foot()
        pause = FIRST_S if foot.is_live else _PLAIN_FIRST_S
        while not self._over.wait(pause):
            with self._drawing:
                self._draw(foot)
            past_s = time.monotonic() - self._began_s
            pause = _FRAME_S if foot.is_live else pause_s(past_s, least_s=_PLAIN_S)

    def _draw(self, foot: Foot) -> None:
        now_s, (what, done, total, began_s) = time.monotonic(), self._step
        left_s = _left_s(done, total, now_s - began_s)
        left = "" if left_s is None else f", about {in_words(left_s)} left"
        line = f"{told(what, done, total)}, {in_words(now_s - self._began_s)}{left}"
        width, _ = foot.size()
        foot.draw([] if foot.is_live else [clipped(line, len(line))], [clipped(line, width - 1)])

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Clear the line while something else is written to the terminal."""
        with self._drawing:
            if self._foot is not None:
                self._foot.draw([], [])
            yield

    def close(self) -> None:
        """Clear the line; nothing is told from now on."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._foot is not None:
            self._foot.close()


def told(what: str, done: int, total: int | None) -> str:
    """Say in a few words how far a step is."""
    number = _in_bytes if what.endswith(_IN_BYTES) else "{:,}".format
    if total is not None:
        share = f" ({100 * done / total:.0f} %)" if total else ""
        return f"{what}: {number(done)} of {number(total)}{share}"
    return f"{what}: {number(done)}" if done else what


def _in_bytes(number: int) -> str:
    size, unit = next((one for one in _UNITS if number >= one[0]), (1, "bytes"))
    return f"{number / size:.1f} {unit}" if size > 1 else f"{number} bytes"


def _left_s(done: int, total: int | None, past_s: float) -> float | None:
    """Seconds that a step takes on; `None` as long as nothing tells."""
    if not total or done < _SURE_SHARE * total or past_s < _SURE_S:
        return None
    return max(0.0, past_s * (total / done - 1))


def pause_s(past_s: float, *, least_s: float) -> float:
    """Seconds between lines in a file: those of what takes long are fewer an hour."""
    return min(_MOST_PLAIN_S, max(least_s, _PLAIN_SHARE * past_s))
