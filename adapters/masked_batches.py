"""What all masked language modelling shares: what may be hidden, batches, and what a card says."""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int
from pydantic import JsonValue
from torch import Tensor

from adapters import blocks
from adapters.blocks import IGNORED, Sides, Tokens, attention_mask, frequencies, stack
from results.errors import InputError

B = TypeVar("B")
H = TypeVar("H", contravariant=True)


class Hiding(Protocol[H]):
    """Hides tokens of blocks: a function of (seed, epoch, example) and of nothing else.

    Attributes:
        maskable: by token id.
        pad_id: the token to pad with.
    """

    @property
    def maskable(self) -> Bool[np.ndarray, " v"]:
        """Say by token id what may be hidden."""

    @property
    def pad_id(self) -> int:
        """Token to pad with."""

    def tokens(self, block: H) -> Tokens:
        """Give a block's tokens."""

    def apply(self, block: H, *, epoch: int, example: int) -> tuple[Tokens, Tokens]:
        """Give what the model sees, and the labels: the token to be guessed, else -100."""


def maskable_in(tokenizer: Any, own: list[int]) -> Bool[np.ndarray, " v"]:
    """Say by token id what may be hidden: all but `own`, the model's special tokens.

    Raises:
        InputError: the tokenizer has no mask token.
    """
    if tokenizer.mask_token_id is None:
        raise InputError(
            f"model {tokenizer.name_or_path!r} has no mask token, so nothing can be hidden from "
            "it: use a model that was trained with one, such as BERT"
        )
    maskable = np.ones(len(tokenizer), dtype=bool)
    maskable[own] = False
    return maskable


class Collator:
    """Makes a batch of masked blocks; the training engine tells it the epoch, 0 for validation.

    Attributes:
        before: epochs of earlier trainings, so that a later one does not repeat their masks.
    """

    def __init__(self, hiding: Hiding[Any], *, before: int = 0) -> None:
        """Store what hides; the epoch is 0 until told."""
        self.hiding, self.before = hiding, before
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the number of the epoch whose masks come next."""
        self.epoch = epoch and epoch + self.before

    def __call__(self, examples: list[tuple[int, Any]]) -> dict[str, Int[Tensor, "b t"]]:
        """Mask and stack (index, block) pairs."""
        pairs = [self.hiding.apply(it, epoch=self.epoch, example=i) for i, it in examples]
        return {
            "input_ids": stack([seen for seen, _ in pairs], self.hiding.pad_id),
            "labels": stack([labels for _, labels in pairs], IGNORED),
            **attention_mask([seen for seen, _ in pairs]),
        }


def labels_of(examples: Iterable[tuple[int, B]], hiding: Hiding[B], *, epoch: int) -> Tokens:
    """Collect the labels of many blocks, one behind the other."""
    return np.concatenate([hiding.apply(it, epoch=epoch, example=i)[1] for i, it in examples])


def unigram(examples: Iterable[tuple[int, B]], hiding: Hiding[B]) -> Float[np.ndarray, " v"]:
    """Estimate how frequent each maskable token is; the model's own special ones count one."""
    tokens = (hiding.tokens(block) for _, block in examples)
    return frequencies((ids[hiding.maskable[ids]] for ids in tokens), len(hiding.maskable))


def figures(sides: Sides[B], hiding: Hiding[B]) -> dict[str, JsonValue]:
    """Say what was there to be guessed, for the card."""
    guessed = int((labels_of(sides.train, hiding, epoch=1) != IGNORED).sum())
    train = [hiding.tokens(block) for _, block in sides.train]
    tokens, maskable = sum(map(len, train)), sum(int(hiding.maskable[ids].sum()) for ids in train)
    held_out = labels_of(sides.valid, hiding, epoch=0)
    return {
        "unigram_loss": blocks.unigram_loss(unigram(sides.train, hiding), held_out),
        "mask_rate": guessed / maskable,
        "mask_rate_of_all_tokens": guessed / tokens,
        "train_tokens": tokens,
        "valid_tokens": sum(len(hiding.tokens(block)) for _, block in sides.valid),
    }
