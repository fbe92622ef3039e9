"""How well anomalies are found: F1, precision, recall, specificity and PR-AUC, with intervals.

All of them are about the one class "anomaly", unlike the macro scores of `results.metrics`; PR-AUC
is the average precision over the ranking by score, as scikit-learn defines it. Written out rather
than called, since every bootstrap draw needs them; the tests hold them against scikit-learn. What
is undefined stays so, with the reason: a detector that never calls has no precision, not zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from results.hashing import canonical_json
from results.records import Record
from results.statistics import (
    DRAWS,
    Measure,
    generator,
    percentile_interval,
)

if TYPE_CHECKING:
    from results.run import Run

ANOMALY, NORMAL = "anomaly", "normal"
CLASSES = frozenset({ANOMALY, NORMAL})
MEASURES = ("f1", "precision", "recall", "specificity", "pr_auc")

_WEIGHTS = 1 << 22  # numbers that a batch of draws may hold
_REASONS = {
    "f1": "no test document is an anomaly, and none was called one",
    "precision": "no test document was called an anomaly",
    "recall": "no test document is an anomaly",
    "specificity": "no test document is normal",
    "pr_auc": "no test document is an anomaly",
}


@dataclass(frozen=True)
class Calls:
    """What was said of the test documents.

    Attributes:
        is_anomaly: the truth.
        called: whether a document was called an anomaly.
        scores: greater is more anomalous; `None` where there are none.
        groups: index of each document's group, `None` where the split is not grouped.
        unranked: why there are no scores, where there are none.
    """

    is_anomaly: Bool[np.ndarray, " n"]
    called: Bool[np.ndarray, " n"]
    scores: Float[np.ndarray, " n"] | None
    groups: Int[np.ndarray, " n"] | None = None
    unranked: str = "predictions without scores"


def detects(record: Record) -> bool:
    """Whether a record tells anomalies from normal documents and nothing else."""
    return record.cell is not None and frozenset(record.cell.classes) == CLASSES


def read_calls(run: "Run", record: Record) -> Calls:
    """Read a cell's predictions in the order of their ids."""
    frame = run.predictions(record).sort_values("id", kind="stable")
    column = f"score:{ANOMALY}"
    scores = frame[column].to_numpy(dtype=float) if column in frame else None
    finite = scores is not None and bool(np.isfinite(scores).all())
    groups = run.groups(record)
    return Calls(
        is_anomaly=(frame["label"] == ANOMALY).to_numpy(dtype=bool),
        called=(frame["predicted"] == ANOMALY).to_numpy(dtype=bool),
        scores=scores if finite else None,
        unranked="predictions without scores" if scores is None else "scores are not finite",
        groups=None
        if groups is None
        else np.unique(groups.loc[frame["id"]].astype(str), return_inverse=True)[1],
    )


def measured(run: "Run", record: Record) -> dict[str, Measure]:
    """Measure a cell; the random draws follow from its name, or its setting within a study."""
    name = record.name
    if (point := record.study) is not None:
        name = f"{point.row} {canonical_json(point.vary)} {record.seed}"
    return measure(read_calls(run, record), generator(f"{name}, detection"))


def measure(calls: Calls, rng: np.random.Generator, *, draws: int = DRAWS) -> dict[str, Measure]:
    """Return each of `MEASURES` with its 95 % bootstrap interval.

    Documents are drawn within each of the two classes, or whole groups where there are groups
    (see `results.statistics`); all measures see the same draws. A draw in which a measure is
    undefined has no part in its interval.

    Args:
        calls: what was said of the documents.
        rng: source of randomness.
        draws: number of bootstrap samples.
    """
    kinds = _kinds(calls)
    observed = _measures(kinds.counts[None], kinds)
    drawn = [_measures(weights, kinds) for weights in _drawn(kinds, rng, draws)]
    without = {"pr_auc": calls.unranked} if calls.scores is None else {}
    found = {}
    for name in MEASURES:
        value = float(observed[name][0])
        samples = np.concatenate([one[name] for one in drawn])
        if np.isnan(value):
            found[name] = Measure(reason=without.get(name, _REASONS[name]))
        else:
            known = samples[~np.isnan(samples)]
            found[name] = Measure(value, percentile_interval(known) if known.size else None)
    return found


@dataclass(frozen=True)
class _Kinds:
    """Documents of which the same is known, the most anomalous first.

    Attributes:
        counts: documents of each kind.
        ends: the last kind of each rank; `None` without scores.
    """

    is_anomaly: Bool[np.ndarray, " k"]
    called: Bool[np.ndarray, " k"]
    groups: Int[np.ndarray, " k"] | None
    counts: Int[np.ndarray, " k"]
    ends: Int[np.ndarray, " s"] | None


