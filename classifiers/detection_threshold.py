"""The one way in which a detector's threshold is chosen: by F1 of the anomalies on validation.

Where a detector scores in several ways (LogFiT's k), the way is chosen together with the threshold.
Among equal F1 the first way is taken (the smallest k where they are sorted), and of its thresholds
the greatest, which raises the fewest alarms.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from pydantic import JsonValue

from classifiers.detection import CLASSES, Scorer, Scores
from classifiers.fitting import Predictions


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen on validation documents, and how well it does there.

    Attributes:
        way: column of the scores.
        threshold: documents that score above it are anomalies.
        f1: of the anomalies, as are precision and recall.
        f1_of_alarm: F1 of calling every validation document an anomaly, for comparison.
        reason: why the choice is worth nothing; `None` where it is worth something.
    """

    way: int
    threshold: float
    f1: float
    precision: float
    recall: float
    f1_of_alarm: float
    reason: str | None

    def apply(self, scores: Scores) -> Predictions:
        """Tell anomalies from normal documents.

        Returns:
            Scores are how far a document lies above the threshold, and below it.
        """
        above = scores.values[:, self.way] - self.threshold
        labels = np.where(above > 0.0, *CLASSES)
        return Predictions(labels, np.stack([above, -above], axis=1), list(CLASSES))

    def params(self, scores: Scores) -> dict[str, JsonValue]:
        """Name what was chosen."""
        return {**scores.ways[self.way], "threshold": round(self.threshold, 12)}

    def card(self, scores: Scores) -> dict[str, JsonValue]:
        """Say what was chosen and how well it does on validation."""
        told = asdict(self)
        del told["way"], told["threshold"]
        return {**self.params(scores), **told}


@dataclass(frozen=True)
class Detection:
    """A detector with its threshold: documents in, predictions out."""

    scorer: Scorer
    choice: Choice

    def predict(self, documents: Any) -> Predictions:
        """Tell anomalies from normal documents; they come as the detector reads them."""
        return self.choice.apply(self.scorer.score(documents))


class _Counts(NamedTuple):
    """Documents above each of some thresholds, and how many of those are anomalies."""

    thresholds: Float[np.ndarray, " t"]
    alarms: Int[np.ndarray, " t"]
    found: Int[np.ndarray, " t"]


def choose(scores: Scores, labels: Sequence[str] | Shaped[np.ndarray, " n"]) -> Choice:
    """Choose way and threshold.

    Args:
        scores: of the validation documents.
        labels: `anomaly` or `normal` for each; at least one of either kind.
    """
    anomalous = np.asarray(labels, dtype=str) == "anomaly"
    total = int(anomalous.sum())
    assert 0 < total < len(anomalous), "a threshold is chosen on anomalies and normal documents"
    assert np.isfinite(scores.values).all(), "a score is a number"
    best: tuple[float, int, float, int, int] | None = None
    for way, column in enumerate(scores.values.T):
        counts = _count(column, anomalous, scores.thresholds)
        f1 = 2.0 * counts.found / (counts.alarms + total)
        at = int(np.flatnonzero(f1 == f1.max())[-1])
        if best is None or f1[at] > best[0]:
            best = (f1[at], way, counts.thresholds[at], counts.alarms[at], counts.found[at])
    assert best is not None, "at least one way to score"
    alarm = 2.0 * total / (len(anomalous) + total)
    return Choice(
        way=best[1],
        threshold=float(best[2]),
        f1=float(best[0]),
        precision=float(best[4] / best[3]) if best[3] else 0.0,
        recall=float(best[4] / total),
        f1_of_alarm=alarm,
        reason=_reason(float(best[0]), alarm, scores),
    )


def _count(
    values: Float[np.ndarray, " n"],
    anomalous: Bool[np.ndarray, " n"],
    allowed: Sequence[float] | None,
) -> _Counts:
    thresholds = _between(values) if allowed is None else np.sort(np.array(allowed, dtype=float))
    every, own = np.sort(values), np.sort(values[anomalous])
    return _Counts(
        thresholds,
        len(every) - np.searchsorted(every, thresholds, side="right"),
        len(own) - np.searchsorted(own, thresholds, side="right"),
    )


def _between(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " t"]:
    """Halve the gaps between the scores; the only score where there is no gap."""
    known = np.unique(values)
    if len(known) == 1:
        return known
    low, high = known[:-1], known[1:]
    middle = low / 2 + high / 2
    return np.where((low <= middle) & (middle < high), middle, low)


def _reason(f1: float, alarm: float, scores: Scores) -> str | None:
    if (scores.values == scores.values[0]).all():
        return "all validation documents have the same score"
    if f1 == 0.0:
        return "no threshold finds an anomaly among the validation documents"
    if f1 <= alarm:
        return "no threshold does better than calling every validation document an anomaly"
    return None
