import math
from itertools import product

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from results.statistics import (
    Interval,
    Outcomes,
    accuracy,
    compare,
    generator,
    holm,
    macro_f1,
    mcnemar,
    percentile_interval,
    resample_documents,
    resample_groups,
    score_intervals,
    spread,
)


def outcomes(
    seed: int, *, skill: float = 0.7, n: int = 300, k: int = 3, groups: int | None = None
) -> Outcomes:
    rng = np.random.default_rng(seed)
    label = np.random.default_rng(99).integers(0, k, n)
    predicted = np.where(rng.random(n) < skill, label, rng.integers(0, k, n))
    belongs = None if groups is None else np.arange(n) % groups
    return Outcomes(label, predicted, belongs, k)


def confusion(one: Outcomes) -> np.ndarray:
    matrix = np.zeros((one.num_classes, one.num_classes))
    np.add.at(matrix, (one.label, one.predicted), 1)
    return matrix


def test_scores_from_confusions_equal_scikit_learn() -> None:
    one = outcomes(1)
    expected = f1_score(one.label, one.predicted, average="macro")
    assert macro_f1(confusion(one)[None])[0] == pytest.approx(expected)
    assert accuracy(confusion(one)[None])[0] == pytest.approx(
        accuracy_score(one.label, one.predicted)
    )


def test_a_class_without_test_documents_counts_as_zero() -> None:
    one = outcomes(1, k=3)
    with_absent = Outcomes(one.label, one.predicted, None, 4)
    assert with_absent.untested == 1
    found = macro_f1(confusion(with_absent)[None], untested=1)[0]
    expected = f1_score(
        one.label, one.predicted, labels=[0, 1, 2, 3], average="macro", zero_division=0
    )
    assert found == pytest.approx(expected)


def test_a_class_missed_by_a_draw_is_left_out_of_it() -> None:
    missed = np.array([[[5.0, 0, 0], [1, 4, 0], [0, 0, 0]]])
    assert macro_f1(missed)[0] == pytest.approx((10 / 11 + 8 / 9) / 2)


def test_every_draw_keeps_the_size_of_every_class() -> None:
    counts, strata = np.array([5, 3, 0, 7, 2, 0]), np.array([0, 0, 1, 1, 2, 3])
    drawn = resample_documents(counts, strata, generator("x"), draws=200)
    for stratum in range(4):
        assert (drawn[:, strata == stratum].sum(axis=1) == counts[strata == stratum].sum()).all()


def test_multinomial_draws_vary_like_drawing_documents_one_by_one() -> None:
    one = outcomes(3, k=2, n=120)
    rng = np.random.default_rng(0)
    slow = []
    for _ in range(1000):
        picked = np.concatenate(
            [rng.choice(np.flatnonzero(one.label == c), (one.label == c).sum()) for c in (0, 1)]
        )
        slow.append(np.mean(one.label[picked] == one.predicted[picked]))
    expected = np.quantile(slow, [0.025, 0.975])
    found, _ = score_intervals(one, generator("fast"))
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.02)


def test_accuracy_interval_agrees_with_the_normal_approximation() -> None:
    one = outcomes(4, n=2000, k=2, skill=0.6)
    p = float(np.mean(one.label == one.predicted))
    half = 1.96 * math.sqrt(p * (1 - p) / 2000)
    found, _ = score_intervals(one, generator("x"))
    assert found.low == pytest.approx(p - half, abs=0.006)
    assert found.high == pytest.approx(p + half, abs=0.006)


def test_documents_that_stand_and_fall_together_widen_the_interval() -> None:
    label = np.repeat(np.arange(2), 200)
    right = np.repeat(np.random.default_rng(1).random(20) < 0.7, 20)
    predicted = np.where(right, label, 1 - label)
    group = np.repeat(np.arange(20), 20)
    alone, _ = score_intervals(Outcomes(label, predicted, None, 2), generator("x"))
    together, _ = score_intervals(Outcomes(label, predicted, group, 2), generator("x"))
    assert together.high - together.low > 2.5 * (alone.high - alone.low)


def test_group_draws_take_whole_groups() -> None:
    counts = np.array([[2, 0], [0, 3]])
    drawn = resample_groups(counts, generator("x"), draws=300)
    assert {tuple(row) for row in drawn} == {(4.0, 0.0), (2.0, 3.0), (0.0, 6.0)}


def test_the_same_name_gives_the_same_interval_and_another_name_another() -> None:
    one = outcomes(5)
    first, again = (score_intervals(one, generator("a/b/1")) for _ in range(2))
    assert first == again
    assert first != score_intervals(one, generator("a/b/2"))


def test_percentiles_cut_equal_tails() -> None:
    found = percentile_interval(np.arange(1001.0))
    assert (found.low, found.high) == pytest.approx((25.0, 975.0))


@pytest.mark.parametrize(("b", "c"), [*product(range(5), range(5)), (3, 17), (40, 12)])
def test_mcnemar_is_the_two_sided_sum_of_a_fair_binomial(b: int, c: int) -> None:
    n = b + c
    tail = sum(math.comb(n, i) for i in range(min(b, c) + 1)) / 2**n
    assert mcnemar(b, c) == pytest.approx(min(1.0, 2 * tail))


def test_holm_by_hand() -> None:
    # sorted: .01 * 4, .02 * 3, .03 * 2, .04 * 1, each at least the one before
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_comparison_counts_discordant_documents_and_gains_in_macro_f1() -> None:
    base, cell = outcomes(6, skill=0.5), outcomes(7, skill=0.8)
    found = compare(base, cell, generator("x"))
    base_right, cell_right = base.predicted == base.label, cell.predicted == cell.label
    assert found.only_baseline == np.sum(base_right & ~cell_right)
    assert found.only_cell == np.sum(~base_right & cell_right)
    assert found.p == mcnemar(found.only_baseline, found.only_cell) < 0.001
    expected = f1_score(cell.label, cell.predicted, average="macro") - f1_score(
        base.label, base.predicted, average="macro"
    )
    assert found.gain == pytest.approx(expected)
    assert 0 < found.gain_interval.low < found.gain < found.gain_interval.high


def test_a_cell_equal_to_the_baseline_gains_nothing() -> None:
    one = outcomes(8, groups=30)
    found = compare(one, one, generator("x"))
    assert (found.p, found.gain, found.gain_interval) == (1.0, 0.0, Interval(0.0, 0.0))


def test_pairing_makes_the_gain_sharper_than_two_intervals() -> None:
    base = outcomes(9, skill=0.7)
    predicted = base.predicted.copy()
    predicted[:10] = base.label[:10]
    cell = Outcomes(base.label, predicted, None, 3)
    found = compare(base, cell, generator("x")).gain_interval
    _, alone = score_intervals(cell, generator("x"))
    assert found.high - found.low < (alone.high - alone.low) / 2


def test_spread_over_one_seed_has_no_deviation() -> None:
    assert spread([0.5]).sd is None
    assert spread([0.4, 0.6]).sd == pytest.approx(math.sqrt(0.02))


def test_intervals_of_many_cells_are_fast() -> None:
    import time

    one = outcomes(10, n=2000, k=14)
    started = time.process_time()
    for i in range(10):
        score_intervals(one, generator(str(i)))
    assert time.process_time() - started < 5.0
