"""Counts and areas against scikit-learn, and the pulls against weighting documents one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from results import measures
from results.measures import Ranking, Tallies, rank

KNOWN = {"labels": [0, 1, 2], "zero_division": 0}
PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40)


def tallies(label: np.ndarray, predicted: np.ndarray, k: int = 3) -> Tallies:
    right, support = label == predicted, np.bincount(label, minlength=k)
    return Tallies(
        hits=np.bincount(label[right], minlength=k).astype(float),
        said=np.bincount(predicted, minlength=k).astype(float),
        support=support.astype(float),
        untested=int(np.sum(support == 0)),
    )


@given(PAIRS)
def test_scores_are_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    label, predicted = np.array(pairs).T
    counts = tallies(label, predicted)
    assert measures.accuracy(counts) == pytest.approx(metrics.accuracy_score(label, predicted))
    for ours, average in ((measures.macro_f1, "macro"), (measures.weighted_f1, "weighted")):
        expected = metrics.f1_score(label, predicted, average=average, **KNOWN)
        assert ours(counts) == pytest.approx(expected)
    theirs = metrics.precision_recall_fscore_support(label, predicted, **KNOWN)[:3]
    for ours, expected in zip((measures.precision, measures.recall, measures.f1), theirs,
                              strict=True):  # fmt: skip
        np.testing.assert_allclose(np.nan_to_num(ours(counts)), expected)


@given(PAIRS)
def test_mcc_is_scikit_learns_and_undefined_where_nothing_varies(
    pairs: list[tuple[int, int]],
) -> None:
    label, predicted = np.array(pairs).T
    found = float(measures.mcc(tallies(label, predicted)))
    constant = len(set(label.tolist())) == 1 or len(set(predicted.tolist())) == 1
    assert np.isnan(found) == constant
    if not constant:
        assert found == pytest.approx(metrics.matthews_corrcoef(label, predicted), abs=1e-12)


def test_many_samples_are_measured_as_each_is_alone() -> None:
    rng = np.random.default_rng(1)
    samples = [tallies(*rng.integers(0, 3, (2, 50))) for _ in range(6)]
    stacked = Tallies(*(
        np.stack([getattr(one, part) for one in samples], axis=1).reshape(3, 2, 3)
        for part in ("hits", "said", "support")
    ))  # fmt: skip
    for name in ("accuracy", "macro_f1", "weighted_f1", "mcc", "precision", "recall", "f1"):
        measure = getattr(measures, name)
        alone = np.stack([measure(one) for one in samples], axis=-1)
        together = measure(stacked)
        np.testing.assert_allclose(together.reshape(alone.shape), alone)


def test_a_class_missed_by_a_draw_is_left_out_of_it() -> None:
    missed = Tallies(np.array([5.0, 4, 0]), np.array([6.0, 4, 0]), np.array([5.0, 5, 0]))
    assert measures.macro_f1(missed) == pytest.approx((10 / 11 + 8 / 9) / 2)


def ranked(seed: int, *, n: int = 200, k: int = 3, ties: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Scores with as many distinct values as `ties`, better than chance, and the true classes."""
    rng = np.random.default_rng(seed)
    label = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    scores = rng.normal(size=(k, n))
    scores[label, np.arange(n)] += 1
    return np.round(scores * ties / 5), label


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ties", [1, 5, 100_000])
@pytest.mark.parametrize("k", [2, 5])
def test_areas_are_scikit_learns(seed: int, ties: int, k: int) -> None:
    scores, label = ranked(seed, k=k, ties=ties)
    found, truth = rank(list(scores), label), np.eye(k)[label]
    assert found.roc_auc == pytest.approx(metrics.roc_auc_score(truth, scores.T, average="macro"))
    expected = metrics.average_precision_score(truth, scores.T, average="macro")
    assert found.pr_auc == pytest.approx(expected)


@pytest.mark.parametrize("area", ["roc", "pr"])
def test_a_pull_is_what_a_little_more_of_a_document_adds_to_the_area(area: str) -> None:
    scores, label = ranked(1, n=60)
    pulls = getattr(rank(list(scores), label), f"{area}_pull")
    reference = {"roc": metrics.roc_auc_score, "pr": metrics.average_precision_score}[area]

    def weighted(more: np.ndarray) -> float:
        one_hot = np.eye(3)[label]
        return float(reference(one_hot, scores.T, average="macro", sample_weight=1 + more))

    step = 1e-4
    for i in range(0, 60, 7):
        slope = (weighted(step * np.eye(60)[i]) - weighted(-step * np.eye(60)[i])) / (2 * step)
        assert pulls[i] == pytest.approx(slope, abs=1e-6)
    assert pulls.sum() == pytest.approx(0, abs=1e-6)


def test_a_perfect_ranking_is_pulled_nowhere() -> None:
    label = np.array([0, 0, 1, 1, 1])
    found = rank([-label.astype(float), label.astype(float)], label)
    assert (found.roc_auc, found.pr_auc) == (1.0, 1.0)
    assert not found.roc_pull.any() and not found.pr_pull.any()


def test_the_order_of_the_documents_decides_nothing() -> None:
    scores, label = ranked(3)
    order = np.random.default_rng(0).permutation(len(label))
    found: Ranking = rank(list(scores[:, order]), label[order])
    expected = rank(list(scores), label)
    assert found.roc_auc == pytest.approx(expected.roc_auc)
    np.testing.assert_allclose(found.pr_pull, expected.pr_pull[order], atol=1e-9)
    np.testing.assert_allclose(expected.of(order).roc_pull, found.roc_pull, atol=1e-9)
