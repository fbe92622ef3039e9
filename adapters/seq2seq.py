"""Objective `seq2seq`: what a suite may say of the shifted sequence-to-sequence adaptation."""

from dataclasses import dataclass
from typing import ClassVar

from adapters.objective import LoraObjective


@dataclass(frozen=True, kw_only=True)
class Seq2Seq(LoraObjective):
    """Say the encoder's tokens again, shifted; rank, alpha, epochs and batch are the paper's.

    Attributes:
        shift: the target is the stream of tokens so many further (k), across the blocks' edges.
    """

    name: ClassVar[str] = "seq2seq"
    head: ClassVar[str] = "seq2seq"
    work: ClassVar[str] = "adapters.seq2seq_training:adapt_seq2seq"

    batch_size: int = 12
    learning_rate: float = 1e-3
    shift: int = 1
