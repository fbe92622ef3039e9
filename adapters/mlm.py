"""Objective `mlm`: what a suite may say of masked language modelling."""

from dataclasses import dataclass
from typing import ClassVar

from adapters.objective import Objective


@dataclass(frozen=True, kw_only=True)
class Mlm(Objective):
    """Masked language modelling of all weights; the paper's values where it gives them.

    Attributes:
        mask_share: share of the maskable tokens to guess: 80 % of them hidden, 10 % replaced by a
            random token, 10 % left as they are.
        head_only: train the prediction head alone, as a control; the encoder stays as it was.
        unigram_start: give a fresh head the log frequencies of the train tokens as its bias, so
            that no step is spent on learning them (ours; a head that was loaded is left alone).
    """

    name: ClassVar[str] = "mlm"
    head: ClassVar[str] = "mlm"
    work: ClassVar[str] = "adapters.mlm_training:adapt_mlm"

    batch_size: int = 64
    learning_rate: float = 5e-5
    mask_share: float = 0.3
    head_only: bool = False
    unigram_start: bool = True
