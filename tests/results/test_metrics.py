"""Scores against numbers worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from results.metrics import confusion_matrix, score

CLASSES = ["L2", "L3", "Pass"]


def test_scores_worked_out_by_hand() -> None:
    labels = ["Pass", "Pass", "Pass", "L2", "L2", "L3"]
    predicted = ["Pass", "Pass", "L2", "L2", "Pass", "Pass"]
    scores = score(labels, predicted, CLASSES)
    assert scores.confusion == [[1, 0, 1], [0, 0, 1], [1, 0, 2]]
    assert scores.accuracy == pytest.approx(3 / 6)
    assert scores.per_class["L2"].precision == pytest.approx(1 / 2)
    assert scores.per_class["L2"].recall == pytest.approx(1 / 2)
    assert scores.per_class["Pass"].precision == pytest.approx(2 / 4)
    assert scores.per_class["Pass"].recall == pytest.approx(2 / 3)
    assert scores.per_class["Pass"].f1 == pytest.approx(4 / 7)
    assert scores.per_class["L3"].model_dump() == {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "support": 1,
    }
    assert scores.macro_f1 == pytest.approx((1 / 2 + 0 + 4 / 7) / 3)
    assert scores.weighted_f1 == pytest.approx((2 * 1 / 2 + 0 + 3 * 4 / 7) / 6)


def test_class_without_test_documents_counts_in_the_macro_mean() -> None:
    scores = score(["L2", "Pass"], ["L2", "Pass"], CLASSES)
    assert scores.accuracy == 1.0
    assert scores.macro_f1 == pytest.approx(2 / 3)
    assert scores.weighted_f1 == 1.0


def test_label_outside_the_classes_is_a_fault() -> None:
    with pytest.raises(KeyError):
        confusion_matrix(["L9"], ["L2"], CLASSES)


@given(st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1))
def test_scores_equal_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    labels, predicted = [p[0] for p in pairs], [p[1] for p in pairs]
    ours = score(labels, predicted, CLASSES)
    known = {"labels": CLASSES, "zero_division": 0}
    assert ours.accuracy == pytest.approx(accuracy_score(labels, predicted))
    assert ours.macro_f1 == pytest.approx(f1_score(labels, predicted, average="macro", **known))
    assert ours.weighted_f1 == pytest.approx(
        f1_score(labels, predicted, average="weighted", **known)
    )
    theirs = np.array(precision_recall_fscore_support(labels, predicted, **known))
    mine = [[s.precision, s.recall, s.f1, s.support] for s in ours.per_class.values()]
    np.testing.assert_allclose(np.array(mine).T, theirs)
