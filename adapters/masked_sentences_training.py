"""LogFiT's training: a masked language model learns what lines normally stand together.

Almodovar, Sabrina, Karimi and Azad, "LogFiT: Log Anomaly Detection Using Fine-Tuned Language
Models", IEEE TNSM 2024: of a paragraph's lines up to half are picked and most of their tokens are
hidden, so that a line must be guessed from its neighbours. Which documents are normal is the
caller's to say; what is read here is learnt.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import Bool
from pydantic import JsonValue

from adapters import blocks, masked_start
from adapters.blocks import Tokens
from adapters.gradual import learn_gradually
from adapters.masked_batches import figures
from adapters.masked_sentences import MaskedSentences
from adapters.mlm_model import MaskedModel
from adapters.objective import Request
from adapters.paragraphs import Paragraph, paragraphs
from adapters.sentence_masking import SentenceMasking

TOP = (1, 5, 15)
"""Among how many of its best guesses the held-out tokens are looked for (LogFiT: 5 to 15)."""


@dataclass(frozen=True)
class SeededSentences:
    """The masking of a training; see `adapters.masked_batches.Hiding`."""

    masking: SentenceMasking
    seed: int

    @property
    def maskable(self) -> Bool[np.ndarray, " v"]:
        """Say by token id what may be hidden."""
        return self.masking.maskable

    @property
    def pad_id(self) -> int:
        """Token to pad with."""
        return self.masking.pad_id

    def tokens(self, block: Paragraph) -> Tokens:
        """Give a paragraph's tokens."""
        return block.ids

    def apply(self, block: Paragraph, *, epoch: int, example: int) -> tuple[Tokens, Tokens]:
        """Hide tokens of one paragraph."""
        return self.masking.apply(block, np.random.default_rng([self.seed, epoch, example]))


def adapt_sentences(settings: MaskedSentences, request: Request) -> dict[str, JsonValue]:
    """Train on the paragraphs of the documents, stage by stage; see `Objective.adapt`.

    `out` gets the whole masked language model, as a checkpoint of its own.
    """
    base = masked_start.start(settings, request)
    masking = SentenceMasking.of(
        base.tokenizer,
        base.own,
        sentence_share=settings.sentence_share,
        token_share=settings.token_share,
    )
    hiding = SeededSentences(masking, settings.seed)
    documents = [paragraphs(parts, base.framed, size=base.block) for parts in request.texts]
    sides = blocks.divide(documents, settings, lambda some: list(chain.from_iterable(some)))
    if settings.unigram_start:
        masked_start.settle_head(base, sides, hiding)
    module = MaskedModel(base.model, top=TOP)
    result, plan = learn_gradually(module, sides, hiding, settings, request)
    masked_start.save(settings, request, base)
    return {
        **blocks.card(settings, request, sides, result),
        **figures(sides, hiding),
        **masked_start.told(base),
        "stages": [{"groups": stage.groups, "epochs": stage.epochs} for stage in plan],
    }
