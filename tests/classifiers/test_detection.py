"""Detectors that need no model, and the one way in which a threshold is chosen."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from classifiers.centroid import Centroid
from classifiers.detection import CLASSES, Given, Scores, learn
from classifiers.detection_lines import lines
from classifiers.detection_threshold import Choice, Detection, choose
from classifiers.line_count import LineCount
from classifiers.registry import DETECTORS
from classifiers.unseen_templates import UnseenTemplates
from results.errors import InputError
from results.metrics import score
from results.registry import find

NORMAL = [["open\nread\n", "close\n"], ["open\nclose\n", "read\n"], ["open\nread\nread\nclose\n"]]
STRANGE = ["open\npanic\npanic\nhalt\nclose\nclose\nclose\n"]


def named(anomalous: np.ndarray) -> np.ndarray:
    return np.where(anomalous, "anomaly", "normal")


def brute(values: np.ndarray, labels: np.ndarray, thresholds: list[float]) -> float:
    """The best F1 of the anomalies over all ways and thresholds, by the house's own metric."""
    found = []
    for column in values.T:
        for threshold in thresholds:
            predicted = list(named(column > threshold))
            found.append(score(list(labels), predicted, CLASSES).per_class["anomaly"].f1)
    return max(found)


def random_scores(seed: int, *, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    anomalous = generator.random(40) < 0.3
    anomalous[:2] = [True, False]
    values = generator.normal(size=(40, 3)) + anomalous[:, None] * [0.2, 1.0, 2.0]
    return (values.round(0 if ties else 9)), named(anomalous)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("ties", [False, True])
def test_any_threshold_is_as_good_as_trying_them_all(seed: int, ties: bool) -> None:
    values, labels = random_scores(seed, ties=ties)
    known = np.unique(values)
    every = [float(x) for x in (known[:-1] + known[1:]) / 2]
    choice = choose(Scores(values=values, ways=({"k": 1}, {"k": 2}, {"k": 3})), labels)
    assert choice.f1 == brute(values, labels, every)
    predicted = choice.apply(Scores(values=values)).labels
    found = score(list(labels), list(predicted), CLASSES).per_class["anomaly"]
    assert (found.f1, found.precision, found.recall) == pytest.approx(
        (choice.f1, choice.precision, choice.recall)
    )


@pytest.mark.parametrize("seed", range(6))
def test_held_out_normal_documents_count_for_all_that_they_stand_for(seed: int) -> None:
    values, labels = random_scores(seed, ties=seed % 2 == 0)
    normal = labels == "normal"
    weighted = choose(Scores(values=values, ways=[{}] * 3), labels, normals=3 * int(normal.sum()))
    repeated = choose(
        Scores(values=np.concatenate([values, *[values[normal]] * 2]), ways=[{}] * 3),
        [*labels, *["normal"] * (2 * int(normal.sum()))],
    )
    assert weighted.normal_weight == 3.0
    found = [asdict(one) | {"normal_weight": None} for one in (weighted, repeated)]
    assert found[0] == found[1]


@pytest.mark.parametrize("seed", range(6))
def test_only_allowed_thresholds_are_chosen(seed: int) -> None:
    values, labels = random_scores(seed, ties=True)
    allowed = [2.0, -0.5, 0.0, 1.0]  # on a score, too: what scores as high is no anomaly
    choice = choose(Scores(values=values, ways=[{}] * 3, thresholds=allowed), labels)
    assert choice.threshold in allowed
    assert choice.f1 == brute(values, labels, allowed)


def test_of_equal_choices_the_first_way_and_the_fewest_alarms_are_taken() -> None:
    values = np.array([[0.1, 0.1], [0.2, 0.2], [0.8, 0.9]])
    scores = Scores(values=values, ways=({"k": 5}, {"k": 6}), thresholds=[0.3, 0.5, 0.7])
    choice = choose(scores, ["normal", "normal", "anomaly"])
    assert choice.params(scores) == {"k": 5, "threshold": 0.7}
    # 2 of 3 alarms right or 1 of 1: both have F1 2/3 with two of two or one of two found
    values = np.array([4.0, 3.0, 2.0, 1.0])[:, None]
    choice = choose(Scores(values=values), ["anomaly", "normal", "normal", "anomaly"])
    assert (choice.threshold, choice.precision, choice.recall) == (3.5, 1.0, 0.5)


def test_neighbouring_scores_are_told_apart() -> None:
    low = 0.1
    high = float(np.nextafter(low, 1.0))
    scores = Scores(values=np.array([[low], [high]]))
    choice = choose(scores, ["normal", "anomaly"])
    assert choice.f1 == 1.0
    assert choice.apply(scores).labels.tolist() == ["normal", "anomaly"]


@pytest.mark.parametrize(
    ("values", "labels", "thresholds", "said"),
    [
        ([1.0, 1.0], "na", None, "all validation documents have the same score"),
        ([0.0, 0.1, 0.2], "nna", [0.5], "no threshold finds an anomaly"),
        ([0.2, 0.0, 0.1], "naa", None, "calling every validation document an anomaly"),
    ],
)
def test_a_choice_that_is_worth_nothing_says_so(
    values: list[float], labels: str, thresholds: list[float] | None, said: str
) -> None:
    scores = Scores(values=np.array(values)[:, None], thresholds=thresholds)
    choice = choose(scores, named(np.array(list(labels)) == "a"))
    assert choice.reason is not None and said in choice.reason
    assert said in str(choice.card(scores)["reason"])
    assert choice.f1 <= choice.f1_of_alarm


def test_a_choice_that_is_worth_something_gives_no_reason() -> None:
    scores = Scores(values=np.array([[0.0], [0.1], [1.0]]))
    choice = choose(scores, ["normal", "normal", "anomaly"])
    assert choice.reason is None
    assert (choice.f1, choice.f1_of_alarm) == (1.0, 0.5)


def test_scores_lie_above_zero_where_an_anomaly_is_predicted() -> None:
    scores = Scores(values=np.array([[0.0, 3.0], [0.0, 1.0]]), ways=({"k": 1}, {"k": 2}))
    choice = Choice(way=1, threshold=2.0, f1=1.0, precision=1.0, recall=1.0, f1_of_alarm=0.5)
    told = choice.apply(scores)
    assert told.classes == ["anomaly", "normal"]
    assert told.scores is not None and told.scores.tolist() == [[1.0, -1.0], [-1.0, 1.0]]
    assert told.labels.tolist() == ["anomaly", "normal"]


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_refuses_to_learn_from_anomalies(name: str) -> None:
    detector = find("detector", name, DETECTORS)()
    assert detector.reads in ("model", "vectors", "text")
    with pytest.raises(InputError, match="2 of 3 training documents are anomalies"):
        learn(detector, [["a"]] * 3, ["anomaly", "normal", "anomaly"], Given())
    with pytest.raises(InputError, match="no normal document to learn from"):
        learn(detector, [], [], Given())


def test_the_number_of_lines_counts_to_both_sides() -> None:
    scorer = LineCount().fit(NORMAL, Given())
    assert scorer.median == 3.0
    assert scorer.score([["a\n"], ["a\nb\nc"], ["a\nb\nc\nd\ne\n"]]).values.tolist() == [
        [2.0],
        [0.0],
        [2.0],
    ]


def test_lines_end_in_masked_text_too_and_blank_ones_are_none() -> None:
    assert lines(["a b\n\n  \nc", "d<newline>e <num><newline>"]) == ["a b", "c", "d", "e <num>"]


def test_unseen_lines_count_once_or_as_a_share() -> None:
    documents = [*NORMAL, STRANGE, [""]]
    number = UnseenTemplates().fit(NORMAL, Given()).score(documents)
    assert number.values[:, 0].tolist() == [0.0, 0.0, 0.0, 2.0, 0.0]
    share = UnseenTemplates(count="share").fit(NORMAL, Given()).score(documents)
    assert share.values[:, 0].tolist() == [0.0, 0.0, 0.0, 0.5, 0.0]


@pytest.mark.parametrize("make", [np.asarray, csr_matrix])
def test_the_distance_from_the_centroid_is_what_it_is_called(make: Any) -> None:
    normal = make(np.array([[1.0, 0.0], [3.0, 0.0]], dtype=np.float32))
    others = make(np.array([[2.0, 0.0], [2.0, 5.0], [0.0, 1.0], [0.0, 0.0]], dtype=np.float32))
    euclidean = Centroid().fit(normal, Given())
    assert euclidean.centre.tolist() == [2.0, 0.0]
    assert euclidean.score(others).values[:, 0] == pytest.approx([0.0, 5.0, 5**0.5, 2.0])
    cosine = Centroid(distance="cosine").fit(normal, Given()).score(others)
    assert cosine.values[:, 0] == pytest.approx([0.0, 1 - 2 / 29**0.5, 1.0, 1.0])


def test_equal_vectors_get_equal_distances_wherever_they_stand() -> None:
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(700, 33)).astype(np.float32)
    order = generator.permutation(700)
    for distance in ("euclidean", "cosine"):
        scorer = Centroid(distance=distance).fit(rows, Given())
        values = scorer.score(rows).values
        assert (scorer.score(rows[order]).values == values[order]).all()
        assert (scorer.score(rows[300:301]).values == values[300]).all()


def test_a_detector_with_its_threshold_predicts_a_few_documents() -> None:
    scorer = learn(UnseenTemplates(), NORMAL, ["normal"] * 3, Given())
    documents = [*NORMAL, STRANGE]
    choice = choose(scorer.score(documents), ["normal"] * 3 + ["anomaly"])
    told = Detection(scorer, choice).predict([STRANGE, NORMAL[0]])
    assert told.labels.tolist() == ["anomaly", "normal"]
