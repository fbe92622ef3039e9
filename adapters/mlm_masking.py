"""Which tokens of a block are hidden, and the batches made of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from adapters.blocks import IGNORED, Tokens, attention_mask, frequencies, stack
from adapters.encoder import pad_id
from adapters.mlm import Mlm
from results.errors import InputError


@dataclass(frozen=True)
class Masking:
    """Which tokens are hidden: a function of (seed, epoch, example) and of nothing else.

    Attributes:
        maskable: by token id; ours are, the model's own special tokens are not.
        mask_id: the token that hides another.
        pad_id: the token to pad with.
        share: of the maskable tokens that are to be guessed.
        seed: of the suite.
    """

    maskable: Bool[np.ndarray, " v"]
    mask_id: int
    pad_id: int
    share: float
    seed: int

    @classmethod
    def of(cls, tokenizer: Any, own: list[int], settings: Mlm) -> "Masking":
        """Say what is maskable in a tokenizer that knows our tokens; `own` are the model's special.

        Raises:
            InputError: the tokenizer has no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise InputError(
                f"model {tokenizer.name_or_path!r} has no mask token: `adapt: mlm` needs a model "
                "that was trained with one, such as BERT"
            )
        maskable = np.ones(len(tokenizer), dtype=bool)
        maskable[own] = False
        return cls(
            maskable=maskable,
            mask_id=tokenizer.mask_token_id,
            pad_id=pad_id(tokenizer),
            share=settings.mask_share,
            seed=settings.seed,
        )

    def apply(self, ids: Tokens, *, epoch: int, example: int) -> tuple[Tokens, Tokens]:
        """Hide tokens of one block.

        Returns:
            What the model sees, and the labels: the token where it is to be guessed, else -100.
        """
        generator = np.random.default_rng([self.seed, epoch, example])
        can = self.maskable[ids]
        chosen = can & (generator.random(len(ids)) < self.share)
        if can.any() and not chosen.any():
            chosen[generator.choice(np.flatnonzero(can))] = True
        way = generator.random(len(ids))  # 80 % hidden, 10 % random, 10 % as they are
        drawn = generator.choice(np.flatnonzero(self.maskable), len(ids))
        seen = np.where(chosen & (way < 0.8), self.mask_id, ids)
        seen = np.where(chosen & (way >= 0.8) & (way < 0.9), drawn, seen)
        return seen, np.where(chosen, ids, IGNORED)

    def labels(self, blocks: Iterable[tuple[int, Tokens]], *, epoch: int) -> Tokens:
        """Collect the labels of many blocks, one behind the other."""
        return np.concatenate([self.apply(ids, epoch=epoch, example=i)[1] for i, ids in blocks])


class Collator:
    """Makes a batch of masked blocks; the training engine tells it the epoch, 0 for validation."""

    def __init__(self, masking: Masking) -> None:
        """Store the masking; the epoch is 0 until told."""
        self.masking = masking
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the number of the epoch whose masks come next."""
        self.epoch = epoch

    def __call__(self, examples: list[tuple[int, Tokens]]) -> dict[str, Int[Tensor, "b t"]]:
        """Mask and stack (index, block) pairs."""
        pairs = [self.masking.apply(ids, epoch=self.epoch, example=i) for i, ids in examples]
        return {
            "input_ids": stack([seen for seen, _ in pairs], self.masking.pad_id),
            "labels": stack([labels for _, labels in pairs], IGNORED),
            **attention_mask([ids for _, ids in examples]),
        }


def unigram(blocks: Iterable[tuple[int, Tokens]], masking: Masking) -> Float[np.ndarray, " v"]:
    """Estimate how frequent each maskable token is; the model's own special ones count one."""
    return frequencies((ids[masking.maskable[ids]] for _, ids in blocks), len(masking.maskable))
