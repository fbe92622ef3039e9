"""Intervals against slow bootstraps, the normal approximation, and what they promise to cover."""

import math
from functools import cache

import numpy as np
import pytest
from invented_outcomes import NAMES, documents, outcomes
from scipy.stats import bootstrap
from sklearn.metrics import f1_score, matthews_corrcoef, roc_auc_score

from results.evidence import Evidence, Judged
from results.measures import rank
from results.outcomes import Documents, Outcomes
from results.statistics import bootstrap_p


def judged(one: Outcomes) -> Judged:
    return Evidence({"cell": one}).judged()["cell"]


def ends(found: Judged, name: str) -> tuple[float, float]:
    interval = found.measures[name].interval
    assert interval is not None
    return interval.low, interval.high


def test_accuracy_interval_agrees_with_the_normal_approximation() -> None:
    one = outcomes(documents(2000, k=2), seed=4, skill=0.2)
    p = float(np.mean(one.right))
    half = 1.96 * math.sqrt(p * (1 - p) / 2000)
    assert ends(judged(one), "accuracy") == pytest.approx((p - half, p + half), abs=0.006)


def test_intervals_are_scipys_where_all_documents_are_of_one_class() -> None:
    """Without strata it is the plain percentile bootstrap."""
    on = documents(200, k=1)
    right = np.random.default_rng(1).random(200) < 0.8
    two = Documents.of(on.ids, NAMES[:2], on.label)
    one = Outcomes(two, np.where(right, 0, 1).astype(np.int16))
    found = bootstrap(
        (right,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert ends(judged(one), "accuracy") == pytest.approx((found.low, found.high), abs=0.006)


@pytest.mark.parametrize("groups", [None, 50])
def test_intervals_are_those_of_drawing_document_by_document(groups: int | None) -> None:
    on = documents(150, groups=groups)
    one = outcomes(on, seed=3)
    rng = np.random.default_rng(5)
    slow: dict[str, list[float]] = {"macro_f1": [], "mcc": []}
    for _ in range(300):
        picked = _picked(on, rng)
        truth, said = on.label[picked], one.predicted[picked]
        slow["macro_f1"].append(float(f1_score(truth, said, average="macro")))
        slow["mcc"].append(float(matthews_corrcoef(truth, said)))
    for name, samples in slow.items():
        expected = np.quantile(samples, [0.025, 0.975])
        assert ends(judged(one), name) == pytest.approx(tuple(expected), abs=0.025)


def test_areas_move_as_if_every_draw_were_ranked_anew() -> None:
    """They are of first order; of 300 documents that is as good as exact."""
    on = documents(300)
    rng, scores = np.random.default_rng(6), np.random.default_rng(7).normal(size=(3, 300))
    scores[on.label, np.arange(300)] += 1.2
    one = Outcomes(on, scores.argmax(axis=0).astype(np.int16), rank(list(scores), on.label), "")
    slow = []
    for _ in range(300):
        picked = _picked(on, rng)
        truth = np.eye(3)[on.label[picked]]
        slow.append(float(roc_auc_score(truth, scores.T[picked], average="macro")))
    expected = np.quantile(slow, [0.025, 0.975])
    assert ends(judged(one), "roc_auc") == pytest.approx(tuple(expected), abs=0.008)


def _picked(on: Documents, rng: np.random.Generator) -> np.ndarray:
    if on.groups is None:
        sides = [np.flatnonzero(on.label == c) for c in range(on.num_classes)]
        return np.concatenate([rng.choice(side, len(side)) for side in sides])
    groups, index = np.unique(on.groups, return_inverse=True)
    drawn = rng.integers(0, len(groups), len(groups))
    return np.concatenate([np.flatnonzero(index == group) for group in drawn])


MEASURED = ("accuracy", "macro_f1", "weighted_f1", "mcc", "roc_auc", "pr_auc")
TIMES, SIZE = 300, 240


@cache
def repeated() -> tuple[dict[str, float], list[Judged]]:
    """The truth of a made-up classifier, and what 300 test sets of 240 documents tell of it."""
    label = np.repeat([0, 1, 2], [SIZE // 2, SIZE // 3, SIZE // 6]).astype(np.int16)

    def tested(times: int, seed: int, tag: str) -> Outcomes:
        truth = np.tile(label, times)
        scores = np.random.default_rng(seed).normal(size=(3, len(truth)))
        scores[truth, np.arange(len(truth))] += 1.5
        on = Documents.of(tuple(f"{tag}{i:06d}" for i in range(len(truth))), NAMES[:3], truth)
        return Outcomes(on, scores.argmax(axis=0).astype(np.int16), rank(list(scores), truth), "")

    large = judged(tested(400, 0, "t")).measures
    samples = [tested(1, seed, "d") for seed in range(1, TIMES + 1)]
    found = Evidence({str(i): one for i, one in enumerate(samples)}).judged()
    return {name: large[name].value or 0.0 for name in MEASURED}, list(found.values())


@pytest.mark.parametrize("name", MEASURED)
def test_95_percent_intervals_hold_the_truth_about_95_times_in_100(name: str) -> None:
    """300 simulations have a standard error of 1.3 points; small samples cost the percentile
    interval another point or two (Efron & Tibshirani 1993, section 14.3)."""
    truth, found = repeated()
    held = [low <= truth[name] <= high for low, high in (ends(one, name) for one in found)]
    assert 0.91 <= np.mean(held) <= 0.985


def test_a_gain_of_nothing_is_found_significant_about_5_times_in_100() -> None:
    on = documents(200)
    cells = {
        f"{side}{i}": outcomes(on, seed=1000 * side + i) for side in (0, 1) for i in range(200)
    }
    drawn = Evidence(cells).macro_f1(list(cells), 600)
    gains = [drawn[f"0{i}"].minus(drawn[f"1{i}"]) for i in range(200)]
    ps = [bootstrap_p(gain.value, gain.draws) for gain in gains]
    assert 0.01 <= np.mean([p <= 0.05 for p in ps]) <= 0.09
    assert 0.4 <= np.mean([p <= 0.5 for p in ps]) <= 0.6


def test_documents_that_stand_and_fall_together_widen_the_interval() -> None:
    label = np.repeat([0, 1], 200).astype(np.int16)
    right = np.repeat(np.random.default_rng(1).random(20) < 0.7, 20)
    said = np.where(right, label, 1 - label).astype(np.int16)
    ids, groups = tuple(f"{i:03d}" for i in range(400)), tuple(f"g{i // 20}" for i in range(400))
    alone, together = (
        ends(judged(Outcomes(Documents.of(ids, NAMES[:2], label, some), said)), "accuracy")
        for some in (None, groups)
    )
    assert together[1] - together[0] > 2.5 * (alone[1] - alone[0])


def test_what_is_undefined_says_why() -> None:
    on = Documents.of(tuple("uvwxyz"), NAMES[:4], np.array([0, 0, 0, 1, 1, 1], dtype=np.int16))
    found = judged(Outcomes(on, np.array([0, 0, 0, 0, 0, 2], dtype=np.int16)))
    assert found.measures["roc_auc"].reason == "predictions without scores"
    missing = {
        (name, part): one.reason
        for name, parts in found.per_class.items()
        for part, one in parts.items()
        if one.value is None
    }
    assert missing == {
        ("b", "precision"): "no test document was called 'b'",
        ("c", "recall"): "class 'c' has no test document",
        ("d", "precision"): "no test document was called 'd'",
        ("d", "recall"): "class 'd' has no test document",
        ("d", "f1"): "class 'd' has no test document, and none was called it",
    }
    constant = judged(Outcomes(on, np.zeros(6, dtype=np.int16))).measures["mcc"]
    assert (constant.value, constant.reason) == (None, "all test documents were given one class")
    same = Documents.of(on.ids, NAMES[:2], np.zeros(6, dtype=np.int16))
    lone = judged(Outcomes(same, np.array([0, 0, 1, 0, 0, 1], dtype=np.int16))).measures["mcc"]
    assert lone.reason == "all test documents are of one class"


def test_a_class_without_test_documents_counts_as_zero() -> None:
    on = documents(300)
    wider = Documents.of(on.ids, NAMES[:4], on.label)
    one = outcomes(on, seed=1)
    found = judged(Outcomes(wider, one.predicted)).measures["macro_f1"]
    expected = f1_score(
        on.label, one.predicted, labels=[0, 1, 2, 3], average="macro", zero_division=0
    )
    assert found.value == pytest.approx(expected)
    assert ends(judged(Outcomes(wider, one.predicted)), "macro_f1") == pytest.approx(
        tuple(0.75 * end for end in ends(judged(one), "macro_f1"))
    )


def test_an_interval_does_not_depend_on_the_other_cells() -> None:
    on = documents(100)
    one = outcomes(on, seed=1, ranked=True)
    beside = {
        "other": outcomes(on, seed=2),
        "cell": one,
        "elsewhere": outcomes(documents(90), seed=1),
    }
    assert Evidence(beside).judged()["cell"] == judged(one)


def test_more_draws_begin_with_the_fewer() -> None:
    on = documents(100)
    evidence = Evidence({"cell": outcomes(on, seed=1)})
    few, many = (evidence.macro_f1(["cell"], count)["cell"].draws for count in (1000, 2500))
    np.testing.assert_array_equal(few, many[:1000])
    np.testing.assert_array_equal(few, evidence.sampled(["cell"])[0].macro_f1.draws)


def test_many_cells_are_judged_fast() -> None:
    import time

    on = documents(2000, k=5)
    cells = {str(i): outcomes(on, seed=i) for i in range(50)}
    started = time.process_time()
    Evidence(cells).judged()
    assert time.process_time() - started < 10
