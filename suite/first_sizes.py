"""What two cores can do in some minutes: how much of a corpus, which context, how many epochs."""

from dataclasses import asdict
from math import ceil
from typing import Final

from suite.estimate_networks import flops_of
from suite.rates import REFERENCE

FIRST_CHARS: Final = 60_000_000
"""Characters of a first look: TF-IDF of n-grams of characters reads them in some minutes."""

LEAST_SAMPLED: Final = 40
"""Documents of a class that a sample leaves, about."""

MINILM_CHARS: Final = 6_000_000
"""Characters that MiniLM embeds in about five minutes on two cores, each of them once (9,300
tokens/s in bf16 on a busy machine, 2.2 characters a token)."""

CNN_S: Final = 240.0
_CONTEXTS = (500, 1000, 2000, 4000, 8000, 16_000)
_EPOCHS = (60, 40, 20, 10)
_TRAIN_SHARE = 0.7
_PASSES = 3  # of a training step, in forward passes
_WORTH_IT = 0.8


def sample_share(chars: float, smallest: int) -> float:
    """Share of a corpus for a first look; 1 where a sample would save little or cost a class.

    Args:
        chars: of the whole corpus.
        smallest: documents of the smallest class that is kept.
    """
    share = max(FIRST_CHARS / max(1.0, chars), LEAST_SAMPLED / smallest)
    return round(max(share, 0.001), 3) if share < _WORTH_IT else 1.0


def cnn_size(documents: float, p95: int) -> tuple[int, int] | None:
    """Choose context and epochs of a CNN that trains in `CNN_S` on two cores, as the plan reckons.

    Args:
        documents: of the corpus.
        p95: characters that 95 % of them have at most.

    Returns:
        The longest affordable context up to that, with the most epochs; None if there is none.
    """
    wanted = next((context for context in _CONTEXTS if context >= p95), _CONTEXTS[-1])
    sizes = ((c, e) for c in _CONTEXTS[::-1] if c <= wanted for e in _EPOCHS)
    return next(((c, e) for c, e in sizes if _cnn_s(documents, c, e) <= CNN_S), None)


def minilm_duration(chars: float) -> str:
    """Say how long MiniLM reads, each character once."""
    minutes = ceil(chars / MINILM_CHARS) * 5
    return f"about {minutes} minutes" if minutes < 120 else f"about {round(minutes / 60)} hours"


def _cnn_s(documents: float, context: int, epochs: int) -> float:
    from classifiers.residual_cnn import ResidualCnn

    network = ResidualCnn(context=context)
    learnt = _TRAIN_SHARE * (2 - network.validation_share)  # it is trained again on all of it
    flops = flops_of(asdict(network), context, looks_up=True) * _PASSES
    return flops * learnt * documents * epochs / REFERENCE
