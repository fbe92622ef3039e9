"""Which windows are computed together: equal lengths, within a budget of tokens.

Windows of equal length need neither padding nor a mask. Where a few wasted tokens buy larger
batches (on a GPU), `padding` lets shorter windows join. The plan depends on the lengths alone, so
the same shard is always computed in the same batches.
"""

from collections.abc import Sequence


def plan(lengths: Sequence[int], *, batch_tokens: int, padding: float = 0.0) -> list[list[int]]:
    """Group windows into batches, longest first, equal lengths in the order given.

    Args:
        lengths: tokens of each window, special ones included.
        batch_tokens: tokens of a batch at most, padding included; one window always fits.
        padding: largest share of a window that may be padding, 0 to 1; 0 batches equal lengths
            only.

    Returns:
        Batches of indices into `lengths`; every index once.
    """
    batches: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        full = batches and (len(batches[-1]) + 1) * longest > batch_tokens
        if not batches or full or lengths[index] < (1.0 - padding) * longest:
            batches.append([])
            longest = lengths[index]
        batches[-1].append(index)
    return batches
