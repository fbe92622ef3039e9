"""Altered log lines: what a system's next release does to the text that a detector has learnt.

As in studies of unstable logs (LogRobust, Zhang et al., ESEC/FSE 2019; LogFiT's robustness
experiment) a share of a document's lines is changed a little: a word is removed, inserted or
repeated, or two neighbouring words change places. Which lines, and how, follows from the seed, the
document's id and the line's number alone: the lines of a smaller share lie within those of a larger
one and are altered in the same way. No line comes or goes.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeAlias, TypeVar

import numpy as np

from results.errors import InputError

_WORD = re.compile(r"\S+")
_Words: TypeAlias = Sequence[re.Match[str]]
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Altering:
    """How much is altered.

    Attributes:
        share: of the lines, 0 to 1; each is drawn by itself.
        seed: decides which lines, and how.
    """

    share: float
    seed: int

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 <= self.share <= 1:
            raise InputError(f"altered lines: `share: {self.share}` must lie between 0 and 1")


@dataclass
class Altered:
    """What was done to some documents.

    Attributes:
        lines: how many they have, blank ones not counted.
        operations: operation -> lines that it altered.
    """

    lines: int = 0
    operations: Counter[str] = field(default_factory=Counter)


def altered(parts: Iterable[str], id: str, rule: Altering, done: Altered) -> Iterator[str]:
    """Yield a document's parts with some of their lines altered.

    Blank lines stay. A word that is inserted comes from the same part of the document, so that it
    is one the log could have had there.

    Args:
        parts: the document.
        id: its id.
        rule: how much, and the seed.
        done: is told what was done.
    """
    number = 0  # of the line that the part begins in
    for part in parts:
        lines, known = part.split("\n"), part.split()
        for place, line in enumerate(lines):
            if found := list(_WORD.finditer(line)):
                done.lines += 1
                digest = blake2b(f"{rule.seed}\n{number + place}\n{id}".encode()).digest()
                if int.from_bytes(digest[:8]) < rule.share * 2**64:
                    random = np.random.default_rng(int.from_bytes(digest[8:]))
                    lines[place] = _alter(line, found, known, random, done)
        number += len(lines) - 1
        yield "\n".join(lines)


def _alter(
    line: str, words: _Words, known: Sequence[str], random: np.random.Generator, done: Altered
) -> str:
    """Apply one of the operations that change the line and leave it a word."""
    several, differing = len(words) > 1, len({word[0] for word in words}) > 1
    possible = {"insert": True, "remove": several, "repeat": True, "swap": differing}
    name = _one([name for name, is_possible in possible.items() if is_possible], random)
    done.operations[name] += 1
    return OPERATIONS[name](line, words, known, random)


def _one(options: Sequence[_T], random: np.random.Generator) -> _T:
    return options[int(random.integers(len(options)))]


def _insert(line: str, words: _Words, known: Sequence[str], random: np.random.Generator) -> str:
    """Put a known word before one of the line's words, or behind the last."""
    new = _one(known, random)
    at = int(random.integers(len(words) + 1))
    if at == len(words):
        return f"{line[: words[-1].end()]} {new}{line[words[-1].end() :]}"
    return f"{line[: words[at].start()]}{new} {line[words[at].start() :]}"


def _remove(line: str, words: _Words, known: Sequence[str], random: np.random.Generator) -> str:
    """Remove a word and the blanks on one side of it."""
    at = int(random.integers(len(words)))
    if at == len(words) - 1:
        return line[: words[at - 1].end()] + line[words[at].end() :]
    return line[: words[at].start()] + line[words[at + 1].start() :]


def _repeat(line: str, words: _Words, known: Sequence[str], random: np.random.Generator) -> str:
    """Say a word twice."""
    word = _one(words, random)
    return f"{line[: word.end()]} {word[0]}{line[word.end() :]}"


def _swap(line: str, words: _Words, known: Sequence[str], random: np.random.Generator) -> str:
    """Let two neighbouring words that differ change places."""
    pairs = [(a, b) for a, b in zip(words, words[1:], strict=False) if a[0] != b[0]]
    first, second = _one(pairs, random)
    between = line[first.end() : second.start()]
    return f"{line[: first.start()]}{second[0]}{between}{first[0]}{line[second.end() :]}"


OPERATIONS: dict[str, Callable[[str, _Words, Sequence[str], np.random.Generator], str]] = {
    "insert": _insert,
    "remove": _remove,
    "repeat": _repeat,
    "swap": _swap,
}
