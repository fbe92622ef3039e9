import numpy as np
import pytest
from invented_outcomes import documents, outcomes
from sklearn.metrics import f1_score

from results.comparisons import Comparison
from results.evidence import Evidence
from results.outcomes import Documents, Outcomes
from results.statistics import Interval, mcnemar, sign_flips


def compared(first: Outcomes, second: Outcomes) -> Comparison:
    return Evidence({"first": first, "second": second}).compare([("first", "second")])


def over_seeds(sets: list[Documents], *, skills: tuple[float, float]) -> Comparison:
    """Two entries over as many seeds as there are sets."""
    cells = {
        f"{name}/{seed}": outcomes(on, seed=100 * i + seed, skill=skills[i])
        for seed, on in enumerate(sets)
        for i, name in enumerate(("first", "second"))
    }
    return Evidence(cells).compare([(f"first/{i}", f"second/{i}") for i in range(len(sets))])


def width(interval: Interval) -> float:
    return interval.high - interval.low


def test_discordant_documents_are_counted_and_gains_are_scikit_learns() -> None:
    on = documents()
    first, second = outcomes(on, seed=6, skill=0.8), outcomes(on, seed=7, skill=0.5)
    found = compared(first, second)
    assert found.only_first == np.sum(first.right & ~second.right)
    assert found.only_second == np.sum(~first.right & second.right)
    assert found.p == mcnemar(found.only_first, found.only_second) < 0.001
    assert (found.p_kind, found.seeds) == ("exact McNemar", 1)
    scores = [f1_score(on.label, one.predicted, average="macro") for one in (first, second)]
    assert found.gain == pytest.approx(scores[0] - scores[1])
    assert found.accuracy_gain == pytest.approx(first.right.mean() - second.right.mean())
    assert 0 < found.gain_interval.low < found.gain < found.gain_interval.high
    assert found.accuracy_interval.low < found.accuracy_gain < found.accuracy_interval.high


def test_a_cell_gains_nothing_against_its_like() -> None:
    on = documents(groups=30)
    found = compared(outcomes(on, seed=8), outcomes(on, seed=8))
    assert (found.p, found.gain, found.gain_interval) == (1.0, 0.0, Interval(0.0, 0.0))
    assert not found.separates("accuracy") and not found.separates("macro_f1")


def test_pairing_makes_the_gain_sharper_than_two_intervals() -> None:
    on = documents()
    second = outcomes(on, seed=9)
    predicted = second.predicted.copy()
    predicted[:10] = on.label[:10]
    first = Outcomes(on, predicted)
    alone = Evidence({"cell": first}).judged()["cell"].measures["macro_f1"].interval
    assert alone is not None
    assert width(compared(first, second).gain_interval) < width(alone) / 2


def test_the_other_way_round_is_the_negative() -> None:
    on = documents()
    first, second = outcomes(on, seed=1, skill=0.8), outcomes(on, seed=2, skill=0.6)
    there, back = compared(first, second), compared(second, first)
    turned = there.reversed()
    assert (turned.gain, turned.accuracy_gain) == (back.gain, back.accuracy_gain)
    assert (turned.only_first, turned.only_second, turned.p) == (
        back.only_first, back.only_second, back.p,
    )  # fmt: skip
    for ours, theirs in (
        (turned.gain_interval, back.gain_interval),
        (turned.accuracy_interval, back.accuracy_interval),
    ):
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert turned.reversed() == there


def test_over_seeds_the_gain_is_the_mean_and_documents_add_up() -> None:
    sets = [documents(200, first=first) for first in (0, 100, 1000)]
    found = over_seeds(sets, skills=(0.8, 0.6))
    alone = [
        Evidence(
            {
                "first": outcomes(on, seed=seed, skill=0.8),
                "second": outcomes(on, seed=100 + seed, skill=0.6),
            }
        ).compare([("first", "second")])
        for seed, on in enumerate(sets)
    ]
    assert found.seeds == 3 and found.p_kind == "exact sign flips of documents"
    assert found.gain == pytest.approx(np.mean([one.gain for one in alone]))
    assert found.only_first == sum(one.only_first for one in alone)
    assert found.gain_interval.low < found.gain < found.gain_interval.high


