"""Which tokens of a block are hidden, the batches made of it, and what a unigram model reaches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from adapters.encoder import Tokenizer
from adapters.mlm import Mlm
from results.errors import InputError

END = "<endsample>"
"""Closes every document of the adaptation corpus (DESIGN: masking)."""

IGNORED = -100  # label of a token that is not to be guessed, torch's convention

Tokens = Int[np.ndarray, " t"]


@dataclass(frozen=True)
class Masking:
    """Which tokens are hidden: a function of (seed, epoch, example) and of nothing else.

    Attributes:
        maskable: by token id; ours are, the model's own special tokens are not.
        mask_id: the token that hides another.
        pad_id: the token to pad with.
        end_id: the token that ends a document.
        share: of the maskable tokens that are to be guessed.
        seed: of the suite.
    """

    maskable: Bool[np.ndarray, " v"]
    mask_id: int
    pad_id: int
    end_id: int
    share: float
    seed: int

    @classmethod
    def of(cls, tokenizer: Any, special_tokens: Sequence[str], settings: Mlm) -> "Masking":
        """Add our tokens to a tokenizer and say what is maskable in it.

        Raises:
            InputError: the tokenizer has no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise InputError(
                f"model {tokenizer.name_or_path!r} has no mask token: `adapt: mlm` needs a model "
                "that was trained with one, such as BERT"
            )
        own = list(tokenizer.all_special_ids)
        tokenizer.add_tokens(list(special_tokens), special_tokens=True)
        maskable = np.ones(len(tokenizer), dtype=bool)
        maskable[own] = False
        return cls(
            maskable=maskable,
            mask_id=tokenizer.mask_token_id,
            pad_id=Tokenizer.of(tokenizer).pad_id,
            end_id=tokenizer.convert_tokens_to_ids(END),
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


class Collator:
    """Makes a batch of masked blocks; the training engine tells it the epoch, 0 for validation."""

    def __init__(self, masking: Masking) -> None:
        """Store the masking; the epoch is 0 until told."""
        self.masking = masking
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the number of the epoch whose masks come next."""
        self.epoch = epoch

    def __call__(self, examples: list[tuple[int, Tokens]]) -> dict[str, Tensor]:
        """Mask and stack (index, block) pairs; a mask of attention only where one is padded."""
        pairs = [self.masking.apply(ids, epoch=self.epoch, example=i) for i, ids in examples]
        lengths = [len(ids) for _, ids in examples]
        batch = {
            "input_ids": _stack([seen for seen, _ in pairs], self.masking.pad_id),
            "labels": _stack([labels for _, labels in pairs], IGNORED),
        }
        if min(lengths) < max(lengths):
            ones = [np.ones(length, dtype=np.int64) for length in lengths]
            batch["attention_mask"] = _stack(ones, 0)
        return batch


def unigram(blocks: Sequence[tuple[int, Tokens]], masking: Masking) -> Float[np.ndarray, " v"]:
    """Estimate how frequent each token is, adding one; the model's own special ones stay at one."""
    counts: Float[np.ndarray, " v"] = np.ones(len(masking.maskable))
    for _, ids in blocks:
        counts += np.bincount(ids[masking.maskable[ids]], minlength=len(counts))
    frequencies: Float[np.ndarray, " v"] = counts / counts.sum()
    return frequencies


def unigram_loss(
    train_blocks: Sequence[tuple[int, Tokens]],
    valid_blocks: Sequence[tuple[int, Tokens]],
    masking: Masking,
) -> float:
    """Score the held-out hidden tokens by their frequency in training (add one), in nats.

    What a model reaches that ignores the context; same masks as the held-out loss.
    """
    frequencies = unigram(train_blocks, masking)
    hidden = [masking.apply(ids, epoch=0, example=i)[1] for i, ids in valid_blocks]
    labels = np.concatenate(hidden)
    return float(-np.log(frequencies[labels[labels != IGNORED]]).mean())


def _stack(rows: list[Tokens], filler: int) -> Int[Tensor, "b t"]:
    longest = max(map(len, rows))
    padded = [np.pad(row, (0, longest - len(row)), constant_values=filler) for row in rows]
    return torch.from_numpy(np.stack(padded))
