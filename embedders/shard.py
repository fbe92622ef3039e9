"""What embedding yields, piece by piece: vectors of consecutive documents, their coverage."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


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


@dataclass(frozen=True)
class Shard:
    """The vectors of consecutive documents.

    Attributes:
        ids: the documents, in the order given.
        vectors: float32, one row per document.
        coverage: one row per document.
        distinct_windows: windows that were computed.
        computed_tokens: tokens that went through the model, padding and special ones included.
    """

    ids: list[str]
    vectors: Float[np.ndarray, "n d"]
    coverage: list[Coverage]
    distinct_windows: int
    computed_tokens: int
