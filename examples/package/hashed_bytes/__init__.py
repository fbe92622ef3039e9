"""An adapter with an encoder of its own: no checkpoint, a fixed random state for every three bytes.

It knows no transformers: what an encoder needs stands here in full.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from results.errors import InputError

_BUCKETS = 4096


@dataclass(frozen=True)
class Encoder:
    """States of byte trigrams, drawn once from a seed."""

    table: torch.Tensor
    context: int = 256
    num_special: int = 0
    pad_id: int = 0
    pooling: str = "mean"

    @property
    def dimension(self) -> int:
        """Width of a state."""
        return self.table.shape[1]

    def tokenize(self, texts):
        """One token per byte: its bucket together with the two bytes before it."""
        return [_trigrams(text.encode()) for text in texts]

    def wrap(self, window):
        """No special tokens."""
        return list(window)

    def states(self, ids, mask):
        """Look the states up; what is padding is not asked for."""
        return self.table[ids.to(self.table.device)]

    def audit(self) -> dict[str, Any]:
        """Say what the weights occupy; they are random, so every number is marked."""
        return {"parameters": self.table.numel(), "random_weights": True}


@dataclass(frozen=True, kw_only=True)
class HashedBytes:
    """Random states of byte trigrams: what an embedding without any training is worth."""

    fitted: ClassVar[bool] = False

    dimension: int = 256
    seed: int = 0
    context: int | None = 256

    def identity(self, *, hasher=None):
        """The settings are all there is; they stand in the key anyway."""
        return {"weights": "drawn from the seed"}

    def folder(self) -> Path:
        """There is no checkpoint that could be adapted."""
        raise InputError("adapter 'hashed-bytes' has no checkpoint to adapt: leave `adapt` out")

    def load(self, *, device, dtype, checkpoint=None, attention="sdpa"):
        """Draw the table."""
        generator = torch.Generator().manual_seed(self.seed)
        table = torch.randn(_BUCKETS, self.dimension, generator=generator)
        return Encoder(table=table.to(device), context=self.context or 256)


def _trigrams(data: bytes) -> list[int]:
    padded = b"\0\0" + data
    return [hash_of(padded[i : i + 3]) for i in range(len(data))]


def hash_of(three: bytes) -> int:
    """A bucket that is the same in every process, unlike Python's `hash`."""
    return (three[0] * 65_599 + three[1] * 257 + three[2]) % _BUCKETS
