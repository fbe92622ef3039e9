"""Everything that is measured of a run's cells over shared draws, each thing computed once.

In go the outcomes of all cells, out come their scores with intervals, and any two of them
compared. Cells of several seeds are drawn together, from the union of what they were tested on.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from results import measures
from results.comparisons import Comparison, Sample, Sampled, compare
from results.measures import Tallies
from results.outcomes import Documents, Outcomes
from results.resampling import Batch, Draws, batches
from results.statistics import DRAWS, Interval, Measure, percentile_bounds, shifted_interval

_OVERALL = {
    "accuracy": measures.accuracy,
    "macro_f1": measures.macro_f1,
    "weighted_f1": measures.weighted_f1,
    "mcc": measures.mcc,
}
_PER_CLASS = {"precision": measures.precision, "recall": measures.recall, "f1": measures.f1}
_AREAS = ("roc_auc", "pr_auc")
_EMPTY = {
    "precision": "no test document was called {!r}",
    "recall": "class {!r} has no test document",
    "f1": "class {!r} has no test document, and none was called it",
}


@dataclass(frozen=True)
class Judged:
    """What is measured of one cell; see `results.entries.Verdict`."""

    measures: Mapping[str, Measure]
    per_class: Mapping[str, Mapping[str, Measure]]


class Evidence:
    """The outcomes of a run's cells, and what follows from them.

    Attributes:
        outcomes: name of each ok record -> what its cell said.
    """

    def __init__(self, outcomes: Mapping[str, Outcomes], *, draws: int = DRAWS) -> None:
        """Hold what the cells said; cells are compared over so many draws."""
        self.outcomes = outcomes
        self._draws = draws
        self._pools: dict[tuple[str, ...], dict[str, Sampled]] = {}
        self._compared: dict[tuple[tuple[str, str], ...], Comparison] = {}

    @property
    def grouped(self) -> bool:
        """Whether test documents come in groups."""
        return any(one.groups is not None for one in self._sets())

    def judged(self) -> dict[str, Judged]:
        """Measure every cell, with intervals over its own test documents."""
        found: dict[str, Judged] = {}
        for documents in self._sets():
            names, outcomes = self._tested_on(documents)
            draws = Draws.over([documents])
            judged: list[Judged] = []
            sampled: list[Sampled] = []
            for batch in batches(draws, outcomes, ranked=True):
                judged += _judge(batch)
                sampled += _sampled(batch, draws)
            found |= dict(zip(names, judged, strict=True))
            self._pools[(documents.key,)] = dict(zip(names, sampled, strict=True))
        return found

    def sampled(self, names: Sequence[str]) -> list[Sampled]:
        """Return cells over draws from the union of their test documents; one cell per seed."""
        sets = {one.key: one for one in (self.outcomes[name].documents for name in names)}
        pool = self._pool([sets[key] for key in sorted(sets)])
        return [pool[name] for name in names]

    def compare(self, pairs: Sequence[tuple[str, str]]) -> Comparison:
        """Compare cells by seed, named in pairs; each pair was tested on the same documents."""
        key = tuple(pairs)
        if key not in self._compared:
            firsts, seconds = (self.sampled([pair[i] for pair in pairs]) for i in (0, 1))
            self._compared[key] = compare(list(zip(firsts, seconds, strict=True)))
        return self._compared[key]

    def macro_f1(self, names: Sequence[str], draws: int) -> dict[str, Sample]:
        """Draw the macro-F1 of cells oftener, each over its own test documents."""
        found: dict[str, Sample] = {}
        for documents in self._sets():
            here, outcomes = self._tested_on(documents, set(names))
            if outcomes:
                drawn = batches(Draws.over([documents]), outcomes, draws)
                samples = [one for batch in drawn for one in _samples(batch, "macro_f1")]
                found |= dict(zip(here, samples, strict=True))
        return found

    def comparable(self, first: str, second: str) -> bool:
        """Whether two cells were tested on the same documents with the same classes."""
        keys = [self.outcomes[name].documents.key for name in (first, second)]
        return keys[0] == keys[1]

    def _sets(self) -> list[Documents]:
        return list({one.documents.key: one.documents for one in self.outcomes.values()}.values())

    def _tested_on(
        self, documents: Documents, names: set[str] | None = None
    ) -> tuple[list[str], list[Outcomes]]:
        found = {
            name: one
            for name, one in self.outcomes.items()
            if one.documents.key == documents.key and (names is None or name in names)
        }
        return list(found), list(found.values())

    def _pool(self, sets: Sequence[Documents]) -> dict[str, Sampled]:
        key = tuple(one.key for one in sets)
        if key not in self._pools:
            draws = Draws.over(sets)
            pool: dict[str, Sampled] = {}
            for documents in sets:
                names, outcomes = self._tested_on(documents)
                sampled = [
                    one
                    for batch in batches(draws, outcomes, self._draws)
                    for one in _sampled(batch, draws)
                ]
                pool |= dict(zip(names, sampled, strict=True))
            self._pools[key] = pool
        return self._pools[key]


def _samples(batch: Batch, score: str) -> Iterator[Sample]:
    values, draws = _OVERALL[score](batch.observed), _OVERALL[score](batch.drawn)
    for value, drawn in zip(values, draws, strict=True):
        yield Sample(float(value), drawn)


def _sampled(batch: Batch, draws: Draws) -> Iterator[Sampled]:
    scores = zip(_samples(batch, "accuracy"), _samples(batch, "macro_f1"), strict=True)
    for one, (accuracy, macro_f1) in zip(batch.outcomes, scores, strict=True):
        yield Sampled(one, draws, accuracy, macro_f1)


def _judge(batch: Batch) -> Iterator[Judged]:
    overall = {name: _bounded(measure, batch) for name, measure in _OVERALL.items()}
    per_class = {name: _bounded(measure, batch) for name, measure in _PER_CLASS.items()}
    classes = batch.outcomes[0].documents.classes
    for i, one in enumerate(batch.outcomes):
        scores = {name: _measure(found[i], _constant(one)) for name, found in overall.items()}
        yield Judged(
            measures={**scores, **_areas(one, batch.pulls[:, i])},
            per_class={
                name: {
                    part: _measure(found[c, i], _EMPTY[part].format(name))
                    for part, found in per_class.items()
                }
                for c, name in enumerate(classes)
            },
        )


def _bounded(
    measure: Callable[[Tallies], Float[np.ndarray, "..."]], batch: Batch
) -> Float[np.ndarray, "... 3"]:
    """Return each value with the ends of its interval, NaN where there is none."""
    bounds = percentile_bounds(measure(batch.drawn))
    return np.concatenate([measure(batch.observed)[..., None], bounds], axis=-1)


def _measure(bounded: Float[np.ndarray, "3"], reason: str) -> Measure:
    value, low, high = bounded.tolist()
    if math.isnan(value):
        return Measure(reason=reason)
    return Measure(value, None if math.isnan(low) else Interval(low, high))


def _constant(one: Outcomes) -> str:
    """Say why nothing correlates."""
    if len(np.unique(one.documents.label)) == 1:
        return "all test documents are of one class"
    return "all test documents were given one class"


def _areas(one: Outcomes, pulls: Float[np.ndarray, "2 b"]) -> dict[str, Measure]:
    ranking = one.ranking
    if ranking is None:
        return {name: Measure(reason=one.unranked) for name in _AREAS}
    values = (ranking.roc_auc, ranking.pr_auc)
    return {
        name: Measure(value, shifted_interval(value, shifts))
        for name, value, shifts in zip(_AREAS, values, pulls, strict=True)
    }