def _kinds(calls: Calls) -> _Kinds:
    nothing = np.zeros(len(calls.called), dtype=int)
    ranks = nothing if calls.scores is None else _ranks(calls.scores, calls.is_anomaly)
    groups = nothing if calls.groups is None else calls.groups
    rows, counts = np.unique(
        np.stack([ranks, calls.is_anomaly, calls.called, groups], axis=1),
        axis=0,
        return_counts=True,
    )
    ends = np.flatnonzero(np.append(rows[1:, 0] != rows[:-1, 0], True))
    return _Kinds(
        is_anomaly=rows[:, 1] > 0,
        called=rows[:, 2] > 0,
        groups=None if calls.groups is None else rows[:, 3],
        counts=counts,
        ends=None if calls.scores is None else ends,
    )


def _ranks(
    scores: Float[np.ndarray, " n"], is_anomaly: Bool[np.ndarray, " n"]
) -> Int[np.ndarray, " n"]:
    """Rank documents by the anomalies' scores alone, 0 for the highest.

    Average precision asks for nothing finer: how the normal documents between two anomalies are
    ranked among themselves is no matter. Where anomalies are rare this leaves few kinds to draw.
    """
    levels = np.unique(scores[is_anomaly])
    return np.asarray(len(levels) - np.searchsorted(levels, scores, side="right"))


def _drawn(
    kinds: _Kinds, rng: np.random.Generator, draws: int
) -> Iterator[Float[np.ndarray, "b k"]]:
    """Draw how many documents of each kind there are in each bootstrap sample, in batches."""
    batch = max(1, _WEIGHTS // len(kinds.counts))
    for start in range(0, draws, batch):
        some = min(batch, draws - start)
        if kinds.groups is None:
            yield _resample(kinds.counts, kinds.is_anomaly, rng, some)
        else:  # groups are drawn as documents of one class would be
            each = np.ones(int(kinds.groups.max()) + 1, dtype=int)
            times = _resample(each, np.zeros_like(each), rng, some)
            yield times[:, kinds.groups] * kinds.counts


def _resample(
    counts: Int[np.ndarray, " t"],
    strata: Int[np.ndarray, " t"],
    rng: np.random.Generator,
    draws: int,
) -> Float[np.ndarray, "draws t"]:
    """Draw documents with replacement within each stratum; only their kinds are told apart.

    Drawing n documents of which `counts` are of each kind is one multinomial draw, so a thousand
    bootstrap samples cost no more than their counts.

    Args:
        counts: documents of each kind.
        strata: the stratum (true class) to which each kind belongs.
        rng: source of randomness.
        draws: number of bootstrap samples.

    Returns:
        The counts of each kind in each sample; every stratum keeps its size.
    """
    drawn = np.zeros((draws, len(counts)))
    for stratum in np.unique(strata):
        here = np.flatnonzero(strata == stratum)
        total = int(counts[here].sum())
        if total:
            drawn[:, here] = rng.multinomial(total, counts[here] / total, size=draws)
    return drawn


def _measures(
    weights: Float[np.ndarray, "b k"], kinds: _Kinds
) -> dict[str, Float[np.ndarray, " b"]]:
    """Compute each measure of samples with so many documents of each kind; NaN where undefined."""
    anomalies, normals = weights @ kinds.is_anomaly, weights @ ~kinds.is_anomaly
    right = weights @ (kinds.is_anomaly & kinds.called)
    wrong = weights @ (~kinds.is_anomaly & kinds.called)
    return {
        "f1": _ratio(2 * right, right + wrong + anomalies),
        "precision": _ratio(right, right + wrong),
        "recall": _ratio(right, anomalies),
        "specificity": _ratio(normals - wrong, normals),
        "pr_auc": np.full(len(weights), np.nan)
        if kinds.ends is None
        else _average_precision(weights, kinds.is_anomaly, kinds.ends),
    }


def _average_precision(
    weights: Float[np.ndarray, "b k"],
    is_anomaly: Bool[np.ndarray, " k"],
    ends: Int[np.ndarray, " s"],
) -> Float[np.ndarray, " b"]:
    """Sum the precision at every rank, weighted by what it adds to the recall."""
    right = np.cumsum(weights * is_anomaly, axis=1)[:, ends]
    called = np.cumsum(weights, axis=1)[:, ends]
    gained = np.diff(right, axis=1, prepend=0)
    precision = np.divide(right, called, out=np.zeros(right.shape), where=called > 0)
    return _ratio((gained * precision).sum(axis=1), right[:, -1])


def _ratio(
    part: Float[np.ndarray, " b"], whole: Float[np.ndarray, " b"]
) -> Float[np.ndarray, " b"]:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))


def precision_recall(calls: Calls) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
    """Return recall and precision where the threshold is each anomaly's score, highest first.

    Needs scores and an anomaly.
    """
    kinds = _kinds(calls)
    assert kinds.ends is not None and calls.is_anomaly.any(), "nothing to draw"
    right = np.cumsum(kinds.counts * kinds.is_anomaly)[kinds.ends]
    return right / right[-1], right / np.cumsum(kinds.counts)[kinds.ends]
