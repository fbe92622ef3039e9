"""Test documents and what cells say of them, invented."""

import numpy as np

from results.measures import rank
from results.outcomes import Documents, Outcomes

NAMES = ("a", "b", "c", "d", "e")


def documents(
    n: int = 300, *, k: int = 3, seed: int = 99, first: int = 0, groups: int | None = None
) -> Documents:
    """`n` documents of `k` classes, `d00000` and on; every `groups`-th is of one group.

    A document has the same class whatever is drawn beside it.
    """
    label = np.random.default_rng(seed).integers(0, k, first + n).astype(np.int16)[first:]
    names = None if groups is None else tuple(f"run-{i % groups:03d}" for i in range(n))
    return Documents.of(tuple(f"d{first + i:05d}" for i in range(n)), NAMES[:k], label, names)


def outcomes(on: Documents, *, seed: int, skill: float = 0.7, ranked: bool = False) -> Outcomes:
    """A cell that is right with chance `skill`, or by luck; scores that mostly agree with it."""
    rng, k = np.random.default_rng(seed), on.num_classes
    guess = rng.integers(0, k, len(on.label))
    predicted = np.where(rng.random(len(on.label)) < skill, on.label, guess).astype(np.int16)
    if not ranked:
        return Outcomes(on, predicted)
    scores = np.round(rng.random((k, len(on.label))), 2)
    scores[predicted, np.arange(len(on.label))] += 0.4
    return Outcomes(on, predicted, rank(list(scores), on.label), "")
