"""The metrics of a cell: accuracy, F1 in three ways, per-class scores and the confusion matrix.

Written out rather than called from scikit-learn, so that reading a record needs nothing heavy; the
tests hold the two against each other.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from results.records import ClassScore, Scores


def confusion_matrix(
    labels: Sequence[str], predicted: Sequence[str], classes: Sequence[str]
) -> Int[np.ndarray, "c c"]:
    """Count documents by true class (row) and predicted class (column), in the order of `classes`.

    Every label and every prediction must be one of `classes`.
    """
    assert len(labels) == len(predicted), "one prediction per label"
    index = {name: i for i, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for truth, guess in zip(labels, predicted, strict=True):
        counts[index[truth], index[guess]] += 1
    return counts


def score(labels: Sequence[str], predicted: Sequence[str], classes: Sequence[str]) -> Scores:
    """Score predictions on the test documents.

    A class that nobody predicted has precision 0, one without test documents recall 0, and F1 is 0
    where both are (scikit-learn's ``zero_division=0``).

    Args:
        labels: true class of each test document; at least one.
        predicted: predicted class of each.
        classes: all classes of the corpus. The macro mean runs over every one of them, those
            without a test document included: a class missing from the test set lowers it.
    """
    assert len(labels), "nothing to score"
    counts = confusion_matrix(labels, predicted, classes)
    hits = counts.diagonal()
    support = counts.sum(axis=1)
    precision = _ratio(hits, counts.sum(axis=0))
    recall = _ratio(hits, support)
    f1 = _ratio(2 * hits, counts.sum(axis=0) + support)
    return Scores(
        accuracy=float(hits.sum() / support.sum()),
        macro_f1=float(f1.mean()),
        weighted_f1=float((f1 * support).sum() / support.sum()),
        per_class={
            name: ClassScore(
                precision=float(precision[i]),
                recall=float(recall[i]),
                f1=float(f1[i]),
                support=int(support[i]),
            )
            for i, name in enumerate(classes)
        },
        confusion=counts.tolist(),
    )


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    ratio = np.zeros(len(whole))
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
