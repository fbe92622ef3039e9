"""Loaders `bgl` and `thunderbird`: the logs of a supercomputer, cut into windows of time.

In: one log file (plain or compressed), or the folder or official archive it lies in; every line is
``TAG SECONDS ...``, where the tag ``-`` means that the line is no alert and the seconds are those
of the epoch. Out: one document per window of `window_s` seconds that has lines, windows being
aligned on the epoch; its id is the second it begins with. It is an ``anomaly`` if any of its lines
is an alert, else ``normal``. **The tag is removed from the text**, everything behind it stays.

Fields: ``label``, ``time`` (of the window's beginning, ISO 8601 in UTC), ``lines``, ``alerts``.

Only the open window is held in memory. A line that belongs to an earlier window stays in the open
one and is counted; a line without a readable tag and second is left out and counted; above a share
of the lines either is refused.

Data (Oliner and Stearley, DSN 2007) and windows as LogFiT takes them; see docs/corpora.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, ClassVar

from corpora.archives import first, source_files
from corpora.document import Counts, Document, Field, blocks
from corpora.matching import check_share
from corpora.opening import decoded, lines_of
from results.errors import InputError

_LOG = re.compile(r"(.*/)?[^/]+\.log", re.IGNORECASE)
_LINE = re.compile(rb"(\S+) (\d{1,10})\s")
_GRACE = 1000
"""Lines that may be wrong at the start of a log before their share is looked at."""


@dataclass(slots=True)
class _Window:
    start: int
    lines: list[bytes] = field(default_factory=list)
    alerts: int = 0


@dataclass(slots=True)
class _Met:
    lines: int = 0
    lines_out_of_order: int = 0
    lines_without_time: int = 0


@dataclass(frozen=True, kw_only=True)
class AlertLog:
    """A log with a column of alert tags, in windows.

    Attributes:
        path: the log, or the folder or archive that holds one file ``*.log``.
        window_s: length of a window in seconds.
        max_out_of_order: largest share of lines that belong to a window already closed.
        max_without_time: largest share of lines without a readable tag and time.
    """

    synthetic: ClassVar[bool] = False

    path: Path
    window_s: int = 30
    max_out_of_order: float = 0.01
    max_without_time: float = 0.001

    def __post_init__(self) -> None:
        """Refuse a window without length, and shares that are none."""
        if self.window_s < 1:
            raise InputError(f"corpus: `window_s: {self.window_s}` must be at least 1")
        check_share("max_out_of_order", self.max_out_of_order)
        check_share("max_without_time", self.max_without_time)

    def files(self) -> list[Path]:
        """Return the log, or the archive it lies in.

        Raises:
            InputError: there is none.
        """
        return source_files(self.path, _LOG, "file *.log")

    def documents(self, counts: Counts | None = None) -> Iterator[Document]:
        """Yield the windows in the order of time.

        Raises:
            InputError: the log cannot be read, or too many lines are out of order or without time.
        """
        self.files()
        met = _Met()
        with first(self.path, _LOG, "file *.log", alone=True) as stream:
            for window in self._windows(stream, met):
                yield _document(window)
        self._check(met, grace=0)
        if counts is not None:
            for name in ("lines_out_of_order", "lines_without_time"):
                if getattr(met, name):
                    counts[name] = counts.get(name, 0) + getattr(met, name)

    def _windows(self, stream: BinaryIO, met: _Met) -> Iterator[_Window]:
        window = None
        for line in lines_of(stream):
            met.lines += 1
            read = _LINE.match(line)
            if read is None:
                met.lines_without_time += 1
                self._check(met, grace=_GRACE)
                continue
            second = int(read[2])
            if window is None or second >= window.start + self.window_s:
                if window is not None:
                    yield window
                window = _Window(second - second % self.window_s)
            elif second < window.start:
                met.lines_out_of_order += 1
                self._check(met, grace=_GRACE)
            window.lines.append(line[read.start(2) :])
            window.alerts += read[1] != b"-"
        if window is not None:
            yield window

    def _check(self, met: _Met, grace: int) -> None:
        """Refuse too many wrong lines; a log in reverse order at once, it would be one window."""
        for name, share, way_out in (
            ("out_of_order", self.max_out_of_order, "sort the log by its second column"),
            ("without_time", self.max_without_time, "a line is `TAG SECONDS ...`; mend the log"),
        ):
            number = getattr(met, f"lines_{name}")
            if number > share * met.lines + grace:
                raise InputError(
                    f"{self.path}: {number} of {met.lines} lines {name.replace('_', ' ')}, more "
                    f"than `max_{name}: {share}` allows; {way_out}, or raise the limit"
                )


def _document(window: _Window) -> Document:
    time = datetime.fromtimestamp(window.start, UTC).isoformat()
    label = "anomaly" if window.alerts else "normal"
    fields: dict[str, Field] = {"label": label, "time": time}
    fields |= {"lines": len(window.lines), "alerts": window.alerts}
    return Document(str(window.start), blocks(decoded(window.lines)), fields)
