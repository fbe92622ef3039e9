"""Raw log files as a character network reads them: in a stream, cleaned as the corpus was.

Decoding, the rules for words and lines and the view of the text are those the network was trained
behind (`corpora.opening`, `corpora.cleaning`, `corpora.masking`). Of a file of any size only the
end that the network reads is kept. Nothing here needs a package beside numpy.
"""

import io
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from classifiers.edge import Description
from corpora.document import UNSTORABLE, blocks
from corpora.line_rules import without_long_lines, without_long_words
from corpora.masking import TextView
from corpora.opening import CHUNK_CHARS, open_text
from results.errors import InputError

STDIN = "-"
MOST_REPLACED = 0.3
"""A file of which more than this share is no text is not classified: it is no log."""


@dataclass(frozen=True)
class RawLog:
    """What is left of a file.

    Attributes:
        parts: the end of the text that the network reads, and at most one block more.
        cut: whether there was more than the network reads.
    """

    parts: tuple[str, ...]
    cut: bool


def read(name: str, description: Description) -> RawLog:
    """Read one file, or standard input for ``-``; a long file only as far as needed.

    Raises:
        InputError: it cannot be read, is empty, or is no text.
    """
    counts: Counter[str] = Counter()
    limits = (description.max_word_chars, description.max_line_chars)
    with cleaned(name, *limits, counts=counts) as text:
        view = TextView(**description.view)
        parts = (view.apply(part) for part in text)
        if description.keep == "head":
            log = _head(parts, description.context, counts)
        else:
            log = _tail(parts, description.context)
    refuse(name, counts)
    return log


@contextmanager
def cleaned(
    name: str, max_word_chars: int | None, max_line_chars: int | None, *, counts: Counter[str]
) -> Iterator[Iterator[str]]:
    """Open a file, or standard input for ``-``, cleaned by the line rules, in newline blocks.

    Args:
        name: the file.
        max_word_chars: longer words are dropped.
        max_line_chars: longer lines are dropped, after the words.
        counts: receives, as far as was read, ``characters`` and ``bytes`` of the file, how many of
            them were ``replaced``, ``chars`` that are left and ``blocks_with_text``.

    Raises:
        InputError: it cannot be opened, or its compression is damaged.
    """
    dropped: Counter[str] = Counter()
    with _opened(name) as stream:
        text = _storable(stream, counts)
        if max_word_chars is not None:
            text = without_long_words(text, max_word_chars, dropped)
        if max_line_chars is not None:
            text = without_long_lines(text, max_line_chars, dropped)
        yield _noted(blocks(text), counts)


def refuse(name: str, counts: Counter[str]) -> None:
    """Refuse a file that is no text, or has none, by what `cleaned` counted.

    Raises:
        InputError: it is so.
    """
    if counts["replaced"] > MOST_REPLACED * counts["characters"]:
        share = counts["replaced"] / counts["characters"]
        raise InputError(
            f"{name}: no text ({share:.0%} of its characters are NUL or not UTF-8); unpack it, or "
            "convert it to UTF-8"
        )
    if not counts["blocks_with_text"]:
        raise InputError(f"{name}: {_empty(counts)}")


def _empty(counts: Counter[str]) -> str:
    if counts["characters"]:
        return "no text is left after the rules the model was trained behind"
    return "empty, there is nothing to classify"


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    """Open as the corpus does.

    Raises:
        InputError: it cannot be opened, or its compression is damaged.
    """
    if name != STDIN:
        with open_text(Path(name)) as text:
            yield text
        return
    with (
        open(0, "rb", closefd=False) as descriptor,  # it has no path
        io.TextIOWrapper(descriptor, "utf-8-sig", errors="replace", newline="") as text,
    ):
        yield text


def _storable(stream: TextIO, counts: Counter[str]) -> Iterator[str]:
    """Replace what the corpus cannot hold, as `corpora.cleaning` does."""
    while chunk := stream.read(CHUNK_CHARS):
        text = UNSTORABLE.sub("\ufffd", chunk)
        counts["characters"] += len(text)
        counts["bytes"] += len(text.encode())
        counts["replaced"] += text.count("\ufffd")
        yield text


def _noted(parts: Iterator[str], counts: Counter[str]) -> Iterator[str]:
    """Count what is left, and note whether it is anything but blanks; else it is no document."""
    for part in parts:
        counts["blocks_with_text"] += not part.isspace()
        counts["chars"] += len(part)
        yield part


def _head(parts: Iterator[str], context: int, counts: Counter[str]) -> RawLog:
    """Keep the first characters; read on only until there is more, and something but blanks."""
    kept: list[str] = []
    chars = 0
    for part in parts:
        if chars < context:
            kept.append(part)
        chars += len(part)
        if chars > context and counts["blocks_with_text"]:
            break
    return RawLog(tuple(kept), chars > context)


def _tail(parts: Iterator[str], context: int) -> RawLog:
    """Keep the last characters, reading to the end."""
    kept: deque[str] = deque()
    held, chars = 0, 0
    for part in parts:
        kept.append(part)
        held += len(part)
        chars += len(part)
        while held - len(kept[0]) >= context:
            held -= len(kept.popleft())
    return RawLog(tuple(kept), chars > context)
