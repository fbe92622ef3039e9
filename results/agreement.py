"""Whether classifiers agree on which model is better: Kendall's tau of their rankings."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from results.entries import Entry

_FEWEST = 3


@dataclass(frozen=True)
class Agreement:
    """How alike two classifiers rank the models.

    Attributes:
        first: a classifier.
        second: another one.
        models: how many models have a score with both.
        tau: Kendall's tau-b of the two rankings by mean macro-F1, -1 to 1; `None` with `reason`.
        p: two-sided p of no association; exact where nothing ties.
        reason: why there is no tau.
    """

    first: str
    second: str
    models: int
    tau: float | None = None
    p: float | None = None
    reason: str = ""


def agreement(entries: Sequence[Entry]) -> list[Agreement]:
    """Set every two classifiers of the matrix side by side, in the order of the suite."""
    scores: dict[str, dict[str, float]] = {}
    for entry in entries:
        of_classifier = scores.setdefault(entry.classifier, {})
        if entry.macro_f1 is not None and not entry.differs:
            of_classifier[entry.model] = entry.macro_f1.mean
    return [
        _agreement(first, second, scores[first], scores[second])
        for first, second in combinations(scores, 2)
    ]


def _agreement(
    first: str, second: str, ours: dict[str, float], theirs: dict[str, float]
) -> Agreement:
    from scipy.stats import kendalltau

    models = [model for model in ours if model in theirs]
    if len(models) < _FEWEST:
        reason = f"only {len(models)} of at least {_FEWEST} models in common"
        return Agreement(first, second, len(models), reason=reason)
    pairs = [ours[model] for model in models], [theirs[model] for model in models]
    tied = [name for name, one in zip((first, second), pairs, strict=True) if len({*one}) == 1]
    if tied:
        return Agreement(first, second, len(models), reason=f"all models tie with {tied[0]}")
    found = kendalltau(*pairs, variant="b")
    return Agreement(first, second, len(models), float(found.statistic), float(found.pvalue))
