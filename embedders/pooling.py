"""From states to vectors (seed paper, Eq. 5): a window is the mean of its tokens' states.

Padding never counts; the model's special tokens do unless switched off. Sums run in at least fp32,
whatever the model computes in. A document is the plain mean of its windows (`embedders/engine.py`).
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor


def pool(
    states: Float[Tensor, "b t d"], weights: Float[Tensor, "b t"] | None
) -> Float[Tensor, "b d"]:
    """Average the states of each window.

    Args:
        states: last hidden states.
        weights: 1 for a token that counts, else 0; None where all count.

    Returns:
        One vector per window, in fp32 (fp64 where the states are).
    """
    states = states.to(torch.promote_types(states.dtype, torch.float32))
    if weights is None:
        return states.mean(dim=1)
    weights = weights.to(device=states.device, dtype=states.dtype)
    counted = states.masked_fill(weights[..., None] == 0, 0.0)  # a state there may be anything
    return counted.sum(dim=1) / weights.sum(dim=1, keepdim=True)


def token_weights(
    lengths: list[int],
    *,
    prefix: int,
    suffix: int,
    include_special: bool,
    pooling: Literal["mean", "last", "first"] = "mean",
) -> Float[Tensor, "b t"]:
    """Say which tokens of padded windows count.

    Args:
        lengths: tokens of each window, special ones included; the longest gives t.
        prefix: special tokens before each window.
        suffix: special tokens behind it.
        include_special: whether those count in a mean.
        pooling: all of them, or the last or first one alone, special or not.
    """
    size = torch.tensor(lengths)[:, None]
    position = torch.arange(max(lengths))[None, :]
    if pooling != "mean":
        return (position == (size - 1 if pooling == "last" else 0 * size)).float()
    if include_special:
        return (position < size).float()
    return ((position >= prefix) & (position < size - suffix)).float()
