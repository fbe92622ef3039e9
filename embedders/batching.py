"""Which windows are computed together: equal lengths, within a budget of tokens.

Windows of equal length need neither padding nor a mask. Where too few of one length are there to
fill a batch, slightly shorter ones join, and a few padded tokens buy larger batches. The plan
depends on the lengths alone, so the same shard is always computed in the same batches.
"""

from collections.abc import Sequence

from results.errors import InputError

BUDGETS = {"cpu": 4096, "cuda": 65_536}
"""Tokens of a batch where the suite names none. CPU: what keeps the states of a layer in the cache
(docs/performance.md, measured); CUDA: what fills a large device, halved where it does not fit."""

SHARD_TOKENS = 1 << 20
"""A shard holds half to twice as many: a minute or a few of a model's work."""

PADDING = 0.1
"""Largest share of a window that may be padding; batches of equal windows are not touched by it."""


class BatchMemoryError(Exception):
    """A batch did not fit into the device's memory; `args` holds what the device said."""


def halve(batch_tokens: int, *, context: int) -> int:
    """Give the next smaller budget after `batch_tokens` did not fit.

    Raises:
        InputError: a batch was one window already.
    """
    if batch_tokens <= context:
        raise InputError(
            f"one window of {context} tokens does not fit into the device's memory: set a smaller "
            "`context`, `quantize: nf4`, or use a device with more of it"
        )
    return max(batch_tokens // 2, context)


def plan(lengths: Sequence[int], *, batch_tokens: int, padding: float = PADDING) -> list[list[int]]:
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
