from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from results import detection
from results.detection import MEASURES, Calls, measure, precision_recall
from results.statistics import Interval, generator


def invented(seed: int, *, n: int = 300, ties: int = 40, groups: int | None = None) -> Calls:
    """Calls that are better than chance, with as many distinct scores as `ties`."""
    rng = np.random.default_rng(seed)
    is_anomaly = rng.random(n) < 0.15
    scores = np.round((is_anomaly + rng.normal(0, 0.8, n)) * ties / 8) / 10
    belongs = None if groups is None else np.arange(n) % groups
    return Calls(is_anomaly, scores >= np.quantile(scores, 0.85), scores, belongs)


def values(calls: Calls) -> dict[str, float | None]:
    return {name: one.value for name, one in measure(calls, generator("x"), draws=20).items()}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [1, 8, 100_000])
@pytest.mark.parametrize("groups", [None, 7])
def test_every_measure_is_scikit_learns(seed: int, ties: int, groups: int | None) -> None:
    calls = invented(seed, ties=ties, groups=groups)
    found = values(calls)
    truth, called = calls.is_anomaly, calls.called
    assert found == {
        "f1": pytest.approx(f1_score(truth, called)),
        "precision": pytest.approx(precision_score(truth, called)),
        "recall": pytest.approx(recall_score(truth, called)),
        "specificity": pytest.approx(recall_score(~truth, ~called)),
        "pr_auc": pytest.approx(average_precision_score(truth, calls.scores)),
    }


def test_the_order_of_the_documents_decides_nothing() -> None:
    calls = invented(1)
    order = np.random.default_rng(0).permutation(300)
    assert calls.scores is not None
    other = Calls(calls.is_anomaly[order], calls.called[order], calls.scores[order])
    assert measure(calls, generator("x")) == measure(other, generator("x"))


@pytest.mark.parametrize("groups", [None, 60])
def test_intervals_are_those_of_drawing_document_by_document(groups: int | None) -> None:
    calls = invented(2, groups=groups)
    found = measure(calls, generator("x"), draws=2000)
    rng = np.random.default_rng(5)
    slow: dict[str, list[float]] = {"f1": [], "pr_auc": []}
    for _ in range(500):
        picked = _picked(calls, rng)
        truth, called = calls.is_anomaly[picked], calls.called[picked]
        slow["f1"].append(float(f1_score(truth, called)))
        assert calls.scores is not None
        slow["pr_auc"].append(float(average_precision_score(truth, calls.scores[picked])))
    for name, samples in slow.items():
        interval = found[name].interval
        assert interval is not None
        assert [interval.low, interval.high] == pytest.approx(
            list(np.quantile(samples, [0.025, 0.975])), abs=0.035
        )


def _picked(calls: Calls, rng: np.random.Generator) -> np.ndarray:
    if calls.groups is None:
        sides = [np.flatnonzero(calls.is_anomaly == side) for side in (True, False)]
        return np.concatenate([rng.choice(side, len(side)) for side in sides])
    drawn = rng.integers(0, calls.groups.max() + 1, calls.groups.max() + 1)
    return np.concatenate([np.flatnonzero(calls.groups == group) for group in drawn])


def test_draws_in_batches_are_the_draws_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = invented(3, groups=40)
    whole = measure(calls, generator("x"))
    monkeypatch.setattr(detection, "_WEIGHTS", 4000)
    assert measure(calls, generator("x")) == whole


def test_who_calls_nothing_has_no_precision_and_an_f1_of_zero() -> None:
    calls = replace(invented(1), called=np.zeros(300, dtype=bool))
    found = measure(calls, generator("x"))
    assert found["precision"].value is None and found["precision"].interval is None
    assert found["precision"].reason == "no test document was called an anomaly"
    assert (found["f1"].value, found["f1"].interval) == (0, Interval(0, 0))
    assert (found["recall"].value, found["specificity"].value) == (0, 1)
    assert found["pr_auc"].value is not None


def test_without_scores_there_is_no_pr_auc_and_all_else() -> None:
    with_scores, without = invented(1), replace(invented(1), scores=None)
    found = measure(without, generator("x"))
    assert found["pr_auc"].reason == "predictions without scores"
    expected = values(with_scores) | {"pr_auc": None}
    assert {name: one.value for name, one in found.items()} == expected


def test_what_a_class_without_documents_leaves_undefined_is_said() -> None:
    normal = measure(replace(invented(1), is_anomaly=np.zeros(300, dtype=bool)), generator("x"))
    assert normal["recall"].reason == normal["pr_auc"].reason == "no test document is an anomaly"
    assert (normal["f1"].value, normal["precision"].value) == (0, 0)
    anomalous = measure(replace(invented(1), is_anomaly=np.ones(300, dtype=bool)), generator("x"))
    assert anomalous["specificity"].reason == "no test document is normal"
    silent = Calls(*np.zeros((2, 9), dtype=bool), None)
    assert measure(silent, generator("x"))["f1"].reason.startswith(
        "no test document is an anomaly,"
    )


def test_a_draw_in_which_a_measure_is_undefined_has_no_part_in_its_interval() -> None:
    """One of two groups holds all anomalies: a quarter of the draws have none."""
    is_anomaly = np.repeat([True, False], 5)
    calls = Calls(is_anomaly, is_anomaly, is_anomaly.astype(float), np.repeat([0, 1], 5))
    found = measure(calls, generator("x"))
    assert {name: one.interval for name, one in found.items()} == dict.fromkeys(
        MEASURES, Interval(1, 1)
    )


def test_the_area_below_the_curve_is_the_average_precision() -> None:
    calls = invented(4)
    recall, precision = precision_recall(calls)
    area = float(np.sum(np.diff(recall, prepend=0) * precision))
    assert area == pytest.approx(values(calls)["pr_auc"]) and recall[-1] == 1


def test_infinite_scores_are_ranked_like_any_other() -> None:
    calls = Calls(
        np.array([True, False, True]), np.ones(3, dtype=bool), np.array([np.inf, -np.inf, 0.0])
    )
    assert values(calls)["pr_auc"] == 1
