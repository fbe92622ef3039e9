"""Objective `causal`: what a suite may say of causal language modelling."""

from dataclasses import dataclass
from typing import ClassVar

from adapters.objective import LoraObjective


@dataclass(frozen=True, kw_only=True)
class Causal(LoraObjective):
    """Guess the next token, with LoRA; over 4-bit weights where the adapter holds them so.

    No value is the seed paper's, which adapts no decoder; the learning rate is QLoRA's for 7B.
    """

    name: ClassVar[str] = "causal"
    head: ClassVar[str] = "causal"
    work: ClassVar[str] = "adapters.causal_training:adapt_causal"

    epochs: int = 1
    batch_size: int = 16
    learning_rate: float = 2e-4
    gradient_checkpointing: bool = True
