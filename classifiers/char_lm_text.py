"""Which text `char_lm` reads: how long a sequence is, and which ones where not all can be read.

A document is cut into sequences from its first character on; the last one may be short. Documents
are held out whole. Where there are more characters than may be read, sequences are drawn from all
documents alike, so that long ones are read in proportion and no document is preferred for standing
first. Nothing but the drawn sequences is kept.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import numpy as np
from jaxtyping import Int

from classifiers.char_lm import LONGEST, SHORTEST, CharLm
from results.errors import InputError

_HELD_OUT, _READ_TRAIN, _READ_VALID = 1, 2, 3  # streams of the seed


@dataclass(frozen=True)
class SequenceLength:
    """How long a sequence is, and why.

    Attributes:
        chars: characters guessed in a sequence.
        rule: the median length of message blocks, or of lines, or what the settings say.
        median: before it was put between `SHORTEST` and `LONGEST`; `None` for a setting.
        counted: blocks or lines; 0 for a setting.
    """

    chars: int
    rule: Literal["blocks", "lines", "setting"]
    median: int | None = None
    counted: int = 0


@dataclass(frozen=True)
class Survey:
    """What a first pass over the documents found.

    Attributes:
        lengths: characters of each document.
        sequence: length of a sequence.
    """

    lengths: Int[np.ndarray, " n"]
    sequence: SequenceLength


@dataclass(frozen=True)
class Excerpt:
    """The sequences that are learnt from and the held-out ones, one character longer than guessed.

    Attributes:
        train: text of each sequence.
        valid: text of each held-out sequence.
        train_documents: documents that may be learnt from.
        valid_documents: documents held out.
    """

    train: list[str]
    valid: list[str]
    train_documents: int
    valid_documents: int


def survey(texts: Iterable[Sequence[str]], settings: CharLm) -> Survey:
    """Measure documents, and their message blocks unless the settings give a sequence length."""
    lengths: list[int] = []
    blocks, lines = Counter[int](), Counter[int]()
    begins = re.compile(settings.block)
    for parts in texts:
        lengths.append(sum(map(len, parts)))
        if settings.sequence is None:
            _count_lines(parts, begins, blocks, lines)
    return Survey(np.array(lengths, dtype=np.int64), _sequence(settings, blocks, lines))


def read(texts: Iterable[Sequence[str]], found: Survey, settings: CharLm, *, seed: int) -> Excerpt:
    """Read at most `settings.max_chars` characters, on both sides together.

    Raises:
        InputError: fewer than two documents in which a character follows another.
    """
    size = found.sequence.chars
    counts = -(-(found.lengths - 1).clip(min=0) // size)
    held = _held_out(counts, settings, seed)
    limit = settings.max_chars // (size + 1)
    valid_limit = min(max(1, round(limit * settings.validation_share)), limit - 1)
    rng = np.random.default_rng
    train = _draw(np.where(held, 0, counts), limit - valid_limit, rng([seed, _READ_TRAIN]))
    valid = _draw(np.where(held, counts, 0), valid_limit, rng([seed, _READ_VALID]))
    excerpt = Excerpt([], [], int((counts > 0).sum() - held.sum()), int(held.sum()))
    for number, parts in enumerate(texts):
        for places, taken in ((train, excerpt.train), (valid, excerpt.valid)):
            taken += _cut(parts, places.get(number, []), size)
    return excerpt


def _count_lines(
    parts: Sequence[str], begins: re.Pattern[str], blocks: Counter[int], lines: Counter[int]
) -> None:
    """Count the lengths of a document's message blocks and of its lines that are not blank."""
    block = None
    for line, chars in _lines(parts):
        if line.strip():
            lines[chars] += 1
        if begins.match(line):
            if block is not None:
                blocks[block] += 1
            block = 0
        if block is not None:
            block += chars
    if block is not None:
        blocks[block] += 1


def _lines(parts: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield each line's beginning, all of it within a part, and its length with its newline."""
    begun, chars = "", 0
    for part in parts:
        *ended, rest = part.split("\n")
        for piece in ended:
            yield begun or piece, chars + len(piece) + 1
            begun, chars = "", 0
        begun, chars = begun or rest, chars + len(rest)
    if chars:
        yield begun, chars


def _sequence(settings: CharLm, blocks: Counter[int], lines: Counter[int]) -> SequenceLength:
    if settings.sequence is not None:
        return SequenceLength(settings.sequence, "setting")
    counted = blocks or lines
    if not counted:  # no text at all, which `read` refuses
        return SequenceLength(SHORTEST, "lines")
    median = _median(counted)
    chars = min(max(median, SHORTEST), LONGEST)
    return SequenceLength(chars, "blocks" if blocks else "lines", median, counted.total())


def _median(counted: Counter[int]) -> int:
    """Take the middle value, of two the lower."""
    values = sorted(counted)
    below = list(accumulate(counted[value] for value in values))
    return values[bisect_right(below, (below[-1] - 1) // 2)]


def _held_out(counts: Int[np.ndarray, " n"], settings: CharLm, seed: int) -> np.ndarray:
    """Choose documents that have a sequence; both sides get one."""
    usable = np.flatnonzero(counts)
    if len(usable) < 2:
        raise InputError(
            f"char_lm: {len(usable)} train documents have 2 characters or more; at least 2 are "
            "needed to hold one out: give more documents"
        )
    share = round(settings.validation_share * len(usable))
    chosen = np.random.default_rng([seed, _HELD_OUT]).permutation(usable)
    held = np.zeros(len(counts), dtype=bool)
    held[chosen[: min(max(1, share), len(usable) - 1)]] = True
    return held


def _draw(
    counts: Int[np.ndarray, " n"], limit: int, rng: np.random.Generator
) -> dict[int, list[int]]:
    """Draw at most `limit` sequences: number of a document -> numbers of its sequences, sorted."""
    ends = np.cumsum(counts)
    total = int(ends[-1])
    all_of_them = total <= limit
    drawn = np.arange(total) if all_of_them else np.sort(rng.choice(total, limit, replace=False))
    documents = np.searchsorted(ends, drawn, side="right")
    places: dict[int, list[int]] = {}
    for document, place in zip(documents.tolist(), drawn.tolist(), strict=True):
        places.setdefault(document, []).append(place - int(ends[document] - counts[document]))
    return places


def _cut(parts: Sequence[str], places: list[int], size: int) -> Iterator[str]:
    """Yield sequences of a document, each with the character that follows it."""
    ends = list(accumulate(map(len, parts)))
    for place in places:
        start, stop = place * size, (place + 1) * size + 1
        taken = []
        for number in range(bisect_right(ends, start), len(parts)):
            before = ends[number] - len(parts[number])
            if before >= stop:
                break
            taken.append(parts[number][max(0, start - before) : stop - before])
        yield "".join(taken)
