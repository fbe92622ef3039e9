"""Group the interleaved lines of a log into sessions, in bounded memory.

A log of any size is read once, front to back; each line goes to one of some temporary files by the
hash of the session it names, and the files are grouped one after another. In memory there is one
such file (a 128th of the log, about) and a set of all ids. The order of the sessions is
that of the files, then that of their first lines: the same for the same lines.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from zlib import crc32

_FILES = 128


class Session(NamedTuple):
    """What a log says of one thing.

    Attributes:
        id: its id.
        lines: the lines that name it, in the order of the log.
    """

    id: str
    lines: list[bytes]


class Sessions:
    """The lines of a log by what they name; a context manager that holds its temporary files.

    Attributes:
        ids: all ids, once the log was read.
        lines_without_id: lines that name nothing.
    """

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        """Remember how to find ids.

        Args:
            pattern: matches an id; a line belongs to every id in it, once to each.
        """
        self.ids: set[str] = set()
        self.lines_without_id = 0
        self._pattern = pattern

    def __enter__(self) -> Self:
        """Create the temporary folder (where `TMPDIR` says)."""
        self._temporary = tempfile.TemporaryDirectory(prefix="logmark-")
        self._files = [Path(self._temporary.name) / str(number) for number in range(_FILES)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete it."""
        self._temporary.cleanup()

    def read(self, lines: Iterable[bytes]) -> None:
        """Distribute the lines of a log."""
        known: set[bytes] = set()
        with ExitStack() as stack:
            write = [stack.enter_context(path.open("ab")).write for path in self._files]
            for line in lines:
                found = self._pattern.findall(line)
                if not found:
                    self.lines_without_id += 1
                end = b"" if line.endswith(b"\n") else b"\n"
                for id in found if len(found) == 1 else dict.fromkeys(found):
                    known.add(id)
                    write[crc32(id) % _FILES](id + b" " + line + end)
        self.ids |= {id.decode() for id in known}

    def __iter__(self) -> Iterator[Session]:
        """Yield the sessions."""
        for path in self._files:
            grouped: dict[bytes, list[bytes]] = {}
            with path.open("rb") as file:
                for row in file:
                    id, _, line = row.partition(b" ")
                    grouped.setdefault(id, []).append(line)
            for id, lines in grouped.items():
                yield Session(id.decode(), lines)
