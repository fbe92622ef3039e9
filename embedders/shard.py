"""The pieces that embedding works in: windows in, vectors out, and the ledger between them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Distinct windows that are computed together, in the order in which they first occur.

    Attributes:
        first: number of the first one among the distinct windows of the corpus.
        tokens: of all its windows, one behind the other, special ones excluded; int32.
        lengths: tokens of each window; int32.
    """

    first: int
    tokens: Int[np.ndarray, " t"]
    lengths: Int[np.ndarray, " n"]

    def windows(self) -> Iterator[Int[np.ndarray, " l"]]:
        """Give the windows one by one."""
        stops = np.cumsum(self.lengths)
        for start, stop in zip(stops - self.lengths, stops, strict=True):
            yield self.tokens[start:stop]

    @property
    def digest(self) -> str:
        """Hash of the windows and their order; where they occur does not count."""
        content = hashlib.sha256(len(self.lengths).to_bytes(8))
        content.update(self.lengths.astype("<i4").tobytes())
        content.update(self.tokens.astype("<i4").tobytes())
        return content.hexdigest()


@dataclass(frozen=True)
class Coverage:
    """How much of a document was seen.

    Attributes:
        id: the document.
        chars: characters of its parts.
        tokens: tokens of its parts, special ones excluded.
        windows: windows they were cut into.
        share: of the document's tokens that some window holds, 0 to 1.
    """

    id: str
    chars: int
    tokens: int
    windows: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Which distinct windows each document is made of; filled while documents are cut.

    Attributes:
        coverage: one row per document.
        numbers: of each document, the numbers of its windows in order; int32.
        firsts: number of each shard's first window.
    """

    coverage: list[Coverage] = field(default_factory=list)
    numbers: list[Int[np.ndarray, " m"]] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The vectors of consecutive documents: float32, one row each."""

    coverage: list[Coverage]
    vectors: Float[np.ndarray, "n d"]
