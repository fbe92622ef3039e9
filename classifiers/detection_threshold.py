"""The one way in which a detector's threshold is chosen: by F1 of the anomalies on validation.

F1 depends on how frequent anomalies are, and they are too frequent among validation documents where
only some of the normal ones are held out: these then count for all of them (ours).

Where a detector scores in several ways (LogFiT's k), the way is chosen together with the threshold.
Among equal F1 the first way is taken (the smallest k where they are sorted), and of its thresholds
the greatest, which raises the fewest alarms.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
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
        f1: of the anomalies, as are precision and recall, normal documents weighted.
        f1_of_alarm: F1 of calling every validation document an anomaly, for comparison.
        normal_weight: how many normal documents each one of validation stands for.
        reason: why the choice is worth nothing; `None` where it is worth something.
    """

    way: int
    threshold: float
    f1: float
    precision: float
    recall: float
    f1_of_alarm: float
    normal_weight: float = 1.0
    reason: str | None = None

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
    """Documents above each of some thresholds, how many of those are anomalies, and of how many."""

    thresholds: Float[np.ndarray, " t"]
    alarms: Int[np.ndarray, " t"]
    found: Int[np.ndarray, " t"]
    total: int


def choose(
    scores: Scores,
    labels: Sequence[str] | Shaped[np.ndarray, " n"],
    *,
    normals: int | None = None,
) -> Choice:
    """Choose way and threshold.

    Args:
        scores: of the validation documents.
        labels: `anomaly` or `normal` for each; at least one of either kind.
        normals: how many normal documents those of validation stand for; themselves by default.
    """
    anomalous = np.asarray(labels, dtype=str) == "anomaly"
    assert np.isfinite(scores.values).all(), "a score is a number"
    held = len(anomalous) - int(anomalous.sum())
    assert 0 < held < len(anomalous), "a threshold is chosen on anomalies and normal documents"
    stand_for = held if normals is None else normals
    best = max(
        (
            _best(_count(column, anomalous, scores.thresholds), way, held, stand_for)
            for way, column in enumerate(scores.values.T)
        ),
        key=lambda choice: choice.f1,
    )  # the first of equal ones
    return replace(best, reason=_reason(best, scores))


def _best(counts: _Counts, way: int, held: int, stand_for: int) -> Choice:
    """Choose the threshold of one way; `held` normal documents stand for `stand_for`."""
    found, wrong = counts.found, counts.alarms - counts.found
    f1 = 2 * held * found / (held * (counts.total + found) + stand_for * wrong)
    at = int(np.flatnonzero(f1 == f1.max())[-1])
    return Choice(
        way=way,
        threshold=float(counts.thresholds[at]),
        f1=float(f1[at]),
        precision=float(held * found[at] / max(1, held * found[at] + stand_for * wrong[at])),
        recall=float(found[at] / counts.total),
        f1_of_alarm=2 * counts.total / (2 * counts.total + stand_for),
        normal_weight=stand_for / held,
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
        len(own),
    )


def _between(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " t"]:
    """Halve the gaps between the scores; the only score where there is no gap."""
    known = np.unique(values)
    if len(known) == 1:
        return known
    low, high = known[:-1], known[1:]
    middle = low / 2 + high / 2
    return np.where((low <= middle) & (middle < high), middle, low)


def _reason(best: Choice, scores: Scores) -> str | None:
    if (scores.values == scores.values[0]).all():
        return "all validation documents have the same score"
    if best.f1 == 0.0:
        return "no threshold finds an anomaly among the validation documents"
    if best.f1 <= best.f1_of_alarm:
        return "no threshold does better than calling every validation document an anomaly"
    return None
