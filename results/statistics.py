"""How sure we are: intervals over documents, spread over seeds, comparison with a baseline.

In go true and predicted classes, out come intervals and p-values. Two sources of doubt are kept
apart: *sampling* (other test documents could have been drawn; bootstrap intervals) and *seeds*
(another split or initialisation; mean and spread). Where documents come in groups, whole groups
are drawn, since the documents of one group resemble each other.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

DRAWS = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A two-sided interval, 95 % unless said otherwise."""

    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """Values over seeds: mean, sample standard deviation (`None` for one value), how many."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Paired:
    """One cell against the baseline on the same documents.

    Attributes:
        only_baseline: documents that the baseline alone got right.
        only_cell: documents that the cell alone got right.
        p: exact two-sided McNemar p of these two counts, before any correction.
        gain: macro-F1 of the cell minus that of the baseline.
        gain_interval: paired bootstrap interval of `gain`.
    """

    only_baseline: int
    only_cell: int
    p: float
    gain: float
    gain_interval: Interval


def generator(name: str) -> np.random.Generator:
    """Make the random generator that belongs to a record's name, the same on every machine."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()))


def resample_documents(
    counts: Int[np.ndarray, "t"],
    strata: Int[np.ndarray, "t"],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
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


def resample_groups(
    counts: Int[np.ndarray, "g t"], rng: np.random.Generator, *, draws: int = DRAWS
) -> Float[np.ndarray, "draws t"]:
    """Draw whole groups with replacement (cluster bootstrap).

    Args:
        counts: documents of each kind in each group.
        rng: source of randomness.
        draws: number of bootstrap samples.

    Returns:
        The counts of each kind in each sample; sizes vary, since groups differ.
    """
    groups = len(counts)
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=draws)
    return np.asarray(weights.astype(float) @ counts.astype(float))


def accuracy(confusions: Float[np.ndarray, "b k k"]) -> Float[np.ndarray, "b"]:
    """Return the share on the diagonal of each confusion matrix (rows true, columns predicted)."""
    right = np.trace(confusions, axis1=1, axis2=2)
    return np.asarray(right / confusions.sum(axis=(1, 2)))


def macro_f1(
    confusions: Float[np.ndarray, "b k k"], *, untested: int = 0
) -> Float[np.ndarray, "b"]:
    """Return the unweighted mean of the classes' F1 of each confusion matrix.

    F1 is 2 TP / (2 TP + FP + FN). A class that a draw happens to miss is left out of that draw's
    mean; one without any test document counts as zero in all of them, as in `results.metrics`.

    Args:
        confusions: rows true, columns predicted.
        untested: how many classes have no test document at all.
    """
    right = np.diagonal(confusions, axis1=1, axis2=2)
    support = confusions.sum(axis=2)
    either = confusions.sum(axis=1) + support
    f1 = np.divide(2 * right, either, out=np.zeros(right.shape), where=either > 0)
    return np.asarray(f1.sum(axis=1) / ((support > 0).sum(axis=1) + untested))


def percentile_interval(values: Float[np.ndarray, "b"], *, level: float = LEVEL) -> Interval:
    """Cut equal tails off a bootstrap distribution (Efron & Tibshirani 1993, section 13.3)."""
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))


def spread(values: Sequence[float]) -> Spread:
    """Summarise one value per seed."""
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Spread(mean=float(np.mean(values)), sd=sd, n=len(values))


@dataclass(frozen=True)
class Outcomes:
    """What one cell said about its test documents, as indices into the classes.

    Attributes:
        label: true class of each document.
        predicted: predicted class of each document.
        groups: index of each document's group, `None` where the split is not grouped.
        num_classes: k, the classes without a test document included.
    """

    label: Int[np.ndarray, "n"]
    predicted: Int[np.ndarray, "n"]
    groups: Int[np.ndarray, "n"] | None
    num_classes: int

    @property
    def untested(self) -> int:
        """How many classes have no test document."""
        return self.num_classes - len(np.unique(self.label))


