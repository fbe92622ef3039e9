"""From documents to blocks, for every adaptation: tokenizing, holding out, packing, sampling.

Documents end with `<endsample>` and are packed one behind the other. A seeded share of them is held
out before packing, so that a loss before and after is measured on documents never trained on.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import JsonValue
from torch import Tensor, nn

from adapters.encoder import Tokenizer
from adapters.objective import Objective, Request
from adapters.training import TrainingResult, TrainingSettings, train
from results.errors import InputError

END = "<endsample>"
"""Closes every document of the adaptation corpus (DESIGN: masking)."""

IGNORED = -100  # label of a token that is not to be guessed, torch's convention
_HELD_OUT, _SAMPLED = 1, 2  # streams of the seed, beside one per (epoch, example)

Tokens = Int[np.ndarray, " t"]
T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True)
class Sides(Generic[T]):
    """Blocks to train on and held-out ones, each with its number; sizes before any sampling."""

    train: list[tuple[int, T]]
    valid: list[tuple[int, T]]
    sizes: Mapping[str, int]


def tokenize(texts: Iterable[Sequence[str]], tokenizer: Tokenizer, end_id: int) -> list[Tokens]:
    """Tokenize documents part by part and close each with the token `end_id`."""
    return [
        np.array([*(i for ids in tokenizer.encode(list(parts)) for i in ids), end_id], np.int64)
        for parts in texts
    ]


def divide(documents: list[D], settings: Objective, pack: Callable[[list[D]], list[T]]) -> Sides[T]:
    """Hold documents out, then pack each side into blocks and sample where a limit is set.

    Raises:
        InputError: fewer than two documents, or a side without a block.
    """
    if len(documents) < 2:
        raise InputError(
            f"adapt: {len(documents)} documents; at least 2 are needed to hold one out"
        )
    share, limit = settings.validation_share, settings.max_blocks
    num_held = min(max(1, round(share * len(documents))), len(documents) - 1)
    order = np.random.default_rng([settings.seed, _HELD_OUT]).permutation(len(documents))
    held = set(order[:num_held].tolist())
    train_blocks = pack([d for i, d in enumerate(documents) if i not in held])
    valid_blocks = pack([documents[i] for i in sorted(held)])
    if not train_blocks or not valid_blocks:
        raise InputError("adapt: the documents are too short for a single token to be guessed")
    fewer = None if limit is None else math.ceil(limit * share / (1.0 - share))
    return Sides(
        train=_sample(train_blocks, limit, settings.seed),
        valid=_sample(valid_blocks, fewer, settings.seed),
        sizes={
            "train_documents": len(documents) - num_held,
            "valid_documents": num_held,
            "train_blocks_before_sampling": len(train_blocks),
            "valid_blocks_before_sampling": len(valid_blocks),
        },
    )


def room(tokenizer: Tokenizer, *, size: int) -> int:
    """Say how many tokens of the text fit into a block beside the model's special tokens.

    Raises:
        InputError: the special tokens leave no room.
    """
    left = size - tokenizer.num_special
    if left < 1:
        raise InputError(f"adapt: block {size} leaves no room beside the special tokens: raise it")
    return left


def pack(documents: Sequence[Tokens], tokenizer: Tokenizer, *, size: int) -> list[Tokens]:
    """Put documents one after the other and cut them into blocks of `size` tokens.

    Each block gets the model's special tokens, which count; the last may be short.
    """
    stream, step = np.concatenate(documents), room(tokenizer, size=size)
    return [
        np.array(tokenizer.wrap(stream[start : start + step].tolist()), np.int64)
        for start in range(0, len(stream), step)
    ]


def _sample(blocks: list[T], limit: int | None, seed: int) -> list[tuple[int, T]]:
    if limit is not None and limit < len(blocks):
        chosen = np.random.default_rng([seed, _SAMPLED]).choice(len(blocks), limit, replace=False)
        blocks = [blocks[i] for i in sorted(chosen.tolist())]
    return list(enumerate(blocks))


def stack(rows: Sequence[np.ndarray], filler: int | bool) -> Int[Tensor, "b t"]:
    """Stack rows of unequal length, filled up behind."""
    longest = max(map(len, rows))
    padded = [np.pad(row, (0, longest - len(row)), constant_values=filler) for row in rows]
    return torch.from_numpy(np.stack(padded))


def attention_mask(rows: Sequence[Tokens]) -> dict[str, Int[Tensor, "b t"]]:
    """Mask what is padded; nothing where nothing is, since a mask costs time."""
    if min(map(len, rows)) == max(map(len, rows)):
        return {}
    return {"attention_mask": stack([np.ones(len(row), dtype=np.int64) for row in rows], 0)}


def frequencies(tokens: Iterable[Tokens], vocabulary: int) -> Float[np.ndarray, " v"]:
    """Estimate how frequent each token is, adding one."""
    counts: Float[np.ndarray, " v"] = np.ones(vocabulary)
    for ids in tokens:
        counts += np.bincount(ids, minlength=vocabulary)
    shares: Float[np.ndarray, " v"] = counts / counts.sum()
    return shares


def unigram_loss(shares: Float[np.ndarray, " v"], labels: Tokens) -> float:
    """Score labels by their frequency, in nats: what a model reaches that ignores the context."""
    return float(-np.log(shares[labels[labels != IGNORED]]).mean())


def learn(
    module: nn.Module,
    sides: Sides[Any],
    collate: Callable[[list[Any]], dict[str, Any]],
    settings: Objective,
    request: Request,
) -> TrainingResult:
    """Train on one side's blocks and measure on the other's."""
    return train(
        module,
        train_data=sides.train,
        valid_data=sides.valid,
        collate=collate,
        settings=TrainingSettings(
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            precision=request.precision,
            workers=request.workers,
        ),
        workdir=request.scratch,
        progress=request.progress,
    )


def card(
    settings: Objective, request: Request, sides: Sides[Any], result: TrainingResult
) -> dict[str, JsonValue]:
    """Say what every objective's card says: settings, sizes, held-out losses, steps, curves."""
    figures: dict[str, JsonValue] = {
        "objective": settings.name,
        "settings": asdict(settings),
        "precision": request.precision,
        "workers": request.workers,
        **sides.sizes,
        "train_blocks": len(sides.train),
        "valid_blocks": len(sides.valid),
        "steps": result.steps,
        "curves": [curve.model_dump(mode="json") for curve in result.curves],
    }
    return {**figures, **heldout(result)}


def heldout(result: TrainingResult) -> dict[str, JsonValue]:
    """Say of each value that the validation measured what it was before training and after."""
    figures: dict[str, JsonValue] = {}
    for curve in result.curves:
        if curve.name.startswith("valid_"):
            name = curve.name.removeprefix("valid_")
            figures |= {f"heldout_{name}_before": curve.values[0]}
            figures |= {f"heldout_{name}_after": curve.values[-1]}
    return figures
