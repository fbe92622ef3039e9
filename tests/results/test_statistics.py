import math
from itertools import product

import numpy as np
import pytest

from results.statistics import (
    Interval,
    bootstrap_p,
    draws_for,
    generator,
    holm,
    mcnemar,
    percentile_bounds,
    percentile_interval,
    shifted_interval,
    sign_flips,
    spread,
)


def test_percentiles_cut_equal_tails() -> None:
    found = percentile_interval(np.arange(1001.0))
    assert (found.low, found.high) == pytest.approx((25.0, 975.0))


def test_bounds_are_numpys_quantiles_whatever_the_shape() -> None:
    values = np.random.default_rng(1).normal(size=(3, 2, 999))
    expected = np.moveaxis(np.quantile(values, [0.025, 0.975], axis=-1), 0, -1)
    np.testing.assert_allclose(percentile_bounds(values), expected)


def test_draws_in_which_a_value_is_undefined_are_left_out() -> None:
    values = np.random.default_rng(2).normal(size=500)
    holed = np.stack([np.insert(values, 100, np.nan), np.full(501, np.nan)])
    bounds = percentile_bounds(holed)
    np.testing.assert_allclose(bounds[0], np.quantile(values, [0.025, 0.975]))
    assert np.isnan(bounds[1]).all()


def test_a_share_is_moved_within_zero_and_one() -> None:
    shifts = np.linspace(-0.03, 0.03, 1001)
    near_one = shifted_interval(0.99, shifts)
    assert 0.8 < near_one.low < 0.96 and 0.99 < near_one.high < 1
    middle, plain = shifted_interval(0.5, shifts), percentile_interval(0.5 + shifts)
    assert (middle.low, middle.high) == pytest.approx((plain.low, plain.high), abs=1e-4)
    assert shifted_interval(1.0, np.zeros(9)) == Interval(1.0, 1.0)


@pytest.mark.parametrize(("b", "c"), [*product(range(5), range(5)), (3, 17), (40, 12)])
def test_mcnemar_is_the_two_sided_sum_of_a_fair_binomial(b: int, c: int) -> None:
    n = b + c
    tail = sum(math.comb(n, i) for i in range(min(b, c) + 1)) / 2**n
    assert mcnemar(b, c) == pytest.approx(min(1.0, 2 * tail))


def test_sign_flips_of_single_documents_are_mcnemars_test() -> None:
    for won, lost in product(range(6), range(6)):
        ones = np.repeat([1, -1, 0], [won, lost, 9])
        assert sign_flips(ones) == pytest.approx(mcnemar(won, lost))


@pytest.mark.parametrize("seed", range(8))
def test_sign_flips_count_every_arrangement_of_signs(seed: int) -> None:
    differences = np.random.default_rng(seed).integers(-4, 6, 9)
    signs = np.array(list(product([-1, 1], repeat=9)))
    as_far = np.abs(signs @ np.abs(differences)) >= abs(differences.sum())
    assert sign_flips(differences) == pytest.approx(as_far.mean())


def test_who_wins_together_in_all_seeds_counts_as_one_document() -> None:
    alone, thrice = np.array([1] * 9 + [-1]), np.array([3] * 9 + [-3])
    assert sign_flips(thrice) == pytest.approx(sign_flips(alone))
    assert sign_flips(np.array([1] * 27 + [-1] * 3)) < 0.01 * sign_flips(thrice)


def test_bootstrap_p_counts_draws_as_far_from_the_gain_as_it_is_from_zero() -> None:
    draws = np.array([0.1, 0.2, 0.3, 0.4, 0.6])  # moved to zero: -.2, -.1, 0, .1, .3
    assert bootstrap_p(0.3, draws) == pytest.approx(2 / 6)
    assert bootstrap_p(0.0, np.zeros(9)) == 1.0
    assert bootstrap_p(1.0, np.ones(999)) == pytest.approx(1 / 1000)


@pytest.mark.parametrize(("family", "draws"), [(0, 1000), (2, 1000), (3, 1200), (50, 20_000)])
def test_a_family_gets_twenty_draws_for_each_comparison_and_alpha(family: int, draws: int) -> None:
    assert draws_for(family) == draws
    assert family / (draws + 1) < 0.05 / 2  # the smallest p after Holm


def test_holm_by_hand() -> None:
    # sorted: .01 * 4, .02 * 3, .03 * 2, .04 * 1, each at least the one before
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_spread_over_one_seed_has_no_deviation() -> None:
    assert spread([0.5]).sd is None
    assert spread([0.4, 0.6]).sd == pytest.approx(math.sqrt(0.02))


def test_the_same_name_gives_the_same_numbers_and_another_name_others() -> None:
    first, again, other = (generator(name).random() for name in ("a", "a", "b"))
    assert first == again != other
