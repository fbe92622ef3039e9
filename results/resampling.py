"""Bootstrap draws that all cells share which were tested on the same documents.

A draw says how often each document is in a sample: drawn within each true class, or with whole
groups where documents come in groups, since the documents of one group resemble each other. What
a cell scores in all draws is one vector, so that the interval of any difference between two cells
is that of a difference of vectors. Draws follow from the documents' ids alone: two runs that were
tested on the same documents share them, and the first 1,000 are the same however many are made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, UInt16

from results.hashing import hash_json
from results.measures import Tallies
from results.outcomes import Documents, Outcomes
from results.statistics import DRAWS, generator

Counts = UInt16[np.ndarray, "b u"]
"""How often each unit is in each draw."""

_WEIGHTS = 1 << 21  # numbers that a chunk of draws may hold
_KEPT = 1 << 26  # numbers that may be kept for the next batch
_COUNTS = 1 << 24  # numbers that a batch of cells may hold


@dataclass(frozen=True, eq=False)
class Draws:
    """How to draw from documents (or from groups of them): the units.

    Attributes:
        strata: name and size of each stratum; units stand in the order of the strata.
        places: key of each `Documents` drawn from -> the unit to which each document belongs.
        seed: what the random numbers follow from.
    """

    strata: tuple[tuple[str, int], ...]
    places: Mapping[str, Int[np.ndarray, " n"]]
    seed: str

    @classmethod
    def over(cls, sets: Sequence[Documents]) -> "Draws":
        """Draw from the documents of one test set, or from the union of several seeds'.

        A unit is a document with its outcomes in every seed in which it is tested.
        """
        grouped = any(one.groups is not None for one in sets)
        names = [one.groups or one.ids if grouped else one.ids for one in sets]
        units, where = np.unique(
            np.array([name for some in names for name in some], dtype=object), return_inverse=True
        )
        stratum = np.full(len(units), "", dtype=object)
        if not grouped:
            for one, at in zip(sets, _parts(where, names), strict=True):
                stratum[at] = np.array(one.classes, dtype=object)[one.label]
        order = np.argsort(stratum, kind="stable")
        place = np.empty(len(units), dtype=np.intp)
        place[order] = np.arange(len(units))
        strata, sizes = np.unique(stratum, return_counts=True)
        return cls(
            strata=tuple(zip(strata.tolist(), sizes.tolist(), strict=True)),
            places={one.key: place[at] for one, at in zip(sets, _parts(where, names), strict=True)},
            seed=_seed(sets),
        )

    @property
    def units(self) -> int:
        """How many units there are, and are in each draw."""
        return sum(size for _, size in self.strata)

    def chunks(self, draws: int = DRAWS) -> Iterator[tuple[slice, Counts]]:
        """Yield how often each unit is in each draw, some draws at a time, and which these are."""
        kept = draws == DRAWS and draws * self.units <= _KEPT
        return iter(self._first) if kept else self._made(draws)

    @cached_property
    def _first(self) -> list[tuple[slice, Counts]]:
        """The draws that every interval is of; one batch of cells after another asks for them."""
        return list(self._made(DRAWS))

    def _made(self, draws: int) -> Iterator[tuple[slice, Counts]]:
        streams = [generator(f"{self.seed} {name}") for name, _ in self.strata]
        step = max(1, _WEIGHTS // self.units)
        for start in range(0, draws, step):
            some = min(step, draws - start)
            weights = [
                _drawn(size, some, stream)
                for (_, size), stream in zip(self.strata, streams, strict=True)
            ]
            yield slice(start, start + some), np.concatenate(weights, axis=1)


def _parts(
    where: Int[np.ndarray, " m"], names: Sequence[Sequence[str]]
) -> list[Int[np.ndarray, " n"]]:
    return np.split(where, np.cumsum([len(some) for some in names])[:-1])


def _seed(sets: Sequence[Documents]) -> str:
    if len(sets) == 1:
        return sets[0].ids_key
    return hash_json(sorted({name for one in sets for name in one.ids}))


def _drawn(size: int, draws: int, rng: np.random.Generator) -> Counts:
    """Draw `size` of so many units with replacement, `draws` times; count them."""
    picked = rng.integers(size, size=(draws, size))
    picked += size * np.arange(draws)[:, None]
    counts = np.bincount(picked.ravel(), minlength=draws * size)
    return counts.reshape(draws, size).astype(np.uint16)


@dataclass(frozen=True, eq=False)
class Batch:
    """Some cells over the draws.

    Attributes:
        outcomes: the cells.
        observed: what was counted, per class and cell.
        drawn: the same per class, cell and draw.
        pulls: how far ROC-AUC and PR-AUC move in each draw, per cell; zero without a ranking.
    """

    outcomes: Sequence[Outcomes]
    observed: Tallies
    drawn: Tallies
    pulls: Float[np.ndarray, "2 c b"]


def batches(
    draws: Draws, outcomes: Sequence[Outcomes], count: int = DRAWS, *, ranked: bool = False
) -> Iterator[Batch]:
    """Count cells that were tested on the same documents over draws, some cells at a time.

    Counting is a product of matrices: draws by units times units by (class, cell). Single
    precision counts exactly up to 16 million documents.

    Args:
        draws: drawn from these documents, or from more.
        outcomes: the cells; at least one.
        count: number of draws.
        ranked: whether `pulls` are wanted.
    """
    each = 2 * outcomes[0].documents.num_classes * (draws.units + count)
    step = max(1, _COUNTS // each)
    for start in range(0, len(outcomes), step):
        yield _batch(draws, outcomes[start : start + step], count, ranked=ranked)


def _batch(draws: Draws, outcomes: Sequence[Outcomes], count: int, *, ranked: bool) -> Batch:
    documents = outcomes[0].documents
    own, place = np.unique(draws.places[documents.key], return_inverse=True)
    k = documents.num_classes
    table = _counted(len(own), place, documents, outcomes)
    pulling = _pulling(len(own), place, outcomes) if ranked else None
    drawn = np.empty((len(table), count), dtype=np.float32)
    pulls = np.zeros((2 * len(outcomes), count))
    for at, counts in draws.chunks(count):
        weights = counts[:, own].astype(np.float32)
        drawn[:, at] = table @ weights.T
        if pulling is not None:
            pulls[:, at] = pulling @ weights.T.astype(float)
    untested = len(documents.untested)
    return Batch(
        outcomes=outcomes,
        observed=_tallies(table.sum(axis=1, dtype=float), k, untested),
        drawn=_tallies(drawn.astype(float), k, untested),
        pulls=pulls.reshape(2, len(outcomes), count),
    )


def _tallies(rows: Float[np.ndarray, "r ..."], k: int, untested: int) -> Tallies:
    hits, said = rows[:-k].reshape(2, k, -1, *rows.shape[1:])
    return Tallies(hits, said, rows[-k:, None], untested)


def _counted(
    units: int, place: Int[np.ndarray, " n"], documents: Documents, outcomes: Sequence[Outcomes]
) -> Float[np.ndarray, "r u"]:
    """Count per unit: hits by class and cell, calls by class and cell, documents by class."""
    k, cells = documents.num_classes, len(outcomes)
    table = np.empty(((2 * cells + 1) * k, units), dtype=np.float32)
    parts = table[: 2 * cells * k].reshape(2, k, cells, units)
    for i, one in enumerate(outcomes):
        right = one.right
        parts[0, :, i] = _by_class(units, place[right], documents.label[right], k)
        parts[1, :, i] = _by_class(units, place, one.predicted, k)
    table[-k:] = _by_class(units, place, documents.label, k)
    return table


def _by_class(
    units: int, place: Int[np.ndarray, " n"], names: Int[np.ndarray, " n"], k: int
) -> Int[np.ndarray, "k u"]:
    return np.bincount(names.astype(np.intp) * units + place, minlength=k * units).reshape(k, units)


def _pulling(
    units: int, place: Int[np.ndarray, " n"], outcomes: Sequence[Outcomes]
) -> Float[np.ndarray, "r u"]:
    """Sum per unit what its documents pull at ROC-AUC and at PR-AUC, for each cell."""
    table = np.zeros((2, len(outcomes), units))
    for i, one in enumerate(outcomes):
        if one.ranking is not None:
            for j, pull in enumerate((one.ranking.roc_pull, one.ranking.pr_pull)):
                table[j, i] = np.bincount(place, weights=pull, minlength=units)
    return table.reshape(-1, units)
