"""The first layer of a character CNN, as a look-up: convolve embedded characters, pool, forget.

Convolving embedded characters equals adding, for each tap j of the kernel, row ``table[j, id]``
with ``table = embedding x kernel``. Maxima are taken document by document as the sums are made, so
that nothing of the text's full length is kept for the backward pass but the place of each maximum;
its gradient goes back into the table alone. Against `Conv1d` on embeddings, forward and backward
took a quarter of the time (see docs/performance.md).
"""

from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

_LOWEST = float("-inf")


def convolve_and_pool(
    ids: Int[Tensor, "n chars"],
    steps: Int[Tensor, " n"],
    table: Float[Tensor, "width vocabulary channels"],
    *,
    stride: int,
    pool: int,
) -> Float[Tensor, "n pooled channels"]:
    """Convolve documents of characters, and take the maximum of every `pool` steps.

    Args:
        ids: character ids of n documents, what the kernel meets beyond their ends included.
        steps: steps of each document that count; later ones are -inf.
        table: what each id adds at each tap of the kernel.
        stride: characters between two steps.
        pool: steps of which the maximum is taken; the last maximum may be of fewer.
    """
    pooled: Tensor = _LookUp.apply(ids, steps, table, stride, pool)  # type: ignore[no-untyped-call]  # torch's
    return pooled


class _LookUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ids: Tensor, steps: Tensor, table: Tensor, stride: int, pool: int) -> Any:
        width, vocabulary, _ = table.shape
        windows = ids.unfold(1, width, stride)
        offsets = torch.arange(width, dtype=ids.dtype, device=ids.device) * vocabulary
        rows = table.flatten(0, 1)
        maxima, places = [], []
        for document, count in zip(windows, steps.tolist(), strict=True):
            sums = functional.embedding_bag(document + offsets, rows, mode="sum")
            sums[count:] = _LOWEST
            highest, place = _pool(sums, pool)
            maxima.append(highest)
            places.append(place)
        ctx.save_for_backward(windows, torch.stack(places))
        ctx.table_shape, ctx.pool = table.shape, pool
        return torch.stack(maxima)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        windows, places = ctx.saved_tensors
        table = gradient.new_zeros(ctx.table_shape)
        for offset in range(ctx.pool):
            met = windows[:, offset :: ctx.pool].flatten(0, 1)
            held = places[:, : -(-(windows.shape[1] - offset) // ctx.pool)] == offset
            given = (gradient[:, : held.shape[1]] * held).flatten(0, 1)
            for tap, rows in enumerate(table):
                rows.index_add_(0, met[:, tap], given)
        return None, None, table, None, None


def _pool(
    sums: Float[Tensor, "steps channels"], pool: int
) -> tuple[Float[Tensor, "pooled channels"], UInt8[Tensor, "pooled channels"]]:
    """Maximum of every `pool` steps, and which of them it was."""
    missing = -len(sums) % pool
    filled = functional.pad(sums, (0, 0, 0, missing), value=_LOWEST)
    highest, place = filled.view(-1, pool, sums.shape[1]).max(dim=1)
    return highest, place.to(torch.uint8)