def test_a_document_of_two_seeds_is_drawn_for_both() -> None:
    """Seeds that test the same documents with the same outcome tell no more than one of them."""
    on, elsewhere = documents(200), documents(200, first=5000)
    first, second = outcomes(on, seed=1, skill=0.7), outcomes(on, seed=2, skill=0.6)
    there = Outcomes(elsewhere, elsewhere.label), Outcomes(elsewhere, elsewhere.label)
    once = compared(first, second)
    twice = Evidence({"a": first, "b": second, "c": first, "d": second}).compare(
        [("a", "b"), ("c", "d")]
    )
    assert twice.gain_interval == once.gain_interval
    assert twice.p == pytest.approx(once.p)
    apart = Evidence({"a": first, "b": second, "c": there[0], "d": there[1]}).compare(
        [("a", "b"), ("c", "d")]
    )
    assert width(apart.gain_interval) == pytest.approx(width(once.gain_interval) / 2, rel=0.15)


def test_seeds_that_overlap_are_drawn_as_documents_not_as_outcomes() -> None:
    """By hand: each draw takes a document into every seed that tests it, as often."""
    sets = [documents(100), documents(100, first=40)]
    cells = {f"{i}": outcomes(on, seed=i) for i, on in enumerate(sets)}
    sampled = Evidence(cells).sampled(["0", "1"])
    rng = np.random.default_rng(3)
    union = sorted(set(sets[0].ids) | set(sets[1].ids))
    label = {name: c for on in sets for name, c in zip(on.ids, on.label.tolist(), strict=True)}
    slow = []
    for _ in range(1500):
        times: dict[str, int] = dict.fromkeys(union, 0)
        for c in range(3):
            members = [name for name in union if label[name] == c]
            for at in rng.integers(0, len(members), len(members)):
                times[members[at]] += 1
        weights = [np.array([times[name] for name in on.ids]) for on in sets]
        slow.append(
            np.mean([
                np.average(cells[f"{i}"].right, weights=weights[i]) for i in range(2)
            ])
        )  # fmt: skip
    fast = np.mean([one.accuracy.draws for one in sampled], axis=0)
    assert fast.std() == pytest.approx(np.std(slow), rel=0.1)
    assert np.quantile(fast, [0.025, 0.975]) == pytest.approx(
        np.quantile(slow, [0.025, 0.975]), abs=0.015
    )


def test_documents_of_a_group_are_swapped_together() -> None:
    on = documents(200, groups=20)
    first, second = outcomes(on, seed=1, skill=0.7), outcomes(on, seed=2, skill=0.6)
    found = compared(first, second)
    index = np.unique(on.groups or (), return_inverse=True)[1]
    won = np.bincount(index, weights=first.right.astype(int) - second.right.astype(int))
    assert found.p == pytest.approx(sign_flips(won.astype(int)))
    assert found.p_kind == "exact sign flips of groups"


def test_comparisons_are_made_once() -> None:
    on = documents()
    evidence = Evidence({"a": outcomes(on, seed=1), "b": outcomes(on, seed=2)})
    assert evidence.compare([("a", "b")]) is evidence.compare([("a", "b")])


def test_cells_of_two_runs_share_draws() -> None:
    """What `logmark compare` stands on: their vectors can be subtracted."""
    first, second = outcomes(documents(), seed=1), outcomes(documents(), seed=2)
    ours, theirs = (Evidence({"cell": one}).sampled(["cell"])[0] for one in (first, second))
    gain = ours.macro_f1.minus(theirs.macro_f1)
    assert (
        gain.interval == compared(first, Outcomes(first.documents, second.predicted)).gain_interval
    )
