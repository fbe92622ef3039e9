"""How sure we are: intervals from bootstrap draws, spread over seeds, p-values.

Two sources of doubt are kept apart: *sampling* (other test documents could have been drawn;
bootstrap intervals) and *seeds* (another split or initialisation; mean and spread). Who is drawn
and what is measured of it is told in `results.resampling` and `results.measures`.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

DRAWS = 1000
MAX_DRAWS = 20_000
LEVEL, ALPHA = 0.95, 0.05


@dataclass(frozen=True)
class Interval:
    """A two-sided interval, 95 % unless said otherwise."""

    low: float
    high: float

    @property
    def negated(self) -> "Interval":
        """The interval of the negative."""
        return Interval(0.0 - self.high, 0.0 - self.low)


@dataclass(frozen=True)
class Measure:
    """One measure with its interval, or the reason why it has no value."""

    value: float | None = None
    interval: Interval | None = None
    reason: str = ""


@dataclass(frozen=True)
class Spread:
    """Values over seeds: mean, sample standard deviation (`None` for one value), how many."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Paired:
    """One cell against the baseline on the same documents.

    Attributes:
        only_baseline: documents that the baseline alone got right.
        only_cell: documents that the cell alone got right.
        p: exact two-sided McNemar p of these two counts, before any correction.
        gain: macro-F1 of the cell minus that of the baseline.
        gain_interval: paired bootstrap interval of `gain`.
        accuracy_gain: accuracy of the cell minus that of the baseline.
        accuracy_interval: paired bootstrap interval of `accuracy_gain`.
        gain_p: two-sided bootstrap p of `gain`, before any correction; `None` where the family of
            comparisons is too large for the draws that are made.
    """

    only_baseline: int
    only_cell: int
    p: float
    gain: float
    gain_interval: Interval
    accuracy_gain: float
    accuracy_interval: Interval
    gain_p: float | None = None


def generator(name: str) -> np.random.Generator:
    """Make the random generator that belongs to a record's name, the same on every machine."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()))


def percentile_bounds(
    values: Float[np.ndarray, "... b"], *, level: float = LEVEL
) -> Float[np.ndarray, "... 2"]:
    """Cut equal tails off bootstrap distributions (Efron & Tibshirani 1993, section 13.3).

    Draws in which a value is undefined (NaN) are left out; where all are, the bounds are NaN.
    """
    tail = (1 - level) / 2
    values = np.sort(values, axis=-1)
    last = np.maximum(np.sum(~np.isnan(values), axis=-1, keepdims=True) - 1, 0)
    place = np.concatenate([tail * last, (1 - tail) * last], axis=-1)
    below = np.floor(place).astype(np.intp)
    low = np.take_along_axis(values, below, axis=-1)
    high = np.take_along_axis(values, np.minimum(below + 1, last), axis=-1)
    return np.asarray(low + (place - below) * (high - low))


def percentile_interval(values: Float[np.ndarray, " b"], *, level: float = LEVEL) -> Interval:
    """Return one distribution's `percentile_bounds`."""
    low, high = percentile_bounds(values, level=level)
    return Interval(float(low), float(high))


def shifted_interval(value: float, shifts: Float[np.ndarray, " b"]) -> Interval:
    """Cut tails off a share's bootstrap distribution, given how far each draw moves it.

    The shifts are of first order and may lead out of the unit interval; moved on the scale of the
    logit they do not, and cover better near its ends (Pepe 2003, section 5.2.4, of the ROC area).
    """
    if not 0 < value < 1:
        return Interval(value, value)
    bounds = percentile_bounds(shifts) / (value * (1 - value)) + np.log(value / (1 - value))
    low, high = 1 / (1 + np.exp(-bounds))
    return Interval(float(low), float(high))


def spread(values: Sequence[float]) -> Spread:
    """Summarise one value per seed."""
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Spread(mean=float(np.mean(values)), sd=sd, n=len(values))


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of two discordant counts under a fair coin (McNemar 1947)."""
    from scipy.special import bdtr

    lesser = float(min(only_first, only_second))
    return min(1.0, 2 * float(bdtr(lesser, only_first + only_second, 0.5)))


def sign_flips(differences: Int[np.ndarray, " n"]) -> float:
    """Return the exact two-sided p of a sum, were each difference as likely of the other sign.

    Fisher's randomisation test (The Design of Experiments, 1935, section 21): what belongs together
    (a document's outcomes in all seeds, the documents of a group) is one difference. Where all of
    them are -1, 0 or 1 it is McNemar's exact test. The distribution is worked out, not drawn, so
    that no p is too small for it.
    """
    from scipy.stats import binom

    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    chances = np.ones(1)  # of each sum of the sizes that are of one sign
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        step = np.zeros(size * count + 1)
        step[::size] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances = np.convolve(chances, step)
    total = len(chances) - 1
    as_far = np.abs(2 * np.arange(total + 1) - total) >= abs(int(differences.sum()))
    return min(1.0, float(chances[as_far].sum()))


def bootstrap_p(value: float, draws: Float[np.ndarray, " b"]) -> float:
    """Return the two-sided p that a difference is zero, from its bootstrap draws.

    The draws are moved to where the hypothesis has them, about zero (Hall & Wilson 1991), and
    counted with the sample itself among them (Davison & Hinkley 1997, eq. 4.11).
    """
    as_far = np.abs(draws - value) >= abs(value) - 1e-12
    return float((1 + as_far.sum()) / (len(draws) + 1))


def draws_for(family: int, *, alpha: float = ALPHA) -> int:
    """Return how many draws let a bootstrap p be small enough after Holm over a family.

    B draws cannot give a p below 1 / (B + 1), so there are twenty for each comparison and alpha.
    """
    return max(DRAWS, math.ceil(20 * family / alpha))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust a family of p-values step down (Holm 1979); the order is kept."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    factors = np.arange(len(p_values), 0, -1)
    stepped = np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * factors)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(p) for p in adjusted]
