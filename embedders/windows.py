"""Where the windows of a document lie (seed paper, Eq. 4).

A model of context l_c that adds s special tokens leaves c = l_c - s for the document. Windows of c
tokens overlap by w, so they start every c - w tokens, and a document of L tokens has
M = max(1, ceil((L - w) / (c - w))) of them. The last window is short, not shifted back.
"""

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


def spans(num_tokens: int, *, capacity: int, overlap: int) -> list[tuple[int, int]]:
    """Start and end of each window in the document's tokens, end excluded.

    Args:
        num_tokens: tokens of the document, without special ones (L).
        capacity: document tokens in a full window (c).
        overlap: tokens shared by neighbours (w), below `capacity`.
    """
    stride = capacity - overlap
    starts = [m * stride for m in range(count(num_tokens, capacity=capacity, overlap=overlap))]
    return [(start, min(start + capacity, num_tokens)) for start in starts]
