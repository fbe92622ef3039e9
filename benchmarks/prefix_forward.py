"""Causal windows with common prefixes, each prefix computed once: tried, measured, not used.

In a causal model a token's state depends on what stands before it. Windows that begin alike have
the same states there, so in sorted order a window needs only the tokens behind what it shares with
the one before: together the windows are a tree (trie) of tokens. New tokens are packed into one row
per forward pass. Linear layers, norms and experts see the row; attention alone takes it apart and
gives every window the keys and values of its whole path.

Memory besides a forward pass: keys and values of one path, handed from batch to batch: at most one
window's (LLaMA2-7B in bf16: 0.5 MB per token, so 1 GB at 2,048 tokens). Nothing is cached per
prefix. The one-level alternative, transformers' DynamicCache expanded over a group, saves less
(docs/performance.md).
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers.modeling_utils import AttentionInterface

from embedders import batching

Window = Int[np.ndarray, " l"]
Vectors = Float[Tensor, "n d"]
Path = tuple[Float[Tensor, "1 h t d"], Float[Tensor, "1 h t d"]]
ATTENTION = "shared_prefixes"
LEAST = 64
"""Fewer common tokens are computed again: a window that takes nothing over needs no mask, and on
the CPU attention with a mask takes about twice as long as causal attention without one."""


class Piece(NamedTuple):
    """What one window adds to the row.

    Attributes:
        window: its number.
        shared: tokens whose keys, values and states it takes over from the window before.
        start: of its new tokens in the row.
        stop: their end, excluded.
    """

    window: int
    shared: int
    start: int
    stop: int


def common(first: Window, second: Window) -> int:
    """Count the tokens with which both windows begin."""
    size = min(len(first), len(second))
    differ = first[:size] != second[:size]
    return int(differ.argmax()) if differ.any() else size


def in_order(windows: Sequence[Window]) -> list[int]:
    """Sort windows by their tokens, so that those that begin alike stand together."""
    keys = [window.astype(">u4").tobytes() for window in windows]
    return sorted(range(len(windows)), key=keys.__getitem__)


def pack(
    windows: Sequence[Window], *, batch_tokens: int, least: int = LEAST
) -> Iterator[list[Piece]]:
    """Put the new tokens of sorted windows into rows of at most `batch_tokens`, or one window's."""
    pieces: list[Piece] = []
    before = np.zeros(0, dtype=np.int64)
    stop = 0
    for number in in_order(windows):
        shared = common(before, windows[number])
        shared = shared if shared >= least else 0
        new = len(windows[number]) - shared
        if pieces and stop + new > batch_tokens:
            yield pieces
            pieces, stop = [], 0
        pieces.append(Piece(number, shared, stop, stop + new))
        before, stop = windows[number], stop + new
    if pieces:
        yield pieces


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: None, **options: Any
) -> tuple[Tensor, None]:
    """Attend as transformers asks it of an attention function; the row is taken apart here.

    `options` holds, besides what transformers passes, what `shared_vectors` gives to the model:
    `pieces` of the row, and `paths`: layer -> keys and values of the last window so far.
    """
    found = []
    keys, values = options["paths"].get(module.layer_idx, (key[:, :, :0], value[:, :, :0]))
    for _, shared, start, stop in options["pieces"]:
        keys = torch.cat([keys[:, :, :shared], key[:, :, start:stop]], dim=2)
        values = torch.cat([values[:, :, :shared], value[:, :, start:stop]], dim=2)
        new = query[:, :, start:stop]
        found.append(_causal(new, keys, values, scale=options["scaling"]))
    options["paths"][module.layer_idx] = keys, values
    return torch.cat(found, dim=2).transpose(1, 2).contiguous(), None


def _causal(query: Tensor, keys: Tensor, values: Tensor, *, scale: float) -> Tensor:
    """Attend causally where the queries are the last ones of the keys."""
    new, total = query.shape[2], keys.shape[2]
    grouped = query.shape[1] != keys.shape[1]
    mask = None
    if new < total:
        mask = torch.ones(new, total, dtype=torch.bool, device=query.device).tril(total - new)
    return scaled_dot_product_attention(
        query, keys, values, mask, is_causal=mask is None, scale=scale, enable_gqa=grouped
    )


AttentionInterface.register(ATTENTION, attend)


@torch.inference_mode()
def shared_vectors(
    model: Any, windows: Sequence[Window], *, batch_tokens: int = 4096, least: int = LEAST
) -> Vectors:
    """Average the states of each of some distinct windows, computing every prefix once.

    Args:
        model: causal; `attention_mask` decides nothing, so no sliding window.
        windows: special tokens included.
        batch_tokens: new tokens in one forward pass at most; one window always fits.
        least: tokens of a prefix that is worth sharing.
    """
    usual = model.config._attn_implementation
    model.set_attn_implementation(ATTENTION)
    vectors = torch.empty(len(windows), model.config.hidden_size)
    paths: dict[int, Path] = {}
    sums = torch.zeros(1, model.config.hidden_size, dtype=torch.float64)  # along the path
    for pieces in pack(windows, batch_tokens=batch_tokens, least=least):
        states = _states(model, windows, pieces, paths)
        for number, shared, start, stop in pieces:
            added = sums[shared] + states[start:stop].cumsum(0)
            sums = torch.cat([sums[: shared + 1], added])
            vectors[number] = sums[-1] / len(windows[number])
    model.set_attn_implementation(usual)
    return vectors


def _states(
    model: Any, windows: Sequence[Window], pieces: list[Piece], paths: dict[int, Path]
) -> Float[Tensor, "t d"]:
    ids = np.concatenate([windows[number][shared:] for number, shared, *_ in pieces])
    places = [np.arange(shared, len(windows[number])) for number, shared, *_ in pieces]
    states: Tensor = model(
        input_ids=torch.from_numpy(ids.astype(np.int64))[None],
        position_ids=torch.from_numpy(np.concatenate(places))[None],
        use_cache=False,
        pieces=pieces,
        paths=paths,
    ).last_hidden_state
    return states[0].double()


@torch.inference_mode()
def plain_vectors(model: Any, windows: Sequence[Window], *, batch_tokens: int = 4096) -> Vectors:
    """Average the states of each window as the engine does: batches of equal length, no mask."""
    vectors = torch.empty(len(windows), model.config.hidden_size)
    lengths = [len(window) for window in windows]
    for batch in batching.plan(lengths, batch_tokens=batch_tokens, padding=0.0):
        ids = np.stack([windows[number] for number in batch]).astype(np.int64)
        states = model(input_ids=torch.from_numpy(ids), use_cache=False).last_hidden_state
        vectors[batch] = states.float().mean(dim=1)
    return vectors
