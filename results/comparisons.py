"""Two cells, or two entries over several seeds, set against each other document by document.

Scores are compared over the bootstrap draws that both share (`results.resampling`); who got more
documents right is tested exactly, by McNemar's test and what it becomes where several outcomes
belong together (`results.statistics.sign_flips`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from jaxtyping import Float

from results.entries import Entry
from results.measures import ratio
from results.outcomes import Outcomes
from results.resampling import Draws
from results.statistics import Interval, holm, mcnemar, percentile_interval, sign_flips

Score = Literal["accuracy", "macro_f1"]

MOST = 20
"""Entries in a matrix of comparisons, at most."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A score, and the same over the bootstrap draws."""

    value: float
    draws: Float[np.ndarray, " b"]

    def minus(self, other: "Sample") -> "Sample":
        """Return the difference, draw by draw."""
        return Sample(self.value - other.value, self.draws - other.draws)

    @property
    def interval(self) -> Interval:
        """The 95 % percentile interval."""
        return percentile_interval(self.draws)


@dataclass(frozen=True, eq=False)
class Sampled:
    """One cell over draws that all cells tested on its documents share.

    Attributes:
        outcomes: what it said of its documents.
        draws: the draws of documents.
    """

    outcomes: Outcomes
    draws: Draws
    accuracy: Sample
    macro_f1: Sample


@dataclass(frozen=True)
class Comparison:
    """First against second on the same documents; over several seeds the mean of each.

    Attributes:
        gain: macro-F1 of the first minus that of the second.
        gain_interval: 95 % paired bootstrap interval of `gain`.
        accuracy_gain: accuracy of the first minus that of the second.
        accuracy_interval: 95 % paired bootstrap interval of `accuracy_gain`.
        only_first: documents that the first alone got right, summed over seeds.
        only_second: documents that the second alone got right, summed over seeds.
        p: exact two-sided p that both are right as often, before any correction.
        p_kind: what test that is.
        seeds: how many seeds both have.
    """

    gain: float
    gain_interval: Interval
    accuracy_gain: float
    accuracy_interval: Interval
    only_first: int
    only_second: int
    p: float
    p_kind: str
    seeds: int

    def reversed(self) -> "Comparison":
        """Return second against first."""
        return replace(
            self,
            gain=0.0 - self.gain,
            gain_interval=self.gain_interval.negated,
            accuracy_gain=0.0 - self.accuracy_gain,
            accuracy_interval=self.accuracy_interval.negated,
            only_first=self.only_second,
            only_second=self.only_first,
        )

    def separates(self, score: Score) -> bool:
        """Whether the interval of this score's difference leaves out zero."""
        interval = self.accuracy_interval if score == "accuracy" else self.gain_interval
        return not interval.low <= 0 <= interval.high


def compare(pairs: Sequence[tuple[Sampled, Sampled]]) -> Comparison:
    """Compare cells by seed: one pair for each seed, all over the same draws.

    Cells of two runs can be compared where they were tested on the same documents: their draws are
    the same.

    Args:
        pairs: first and second of each seed, on documents of equal key.
    """
    assert all(a.outcomes.documents.key == b.outcomes.documents.key for a, b in pairs)
    gain = mean([a.macro_f1.minus(b.macro_f1) for a, b in pairs])
    accuracy_gain = mean([a.accuracy.minus(b.accuracy) for a, b in pairs])
    p, p_kind = _tested(pairs)
    return Comparison(
        gain=gain.value,
        gain_interval=gain.interval,
        accuracy_gain=accuracy_gain.value,
        accuracy_interval=accuracy_gain.interval,
        only_first=sum(_alone(a, b) for a, b in pairs),
        only_second=sum(_alone(b, a) for a, b in pairs),
        p=p,
        p_kind=p_kind,
        seeds=len(pairs),
    )


def mean(samples: Sequence[Sample]) -> Sample:
    """Average over seeds, draw by draw; a draw without a document of some seed has the others'."""
    draws = np.stack([one.draws for one in samples])
    known = ~np.isnan(draws)
    return Sample(
        float(np.mean([one.value for one in samples])),
        ratio(np.where(known, draws, 0.0).sum(axis=0), known.sum(axis=0)),
    )


def _alone(one: Sampled, other: Sampled) -> int:
    return int(np.sum(one.outcomes.right & ~other.outcomes.right))


def _tested(pairs: Sequence[tuple[Sampled, Sampled]]) -> tuple[float, str]:
    """Test who is right more often; what belongs to one unit of the draws is swapped together."""
    grouped = pairs[0][0].outcomes.documents.groups is not None
    if len(pairs) == 1 and not grouped:
        return mcnemar(_alone(*pairs[0]), _alone(*reversed(pairs[0]))), "exact McNemar"
    draws = pairs[0][0].draws
    won = np.zeros(draws.units, dtype=np.int64)
    for a, b in pairs:
        place = draws.places[a.outcomes.documents.key]
        np.add.at(won, place, a.outcomes.right.astype(int) - b.outcomes.right.astype(int))
    return sign_flips(won), f"exact sign flips of {'groups' if grouped else 'documents'}"


@dataclass(frozen=True)
class Significance:
    """Every entry against every other.

    Attributes:
        entries: what is compared.
        left_out: how many more there are.
        comparisons: places of two entries, the earlier first -> their comparison, where there is
            one.
        p_holm: its p after Holm over all of them.
    """

    entries: tuple[Entry, ...]
    left_out: int
    comparisons: Mapping[tuple[int, int], Comparison]
    p_holm: Mapping[tuple[int, int], float]

    def at(self, row: int, column: int) -> Comparison | None:
        """Return the entry of a row against that of a column."""
        if row <= column:
            return self.comparisons.get((row, column))
        found = self.comparisons.get((column, row))
        return found and found.reversed()


def significance(
    entries: Sequence[Entry], compare: Callable[[Entry, Entry], Comparison | None]
) -> Significance:
    """Compare the first entries, `MOST` of them, with each other; adjust p over all pairs."""
    kept = tuple(entries[:MOST])
    pairs = {(i, j): compare(kept[i], kept[j]) for i, j in combinations(range(len(kept)), 2)}
    found = {place: one for place, one in pairs.items() if one is not None}
    adjusted = holm([one.p for one in found.values()])
    return Significance(
        entries=kept,
        left_out=len(entries) - len(kept),
        comparisons=found,
        p_holm=dict(zip(found, adjusted, strict=True)),
    )
