"""Drop what is too long to mean anything from a stream of text: words, and lines.

Both rules see a document as runs of characters between separators (blanks, line ends) and hold at
most one chunk and one admissible run in memory, so a line of any length passes. The result does
not depend on how the stream is cut.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator


def without_long_words(stream: Iterable[str], limit: int, counts: Counter[str]) -> Iterator[str]:
    """Drop words (runs without blanks) of more than `limit` characters; their blanks stay.

    Args:
        stream: the text in pieces.
        limit: most characters of a word.
        counts: ``words_dropped`` is increased.
    """
    long = re.compile(rf"(?<!\S)\S{{{limit + 1},}}")
    rest, skipping = "", False
    for chunk in stream:
        text = rest + chunk
        if skipping:  # the run to drop goes on until the first blank
            text = re.sub(r"\A\S+", "", text)
            skipping = not text
        cut = len(text) if text[-1:].isspace() else len(text) - len(_last_word(text))
        kept, dropped = long.subn("", text[:cut])
        rest = text[cut:]
        if len(rest) > limit:
            rest, skipping, dropped = "", True, dropped + 1
        counts["words_dropped"] += dropped
        yield kept
    yield rest


def without_long_lines(stream: Iterable[str], limit: int, counts: Counter[str]) -> Iterator[str]:
    """Drop lines of more than `limit` characters (newline not counted), newline included.

    Args:
        stream: the text in pieces.
        limit: most characters of a line.
        counts: ``lines_dropped`` is increased.
    """
    long = re.compile(rf"(?<![^\n])[^\n]{{{limit + 1},}}\n")
    rest, skipping = "", False
    for chunk in stream:
        text = rest + chunk
        if skipping:
            _, newline, text = text.partition("\n")
            skipping = not newline
        cut = text.rfind("\n") + 1
        kept, dropped = long.subn("", text[:cut])
        rest = text[cut:]
        if len(rest) > limit:
            rest, skipping, dropped = "", True, dropped + 1
        counts["lines_dropped"] += dropped
        yield kept
    yield rest


def _last_word(text: str) -> str:
    words = text.rsplit(None, 1)
    return words[-1] if words else ""
