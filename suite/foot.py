"""The foot of the terminal: lines that stand for the moment, while what stays scrolls by above.

A file, a pipe and a terminal that cannot move its cursor have no foot: there, lines follow lines.
What is written goes to a copy of standard error, which survives a redirection of it; where nobody
can be written to any more, nothing is.
"""

import contextlib
import os
import sys
from collections.abc import Sequence
from math import ceil
from typing import TextIO


class Foot:
    """Standard error as a place to show how things stand.

    Attributes:
        is_live: whether lines can be replaced.
        has_colours: whether they may be coloured.
    """

    def __init__(self) -> None:
        """Take the terminal, or the file, that standard error is."""
        self._stream = _standard_error()
        self.is_live = self._stream.isatty() and os.environ.get("TERM") not in ("dumb", "", None)
        self.has_colours = self.is_live and not os.environ.get("NO_COLOR")
        self._shown: Sequence[str] = ()  # as it stands on the terminal

    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal, whatever it has become since it was drawn last."""
        try:
            width, height = os.get_terminal_size(self._stream.fileno())
        except OSError:
            width, height = 0, 0
        return width or 80, height or 24

    def draw(self, notes: Sequence[str], block: Sequence[str]) -> None:
        """Replace the foot, with notes above it that stay, in one write.

        Args:
            notes: lines.
            block: lines that fit the terminal; ignored where there is no foot.
        """
        text = "".join(f"{note}\n" for note in notes)
        if self.is_live:
            text = f"{self._erased()}{text}{chr(10).join(block)}"
            self._shown = block
        if text:
            self._write(text)

    def _erased(self) -> str:
        """Go to the first line of the block; a terminal that got narrower has wrapped its lines."""
        if not self._shown:
            return ""
        width, height = self.size()
        lines = sum(max(1, ceil(len(line) / width)) for line in self._shown)
        up = min(lines, height) - 1
        return "\r" + (f"\x1b[{up}A" if up > 0 else "") + "\x1b[J"

    def _write(self, text: str) -> None:
        if self._stream.closed:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # the terminal was closed, the reader has gone, the log's disk is full
            with contextlib.suppress(OSError):
                self._stream.close()

    def close(self) -> None:
        """Clear the foot; nothing is written from now on."""
        if not self._stream.closed:
            self.draw([], [])
            with contextlib.suppress(OSError):
                self._stream.close()


def _standard_error() -> TextIO:
    """Copy standard error, or open nothing where it is no file."""
    try:
        handle = os.dup(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):  # a notebook's, or there is none
        handle = os.open(os.devnull, os.O_WRONLY)
    return os.fdopen(handle, "w", encoding="utf-8", errors="replace")
