"""Which tokens of a block are hidden: some of all of them (masked language modelling)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from adapters.blocks import IGNORED, Tokens
from adapters.encoder import pad_id
from adapters.masked_batches import maskable_in
from adapters.mlm import Mlm


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
        return cls(
            maskable=maskable_in(tokenizer, own),
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

    def tokens(self, block: Tokens) -> Tokens:
        """Give a block's tokens: themselves."""
        return block