def score_intervals(
    outcomes: Outcomes, rng: np.random.Generator, *, draws: int = DRAWS
) -> tuple[Interval, Interval]:
    """Return the bootstrap intervals of accuracy and of macro-F1, from the same draws."""
    k = outcomes.num_classes
    kinds = outcomes.label * k + outcomes.predicted
    strata = np.arange(k * k) // k
    drawn = _resampled(kinds, strata, outcomes.groups, rng, draws).reshape(draws, k, k)
    scores = macro_f1(drawn, untested=outcomes.untested)
    return percentile_interval(accuracy(drawn)), percentile_interval(scores)


def compare(
    baseline: Outcomes, cell: Outcomes, rng: np.random.Generator, *, draws: int = DRAWS
) -> Paired:
    """Set a cell against the baseline, document by document.

    Accuracy is compared by the exact McNemar test; macro-F1 by an interval of its difference over
    draws that both share. The latter has no p: a bootstrap p cannot fall below 1/(draws + 1), too
    coarse for a family of any size.

    Args:
        baseline: outcomes of the baseline.
        cell: outcomes of the cell on the same documents in the same order.
        rng: source of randomness.
        draws: number of bootstrap samples.
    """
    assert np.array_equal(baseline.label, cell.label)
    k = cell.num_classes
    base_right = baseline.predicted == cell.label
    cell_right = cell.predicted == cell.label
    only_baseline = int(np.sum(base_right & ~cell_right))
    only_cell = int(np.sum(cell_right & ~base_right))
    triples, kinds = np.unique(
        (cell.label * k + baseline.predicted) * k + cell.predicted, return_inverse=True
    )
    label, base, other = triples // (k * k), triples // k % k, triples % k
    drawn = _resampled(kinds, label, cell.groups, rng, draws)
    observed = np.bincount(kinds, minlength=len(triples))[None].astype(float)

    def gains(counts: Float[np.ndarray, "b t"]) -> Float[np.ndarray, "b"]:
        ours, theirs = (
            macro_f1(_confusions(counts, label, guess, k), untested=cell.untested)
            for guess in (other, base)
        )
        return np.asarray(ours - theirs)

    return Paired(
        only_baseline=only_baseline,
        only_cell=only_cell,
        p=mcnemar(only_baseline, only_cell),
        gain=float(gains(observed)[0]),
        gain_interval=percentile_interval(gains(drawn)),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of two discordant counts under a fair coin (McNemar 1947)."""
    from scipy.stats import binomtest

    total = only_first + only_second
    return float(binomtest(only_first, total).pvalue) if total else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust a family of p-values step down (Holm 1979); the order is kept."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    factors = np.arange(len(p_values), 0, -1)
    stepped = np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * factors)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(p) for p in adjusted]


def _resampled(
    kinds: Int[np.ndarray, "n"],
    strata: Int[np.ndarray, "t"],
    groups: Int[np.ndarray, "n"] | None,
    rng: np.random.Generator,
    draws: int,
) -> Float[np.ndarray, "draws t"]:
    if groups is None:
        counts = np.bincount(kinds, minlength=len(strata))
        return resample_documents(counts, strata, rng, draws=draws)
    table = np.zeros((int(groups.max()) + 1, len(strata)), dtype=int)
    np.add.at(table, (groups, kinds), 1)
    return resample_groups(table, rng, draws=draws)


def _confusions(
    counts: Float[np.ndarray, "b t"],
    label: Int[np.ndarray, "t"],
    predicted: Int[np.ndarray, "t"],
    k: int,
) -> Float[np.ndarray, "b k k"]:
    """Sum the counts of kinds into the confusion matrix that each kind belongs to."""
    place = np.zeros((len(label), k * k))
    place[np.arange(len(label)), label * k + predicted] = 1
    return (counts @ place).reshape(len(counts), k, k)
