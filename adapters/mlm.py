"""Objective `mlm`: what a suite may say of masked language modelling.

Light, so that a plan can check the settings; `adapters.mlm_training` does the work.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from results.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Mlm:
    """Masked language modelling; the paper's values where it gives them.

    Attributes:
        epochs: passes over the train blocks.
        batch_size: blocks per step.
        learning_rate: peak step size of AdamW, falling linearly to 0.
        mask_share: share of the maskable tokens to guess: 80 % of them hidden, 10 % replaced by a
            random token, 10 % left as they are.
        block: tokens of a block, special ones included; capped at what the model takes.
        max_blocks: train on a seeded sample of at most so many blocks; None takes all.
        validation_share: share of the documents that is held out.
        head_only: train the prediction head alone, as a control; the encoder stays as it was.
        unigram_start: give a fresh head the log frequencies of the train tokens as its bias, so
            that no step is spent on learning them (ours; a head that was loaded is left alone).
        seed: decides the held-out documents, masks, new embedding rows and a fresh head.
    """

    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 5e-5
    mask_share: float = 0.3
    block: int = 512
    max_blocks: int | None = None
    validation_share: float = 0.1
    head_only: bool = False
    unigram_start: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: a share outside (0, 1), or a count below 1.
        """
        for name in ("mask_share", "validation_share"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise InputError(f"adapt: {name} must lie between 0 and 1")
        for name in ("epochs", "batch_size", "block", "max_blocks"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise InputError(f"adapt: {name} must be at least 1")

    def adapt(
        self,
        source: Path,
        texts: Iterable[Sequence[str]],
        *,
        special_tokens: Sequence[str],
        out: Path,
        scratch: Path,
        precision: Literal["fp32", "bf16"],
        progress: Callable[[float], None],
    ) -> dict[str, JsonValue]:
        """Adapt the checkpoint in `source`; see `adapters.mlm_training.adapt_mlm`."""
        from adapters.mlm_training import adapt_mlm

        return adapt_mlm(
            source,
            texts,
            special_tokens=special_tokens,
            settings=self,
            out=out,
            scratch=scratch,
            precision=precision,
            progress=progress,
        )
