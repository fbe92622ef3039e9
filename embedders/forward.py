"""Windows through the model: what costs all the time.

Windows of equal length are computed together, without padding and without a mask. Each window's
states are averaged (Eq. 5) on the device, in at least fp32, so that vectors and not states come
back.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from adapters.adapter import Encoder
from embedders import batching, pooling
from embedders.shard import Shard
from results.errors import InputError

_CPU_FULL = ("can't allocate memory", "not enough memory")  # torch has no exception type for it

_WINDOW = -1  # stands for a window among special tokens


class Computed(NamedTuple):
    """Vectors of a shard's windows, and the tokens that went through the model for them."""

    vectors: Float[np.ndarray, "n d"]
    tokens: int


def window_vectors(
    shard: Shard,
    encoder: Encoder,
    *,
    batch_tokens: int,
    include_special: bool = True,
    padding: float = batching.PADDING,
    progress: Callable[[float], None] = lambda share: None,
) -> Computed:
    """Compute one vector per window of a shard.

    Args:
        shard: distinct windows.
        encoder: a loaded model.
        batch_tokens: tokens in one forward pass at most; one window always fits.
        include_special: whether the model's special tokens count in a window's mean.
        padding: largest share of a window that may be padding, 0 to 1.
        progress: takes the share of the shard's tokens that is done.

    Returns:
        float32 vectors in the order of the windows.

    Raises:
        BatchMemoryError: a batch does not fit into the device's memory.
        InputError: the encoder's states are not what it promises.
    """
    lengths = (shard.lengths + encoder.num_special).tolist()
    windows = list(shard.windows())
    vectors = np.empty((len(windows), encoder.dimension), dtype=np.float32)
    computed, done, total = 0, 0, sum(lengths)
    for batch in batching.plan(lengths, batch_tokens=batch_tokens, padding=padding):
        vectors[batch] = _batch([windows[i] for i in batch], encoder, include_special)
        computed += len(batch) * lengths[batch[0]]
        done += sum(lengths[i] for i in batch)
        progress(done / total)
    return Computed(vectors, computed)


def _batch(
    windows: Sequence[Int[np.ndarray, " l"]], encoder: Encoder, include_special: bool
) -> Float[np.ndarray, "b d"]:
    """Compute one batch: special tokens around, padding behind, mean of the states."""
    around = encoder.wrap([_WINDOW])
    prefix, suffix = around[: around.index(_WINDOW)], around[around.index(_WINDOW) + 1 :]
    lengths = [len(window) + len(around) - 1 for window in windows]
    longest = max(lengths)
    ids = np.full((len(windows), longest), encoder.pad_id, dtype=np.int64)
    for row, window in zip(ids, windows, strict=True):
        whole = np.concatenate([prefix, window, suffix])
        row[: len(whole)] = whole
    mask = None
    if min(lengths) < longest:
        mask = (torch.arange(longest)[None] < torch.tensor(lengths)[:, None]).long()
    weights = None
    if mask is not None or not include_special or encoder.pooling != "mean":
        weights = pooling.token_weights(
            lengths,
            prefix=len(prefix),
            suffix=len(suffix),
            include_special=include_special,
            pooling=encoder.pooling,
        )
    try:
        states = _as_promised(encoder.states(torch.from_numpy(ids), mask), ids.shape, encoder)
        pooled = pooling.pool(states, weights).cpu()
    except torch.OutOfMemoryError as error:
        raise batching.BatchMemoryError(str(error)) from error
    except RuntimeError as error:
        if any(text in str(error) for text in _CPU_FULL):
            raise batching.BatchMemoryError(str(error)) from error
        raise
    vectors: np.ndarray = pooled.float().numpy()
    return vectors


def _as_promised(states: torch.Tensor, shape: tuple[int, ...], encoder: Encoder) -> torch.Tensor:
    """Refuse states that are not one of `dimension` for each token, whose mean would be wrong.

    Raises:
        InputError: they have another shape.
    """
    wanted = (*shape, encoder.dimension)
    if tuple(states.shape) != wanted:
        raise InputError(
            f"the model gives states of shape {tuple(states.shape)} where {wanted} is promised "
            "(windows, tokens, dimension): see `logmark adapters check`"
        )
    return states
