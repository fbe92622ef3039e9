"""What is measured of predictions: counts by class, and how well scores rank the documents.

Counts hold the class on their first axis and whatever is wanted on the others (cells, bootstrap
draws), so that one line measures a thousand samples. All of it is written out, since scikit-learn
measures one sample at a time; the tests hold the two against each other. What is undefined comes
out as NaN here and has its reason where it is kept (`results.statistics.Measure`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

NAMES = ("accuracy", "macro_f1", "weighted_f1", "mcc", "roc_auc", "pr_auc")


@dataclass(frozen=True)
class Tallies:
    """Documents counted by class.

    Attributes:
        hits: documents of each class that were classified right.
        said: documents that were called of each class.
        support: documents of each class.
        untested: how many classes have no test document at all.
    """

    hits: Float[np.ndarray, "k ..."]
    said: Float[np.ndarray, "k ..."]
    support: Float[np.ndarray, "k ..."]
    untested: int = 0


def accuracy(counts: Tallies) -> Float[np.ndarray, "..."]:
    """Return the share of documents classified right; NaN in a draw without any document."""
    return ratio(counts.hits.sum(axis=0), counts.support.sum(axis=0))


def precision(counts: Tallies) -> Float[np.ndarray, "k ..."]:
    """Return the share of right ones among the documents called of a class; NaN without any."""
    return ratio(counts.hits, counts.said)


def recall(counts: Tallies) -> Float[np.ndarray, "k ..."]:
    """Return the share of a class's documents that was found; NaN of a class without any."""
    return ratio(counts.hits, counts.support)


def f1(counts: Tallies) -> Float[np.ndarray, "k ..."]:
    """Return 2 TP / (2 TP + FP + FN); NaN of a class that neither is nor is said."""
    return ratio(2 * counts.hits, counts.said + counts.support)


def macro_f1(counts: Tallies) -> Float[np.ndarray, "..."]:
    """Return the unweighted mean of the classes' F1.

    A class that a draw happens to miss is left out of that draw's mean; one without any test
    document counts as zero in all of them, as in `results.metrics`. NaN without any document.
    """
    there = counts.support > 0
    total = np.where(there, np.nan_to_num(f1(counts)), 0.0).sum(axis=0)
    classes = there.sum(axis=0)
    return ratio(total, np.where(classes > 0, classes + counts.untested, 0))


def weighted_f1(counts: Tallies) -> Float[np.ndarray, "..."]:
    """Return the mean of the classes' F1, each weighted by its documents; NaN without any."""
    weighted = np.nan_to_num(f1(counts)) * counts.support
    return ratio(weighted.sum(axis=0), counts.support.sum(axis=0))


def mcc(counts: Tallies) -> Float[np.ndarray, "..."]:
    """Return the correlation of true and predicted classes, -1 to 1 (Gorodkin 2004, eq. 8).

    NaN where all documents are of one class, or were said to be: nothing varies together.
    """
    total, right = counts.support.sum(axis=0), counts.hits.sum(axis=0)
    together = right * total - (counts.said * counts.support).sum(axis=0)
    said = total**2 - (counts.said**2).sum(axis=0)
    true = total**2 - (counts.support**2).sum(axis=0)
    return ratio(together, np.sqrt(said * true))


def ratio(
    part: Float[np.ndarray, "..."], whole: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """Divide; NaN where the whole is zero."""
    part, whole = np.broadcast_arrays(part, whole)
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


@dataclass(frozen=True, eq=False)
class Ranking:
    """How well a cell's scores rank the documents, class against all others, mean over classes.

    Attributes:
        roc_auc: area under the ROC curve.
        pr_auc: average precision.
        roc_pull: what one more copy of a document adds to `roc_auc`, to first order.
        pr_pull: the same of `pr_auc`.
    """

    roc_auc: float
    pr_auc: float
    roc_pull: Float[np.ndarray, " n"]
    pr_pull: Float[np.ndarray, " n"]

    def of(self, order: Int[np.ndarray, " n"]) -> "Ranking":
        """Return the same with the documents in another order."""
        return replace(self, roc_pull=self.roc_pull[order], pr_pull=self.pr_pull[order])


def rank(scores: Sequence[Float[np.ndarray, " n"]], label: Int[np.ndarray, " n"]) -> Ranking:
    """Measure how well scores rank the documents; every class needs a document and another's.

    The pulls are the empirical influence functions divided by n (Davison & Hinkley 1997, section
    2.7): weighted by how often a bootstrap sample holds each document they add up to the change of
    the area, where drawing it exactly would sort every sample anew.

    Args:
        scores: those of each class; finite.
        label: each document's true class.
    """
    parts = [_against_all(column, label == c) for c, column in enumerate(scores)]
    return Ranking(
        roc_auc=float(np.mean([part.roc_auc for part in parts])),
        pr_auc=float(np.mean([part.pr_auc for part in parts])),
        roc_pull=np.mean([part.roc_pull for part in parts], axis=0).astype(np.float32),
        pr_pull=np.mean([part.pr_pull for part in parts], axis=0).astype(np.float32),
    )


def _against_all(scores: Float[np.ndarray, " n"], is_class: Bool[np.ndarray, " n"]) -> Ranking:
    """Measure the ranking of one class's documents against all others."""
    order = np.argsort(scores)
    is_class, scores = is_class[order], scores[order]
    first = np.flatnonzero(np.concatenate([[True], scores[1:] != scores[:-1], [True]]))
    ties = np.diff(first)
    below, upto = np.repeat(first[:-1], ties), np.repeat(first[1:], ties)
    roc_auc, roc_pull = _roc(is_class, below, upto)
    pr_auc, pr_pull = _average_precision(is_class, below, upto)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return Ranking(roc_auc, pr_auc, roc_pull, pr_pull).of(back)


def _roc(
    is_class: Bool[np.ndarray, " n"], below: Int[np.ndarray, " n"], upto: Int[np.ndarray, " n"]
) -> tuple[float, Float[np.ndarray, " n"]]:
    """Compare every document of the class with every other one; a tie counts half.

    Args:
        is_class: of documents in ascending order of their scores.
        below: how many documents have a lower score than each.
        upto: how many have a lower or the same.
    """
    ours = _summed(is_class)
    num, others = ours[-1], len(is_class) - ours[-1]
    ours_below = (ours[below] + ours[upto]) / 2
    others_below = (below + upto) / 2 - ours_below
    won = np.where(is_class, others_below / others, 1 - ours_below / num)
    area = float(won[is_class].mean())
    return area, (won - area) / np.where(is_class, num, others)


def _average_precision(
    is_class: Bool[np.ndarray, " n"], below: Int[np.ndarray, " n"], upto: Int[np.ndarray, " n"]
) -> tuple[float, Float[np.ndarray, " n"]]:
    """Average the precision at each document of the class; arguments as of `_roc`.

    A document adds to the precision at every one of the class that has its score or less.
    """
    ours = _summed(is_class)
    num, called = ours[-1], len(is_class) - below
    found = num - ours[below]
    precise = found / called
    area = float(precise[is_class].mean())
    more_found = _summed(is_class / called)[upto]
    more_called = _summed(is_class * precise / called)[upto]
    gained = np.where(is_class, precise + more_found - area, 0.0) - more_called
    return area, gained / num


def _summed(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n+1"]:
    """Sum up to each place, from nothing."""
    sums = np.zeros(len(values) + 1)
    np.cumsum(values, out=sums[1:])
    return sums
