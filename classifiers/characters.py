"""Characters as tokens: the alphabet of the training documents, and documents as arrays of ids.

Ids take one byte each while the alphabet has at most 256 entries, so that a corpus of thousands of
long documents fits into memory many times over.
"""

from __future__ import annotations  # this module runs where numpy is the only package there is

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Integer

PADDING, UNKNOWN, _FIRST = 0, 1, 2


@dataclass(frozen=True)
class EncodedDocument:
    """What a character model reads of one document.

    Attributes:
        ids: one id per character read, at most the model's context.
        chars: characters that the document has.
        unknown: characters read that are not in the alphabet.
    """

    ids: Integer[np.ndarray, " read"]
    chars: int
    unknown: int


@dataclass(frozen=True)
class CharVocabulary:
    """An alphabet; character number i has id i + 2, after padding (0) and unknown (1)."""

    characters: str

    @classmethod
    def learn(cls, texts: Iterable[Sequence[str]], max_size: int) -> Self:
        """Take the most frequent characters of `texts`, equally frequent ones by code point.

        Args:
            texts: documents as parts.
            max_size: ids in all, padding and unknown included.
        """
        counts = np.zeros(128, dtype=np.int64)
        for parts in texts:
            for part in parts:
                found = np.bincount(_code_points(part))
                if len(found) > len(counts):
                    counts = np.pad(counts, (0, len(found) - len(counts)))
                counts[: len(found)] += found
        order = np.argsort(-counts, kind="stable")[: max_size - _FIRST]
        return cls("".join(chr(code) for code in order if counts[code]))

    @property
    def size(self) -> int:
        """Ids in all, padding and unknown included."""
        return len(self.characters) + _FIRST

    def encode(
        self, parts: Sequence[str], *, context: int, keep: Literal["head", "tail"]
    ) -> EncodedDocument:
        """Turn a document into ids, its first or last `context` characters if it is longer."""
        chars = sum(len(part) for part in parts)
        codes = _code_points(_cut(parts, context, keep))
        ids = self._table[np.minimum(codes, len(self._table) - 1)]
        return EncodedDocument(ids, chars, int((ids == UNKNOWN).sum()))

    @cached_property
    def _table(self) -> Integer[np.ndarray, " codes"]:
        """Id by code point; the last entry stands for all greater ones."""
        codes = _code_points(self.characters)
        dtype = np.uint8 if self.size <= 256 else np.int32
        table = np.full(int(codes.max(initial=0)) + 2, UNKNOWN, dtype=dtype)
        table[codes] = np.arange(_FIRST, self.size)
        return table


def _cut(parts: Sequence[str], context: int, keep: Literal["head", "tail"]) -> str:
    taken, left = [], context
    for part in parts if keep == "head" else reversed(parts):
        if left <= 0:
            break
        taken.append(part[:left] if keep == "head" else part[-left:])
        left -= len(part)
    return "".join(taken if keep == "head" else reversed(taken))


def _code_points(text: str) -> Integer[np.ndarray, " chars"]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
