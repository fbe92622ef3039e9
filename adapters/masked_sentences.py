"""Objective `masked_sentences`: what a suite may say of LogFiT's training on normal logs."""

from dataclasses import dataclass
from typing import ClassVar

from adapters.objective import Objective
from results.errors import InputError


@dataclass(frozen=True, kw_only=True)
class MaskedSentences(Objective):
    """LogFiT's training; shares, betas, eps and decay are the paper's, the other values are ours.

    Attributes:
        epochs: passes with all weights, after those with some of them.
        stage_epochs: passes with each smaller set of the top groups, the head alone first; 0 trains
            everything from the start.
        layer_groups: groups that the layers are cut into, between the head and the embeddings.
        rate_factor: each group learns so many times slower than the one above it (2.6 in Howard and
            Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018).
        sentence_share: of a paragraph's lines that are masked, rounded down, at least one.
        token_share: of a masked line's tokens that are hidden.
        warmup_share: of each stage's steps over which the rate rises to `learning_rate`.
        betas: of Adam.
        eps: of Adam.
        weight_decay: decoupled from the gradient.
        unigram_start: as in `mlm`.
    """

    name: ClassVar[str] = "masked_sentences"
    head: ClassVar[str] = "mlm"
    work: ClassVar[str] = "adapters.masked_sentences_training:adapt_sentences"

    epochs: int = 3
    stage_epochs: int = 1
    layer_groups: int = 3
    batch_size: int = 32
    learning_rate: float = 5e-4
    rate_factor: float = 2.6
    sentence_share: float = 0.5
    token_share: float = 0.8
    warmup_share: float = 0.25
    betas: tuple[float, float] = (0.9, 0.99)
    eps: float = 1e-5
    weight_decay: float = 0.01
    unigram_start: bool = True

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: what `Objective` refuses, a share outside (0, 1], no epochs of a stage, or a
                rate that would be greater below.
        """
        super().__post_init__()
        for name in ("sentence_share", "token_share"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise InputError(f"adapt: {name} must be above 0 and at most 1")
        if not 0.0 <= self.warmup_share < 1.0:
            raise InputError("adapt: warmup_share must be at least 0 and below 1")
        if self.stage_epochs < 0:
            raise InputError("adapt: stage_epochs must be at least 0")
        if self.rate_factor < 1.0:
            raise InputError("adapt: rate_factor must be at least 1: lower layers learn slower")
