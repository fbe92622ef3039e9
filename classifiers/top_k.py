"""Detector `top_k`: how badly a masked language model guesses what is hidden of a document.

LogFiT (Almodovar, Sabrina, Karimi and Azad, "LogFiT: Log Anomaly Detection Using Fine-Tuned
Language Models", IEEE TNSM 2024): tokens are hidden as in training; top-k accuracy is the share of
them that are among the model's k most likely ones; a document whose accuracy lies below a threshold
is an anomaly. The score is 1 - accuracy, so that a published threshold of 0.87 is 0.13 here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float

from classifiers.detection import Given, Reads, Scores
from classifiers.settings import check
from results.errors import InputError


@dataclass(frozen=True, kw_only=True)
class TopK:
    """Top-k accuracy of a masked language model that was adapted on normal documents.

    A `sentence_share` of 1 and a `token_share` of 0.15 is the score of plain masked language
    modelling.

    Attributes:
        ks: values of k to choose from.
        thresholds: accuracies to choose from, each above 0 and at most 1; "any" tries every
            midpoint between the scores of two validation documents (ours).
        sentence_share: share of a paragraph's lines of which something is hidden.
        token_share: share of such a line's tokens that is hidden.
        passes: how often a paragraph is masked anew; all hidden tokens count alike.
        block: tokens of a paragraph, special ones included, at most; `None` for the context.
        max_paragraphs: paragraphs of a document that are scored, at most, spread evenly from its
            first to its last; `None` for all.
        batch_tokens: tokens in one forward pass, at most; one paragraph always fits.
    """

    reads: ClassVar[Reads] = "model"

    ks: tuple[int, ...] = tuple(range(5, 16))
    thresholds: Literal["any"] | tuple[float, ...] = tuple(n / 100 for n in range(80, 100))
    sentence_share: float = 0.5
    token_share: float = 0.8
    passes: int = 1
    block: int | None = None
    max_paragraphs: int | None = None
    batch_tokens: int = 4096

    def __post_init__(self) -> None:
        """Refuse what cannot be scored with."""
        given = [name for name in ("block", "max_paragraphs") if getattr(self, name) is not None]
        check("top_k", self, counts=["passes", "batch_tokens", *given], positive=())
        if not self.ks or min(self.ks) < 1:
            raise InputError(f"top_k: ks must be one or more numbers from 1 on, not {self.ks}")
        accuracies = (1.0,) if self.thresholds == "any" else self.thresholds
        for name, values in (
            ("thresholds", accuracies),
            ("sentence_share", [self.sentence_share]),
            ("token_share", [self.token_share]),
        ):
            if not values or min(values) <= 0.0 or max(values) > 1.0:
                raise InputError(f"top_k: {name} must lie above 0 and be at most 1")

    def fit(self, documents: Sequence[Sequence[str]], given: Given) -> "FittedTopK":
        """Take the model; it has learnt what is normal in its adaptation."""
        assert given.model is not None, "top_k reads by a model"
        return FittedTopK(self, given)


@dataclass(frozen=True)
class FittedTopK:
    """A model, and how its guesses are counted."""

    settings: TopK
    given: Given

    def score(self, documents: Sequence[Sequence[str]]) -> Scores:
        """Score documents, given as parts; the figures say how much was read and guessed."""
        from classifiers.detection_guessing import guess

        settings = self.settings
        guesses = guess(settings, self.given, documents)
        ks = sorted(set(settings.ks))
        return Scores(
            values=one_less_accuracy(guesses.ranks, guesses.hidden, ks),
            ways=[{"k": k} for k in ks],
            thresholds=None
            if settings.thresholds == "any"
            else [1.0 - accuracy for accuracy in settings.thresholds],
            figures=guesses.figures,
        )


def one_less_accuracy(
    ranks: Float[np.ndarray, "n r"], hidden: Float[np.ndarray, " n"], ks: Sequence[int]
) -> Float[np.ndarray, "n k"]:
    """Turn counts into scores, 0 (all guessed) to 1; 0 too where nothing could be hidden.

    Args:
        ranks: how many hidden tokens of a document were the model's first guess, its second, ...
        hidden: how many there were.
        ks: from 1 to the number of columns of `ranks`.
    """
    hits = ranks.cumsum(axis=1)[:, [k - 1 for k in ks]]
    accuracy = np.ones(hits.shape)
    np.divide(hits, hidden[:, None], out=accuracy, where=hidden[:, None] > 0)
    return np.asarray(1.0 - accuracy)
