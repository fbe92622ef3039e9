"""Worked examples that were published, and other people's implementations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, permutation_test
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from results.agreement import agreement
from results.measures import Tallies, mcc, rank
from results.outcomes import Documents
from results.resampling import Draws
from results.statistics import holm, mcnemar, sign_flips


def test_approval_ratings_of_agresti() -> None:
    """Agresti, Categorical Data Analysis (1990), p. 350: 794, 150, 86, 570.

    z squared is 17.36 (p = 3.1e-5); exact, as R's exact2x2 has it, p = 3.716e-5.
    """
    assert mcnemar(86, 150) == pytest.approx(3.716e-5, rel=1e-4)
    exact = reference_mcnemar([[794, 150], [86, 570]], exact=True)
    assert mcnemar(86, 150) == pytest.approx(exact.pvalue)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_that_of_statsmodels(b: int, c: int) -> None:
    expected = float(reference_mcnemar([[5, b], [c, 7]], exact=True).pvalue) if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_darwins_maize_as_fisher_worked_it_out() -> None:
    """The Design of Experiments (1935), section 21.

    Of 32,768 arrangements of signs 863 come to 314 or more: both tails are 5.267 %.
    """
    eighths = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])
    assert eighths.sum() == 314
    assert sign_flips(eighths) == pytest.approx(2 * 863 / 32_768)


@pytest.mark.parametrize("seed", range(5))
def test_sign_flips_are_scipys_permutation_test_of_paired_samples(seed: int) -> None:
    differences = np.random.default_rng(seed).integers(-3, 5, 11)
    found = permutation_test(
        (differences, np.zeros(11)),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert sign_flips(differences) == pytest.approx(found.pvalue)


def test_holm_bonferroni_example() -> None:
    """Four hypotheses with p of .01, .04, .03 and .005 (Wikipedia, "Holm-Bonferroni method").

    At 5 % the fourth and the first are rejected.
    """
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [p <= 0.05 for p in adjusted] == [True, False, False, True]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_that_of_statsmodels(ps: list[float]) -> None:
    np.testing.assert_allclose(holm(ps), multipletests(ps, method="holm")[1])


class Ranked:
    """An entry as far as `agreement` looks at it."""

    differs = None

    def __init__(self, model: str, classifier: str, score: float) -> None:
        self.model, self.classifier = model, classifier
        self.macro_f1 = type("Spread", (), {"mean": score})()


def test_tuna_quality_of_hollander_and_wolfe() -> None:
    """Nonparametric Statistical Methods (1973), p. 185; R's `cor.test` has tau .4444, p .1194."""
    lightness = [44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1]
    panel = [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8]
    entries = [
        Ranked(f"m{i}", name, score)
        for name, scores in (("lightness", lightness), ("panel", panel))
        for i, score in enumerate(scores)
    ]
    (found,) = agreement(entries)
    assert (found.tau, found.p) == pytest.approx((0.4444, 0.1194), abs=5e-5)
    expected = kendalltau(lightness, panel)
    assert (found.tau, found.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_mouse_data_of_efron_and_tibshirani() -> None:
    """An Introduction to the Bootstrap (1993), table 2.2.

    The bootstrap standard error of the treated mice's mean survival is 23.36 days with infinitely
    many draws.
    """
    treated = np.array([94, 197, 16, 38, 99, 141, 23])
    mice = Documents.of(tuple("abcdefg"), ("treated",), np.zeros(7, dtype=np.int16))
    weights = np.concatenate([some for _, some in Draws.over([mice]).chunks(20_000)])
    means = weights @ treated / 7
    assert means.mean() == pytest.approx(86.86, abs=0.6)
    assert means.std() == pytest.approx(23.36, abs=0.4)


def test_ratings_of_hanley_and_mcneil() -> None:
    """The meaning and use of the area under a ROC curve (Radiology 143, 1982), table 1: .893.

    58 normal and 51 abnormal images were rated from 1 to 5; the paper's standard error is .032,
    that of DeLong, DeLong & Clarke-Pearson (1988), whose components our pulls are, .0307.
    """
    ratings = {0: [33, 6, 6, 11, 2], 1: [3, 2, 2, 11, 33]}
    rated = np.concatenate([np.repeat(np.arange(5.0), counts) for counts in ratings.values()])
    label = np.repeat([0, 1], [58, 51])
    found = rank([-rated, rated], label)
    assert found.roc_auc == pytest.approx(0.893, abs=5e-4)
    squares = found.roc_pull.astype(float) ** 2
    variance = sum(squares[label == c].sum() * n / (n - 1) for c, n in ((0, 58), (1, 51)))
    assert np.sqrt(variance) == pytest.approx(0.0307, abs=1e-4)


def test_cats_and_dogs() -> None:
    """12 animals, 6 TP, 2 FN, 1 FP, 3 TN: .478 (Wikipedia, "Phi coefficient")."""
    counts = Tallies(np.array([6.0, 3]), np.array([7.0, 5]), np.array([8.0, 4]))
    assert mcc(counts) == pytest.approx(0.478, abs=5e-4)
