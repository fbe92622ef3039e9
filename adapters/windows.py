"""Where the windows of a document lie (seed paper, Eq. 4).

A model of context l_c that adds s special tokens leaves c = l_c - s for the document. Windows of c
tokens overlap by w, so they start every c - w tokens, and a document of L tokens has
M = max(1, ceil((L - w) / (c - w))) of them. The last window is short, not shifted back.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Int

from results.errors import InputError


def default_overlap(context: int) -> int:
    """Overlap w where none is asked for: half the context, rounded down (Eq. 4)."""
    return context // 2


def check_overlap(overlap: int, *, context: int, num_special: int) -> None:
    """Refuse an overlap with which windows would not move forward.

    Raises:
        InputError: `overlap` is negative, or not below the tokens that a window holds.
    """
    capacity = context - num_special
    if not 0 <= overlap < capacity:
        raise InputError(
            f"overlap {overlap} must be at least 0 and below {capacity}, the document tokens in a "
            f"window (context {context} less {num_special} special): set a smaller `overlap`"
        )


def count(num_tokens: int, *, capacity: int, overlap: int) -> int:
    """Number of windows M of a document of `num_tokens` tokens (Eq. 4)."""
    stride = capacity - overlap
    return max(1, -((overlap - num_tokens) // stride))


def cut(
    pieces: Iterable[Int[np.ndarray, " t"]], *, capacity: int, overlap: int
) -> Iterator[Int[np.ndarray, " l"]]:
    """Cut a document into its windows while its tokens come in.

    Args:
        pieces: the document's tokens in pieces of any size, special ones excluded.
        capacity: document tokens in a full window (c).
        overlap: tokens shared by neighbours (w), below `capacity`.
    """
    held = np.zeros(0, dtype=np.int32)
    is_first = True
    for piece in pieces:
        held, start = np.concatenate([held, piece]), 0
        while start + capacity <= len(held):
            yield held[start : start + capacity]
            start += capacity - overlap
            is_first = False
        held = held[start:]
    if is_first or len(held) > overlap:
        yield held
