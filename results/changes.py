"""Two runs set against each other: which rows became worse or better, and is it significant.

In go a run as it was and one as it is. A row (a model with a classifier, over the seeds that both
runs have) is compared document by document where both were tested on the same documents, and not at
all where they were not (`results.pairing`). One family of tests is corrected together: accuracy and
macro-F1 of every row that predicts anything else than before. What predicts the same has nothing to
test and is no part of it (Tarone 1990, Biometrics 46, 515).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from results.comparisons import Comparison, Sampled, Score, compare, mean
from results.differences import Differences, differences
from results.evidence import Evidence
from results.pairing import Common, planned, rows_in_common
from results.run import Run
from results.statistics import (
    ALPHA,
    DRAWS,
    MAX_DRAWS,
    Interval,
    bootstrap_p,
    draws_for,
    holm,
)
from results.steps import Step, untold
from results.texts import Texts, compared

State = Literal["lost", "worse", "better", "repaired", "changed", "incomparable", "same", "failed"]


@dataclass(frozen=True)
class ScoreChange:
    """One score of a row in both runs, means over the seeds compared.

    Attributes:
        gain: after minus before.
        interval: 95 % paired bootstrap interval of `gain`.
        p: two-sided p that nothing changed; `None` where it cannot be resolved.
        p_kind: which test that is.
        p_holm: `p` after Holm over the family.
    """

    score: Score
    before: float
    after: float
    gain: float
    interval: Interval
    p: float | None
    p_kind: str
    p_holm: float | None = None


@dataclass(frozen=True)
class Row:
    """A model and classifier in both runs.

    Attributes:
        name: of the cell where there is one seed, else ``model/classifier``.
        state: what became of it. ``lost``: it has failed, and had a score before; ``repaired``: the
            other way round; ``worse``, ``better``: significantly; ``changed``: not significantly.
        cells: by seed.
        scores: accuracy and macro-F1; empty where no prediction differs, or none is compared.
        by_seed: cells that predict otherwise, each by itself (second run minus first).
    """

    name: str
    state: State
    cells: tuple[Common, ...]
    scores: tuple[ScoreChange, ...] = ()
    by_seed: tuple[tuple[Common, Comparison], ...] = ()


@dataclass(frozen=True)
class Changes:
    """Everything that is to be said of two runs.

    Attributes:
        differences: settings, data, code and machine.
        rows: what both runs plan, in the order of the first.
        only_first: cells that the second run does not plan.
        only_second: cells that the first run did not plan.
        studies: points of studies in each run, which are not compared.
        family: how many tests Holm's correction is over.
        unresolvable: why macro-F1 is not tested, or "".
        texts: where the corpora differ, whether the documents compared do; else `None`.
    """

    differences: Differences
    rows: tuple[Row, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    studies: tuple[int, int]
    family: int
    unresolvable: str
    texts: Texts | None
    alpha: float
    margin: float

    def of(self, *states: State) -> list[Row]:
        """Return the rows in one of these states."""
        return [row for row in self.rows if row.state in states]


def set_against(
    first: Run, second: Run, *, alpha: float = ALPHA, margin: float = 0.0, step: Step = untold
) -> Changes:
    """Compare two runs.

    Args:
        first: the run as it was.
        second: the run as it is.
        alpha: chance of one false alarm or more.
        margin: what a score may change before it counts however significant it is, 0 to 1.
        step: is told how far this is.

    Raises:
        InputError: they have no cell in common, or predictions are missing from a store.
    """
    rows = rows_in_common(first, second, step)
    differing = {name: cells for name, cells in rows.items() if any(c.num_differing for c in cells)}
    draws, unresolvable = _draws(2 * len(differing), alpha)
    step(f"testing {len(differing):,} rows that changed", 0, None)
    pairs = _sampled(differing, draws)
    tests = _adjusted(
        {n: _tests(list(one.values()), resolved=not unresolvable) for n, one in pairs.items()}
    )
    found = [
        Row(name, "same", tuple(cells), tests.get(name, ()), _by_seed(cells, pairs.get(name, {})))
        for name, cells in rows.items()
    ]
    before, after = ({record.name: None for record in planned(run)} for run in (first, second))
    return Changes(
        differences=differences(first, second),
        rows=tuple(_judged(row, alpha, margin) for row in found),
        only_first=tuple(name for name in before if name not in after),
        only_second=tuple(name for name in after if name not in before),
        studies=(_points(first), _points(second)),
        family=sum(test.p is not None for some in tests.values() for test in some),
        unresolvable=unresolvable,
        texts=_texts(first, second, rows),
        alpha=alpha,
        margin=margin,
    )


def _texts(first: Run, second: Run, rows: Mapping[str, Sequence[Common]]) -> Texts | None:
    """Look whether the documents compared have the same text in both corpora."""
    cells = [cell for some in rows.values() for cell in some if cell.outcomes]
    ids = {name for c in cells if c.outcomes for name in c.outcomes[0].documents.ids}
    return compared((first, cells[0].before), (second, cells[0].after), ids) if cells else None


def _points(run: Run) -> int:
    return len(run.records) - len(planned(run))


def _draws(family: int, alpha: float) -> tuple[int, str]:
    """Size the draws to the family; where that are too many, say so and make the usual number."""
    needed = draws_for(family, alpha=alpha)
    if needed <= MAX_DRAWS:
        return needed, ""
    return DRAWS, (
        f"unresolvable: a family of {family:,} needs {needed:,} draws, at most {MAX_DRAWS:,} are "
        "made; accuracy alone is tested"
    )


def _sampled(
    rows: Mapping[str, Sequence[Common]], count: int
) -> dict[str, dict[str, tuple[Sampled, Sampled]]]:
    """Draw both cells of every pair, second run first: row -> cell -> the two over shared draws.

    Rows that were tested on the same documents share their draws.
    """
    both = {
        f"{side} {c.name}": one
        for cells in rows.values()
        for c in cells
        for side, one in zip(("before", "after"), c.outcomes or (), strict=False)
    }
    evidence = Evidence(both, draws=count)
    found = {}
    for name, cells in rows.items():
        here = [c.name for c in cells if c.outcomes]
        after, before = (
            evidence.sampled([f"{side} {one}" for one in here]) for side in ("after", "before")
        )
        found[name] = dict(zip(here, zip(after, before, strict=True), strict=True))
    return found


def _tests(pairs: Sequence[tuple[Sampled, Sampled]], *, resolved: bool) -> tuple[ScoreChange, ...]:
    """Test accuracy exactly and macro-F1 by its draws, over the seeds of a row."""
    found = compare(pairs)
    after, before = (mean([pair[i].macro_f1 for pair in pairs]) for i in (0, 1))
    gain = after.minus(before)
    return (
        ScoreChange(
            "accuracy",
            before=mean([pair[1].accuracy for pair in pairs]).value,
            after=mean([pair[0].accuracy for pair in pairs]).value,
            gain=found.accuracy_gain,
            interval=found.accuracy_interval,
            p=found.p,
            p_kind=found.p_kind,
        ),
        ScoreChange(
            "macro_f1",
            before=before.value,
            after=after.value,
            gain=found.gain,
            interval=found.gain_interval,
            p=bootstrap_p(gain.value, gain.draws) if resolved else None,
            p_kind="paired bootstrap",
        ),
    )


def _by_seed(
    cells: Sequence[Common], pairs: Mapping[str, tuple[Sampled, Sampled]]
) -> tuple[tuple[Common, Comparison], ...]:
    return tuple((c, compare([pairs[c.name]])) for c in cells if c.num_differing)


def _adjusted(tests: Mapping[str, tuple[ScoreChange, ...]]) -> dict[str, tuple[ScoreChange, ...]]:
    """Correct all tests together (Holm)."""
    family = iter(holm([t.p for some in tests.values() for t in some if t.p is not None]))
    return {
        name: tuple(t if t.p is None else replace(t, p_holm=next(family)) for t in some)
        for name, some in tests.items()
    }


def _judged(row: Row, alpha: float, margin: float) -> Row:
    """Say what became of a row: the gravest first."""
    standings = {cell.standing for cell in row.cells}
    counted = [
        test.gain
        for test in row.scores
        if test.p_holm is not None and test.p_holm <= alpha and abs(test.gain) > margin
    ]
    states: dict[State, bool] = {
        "lost": "lost" in standings,
        "worse": min(counted, default=0.0) < 0,
        "better": bool(counted),
        "repaired": "repaired" in standings,
        "changed": bool(row.scores),
        "incomparable": "incomparable" in standings,
        "same": "same" in standings,
        "failed": True,
    }
    name = row.cells[0].name if len(row.cells) == 1 else row.name
    return replace(row, name=name, state=next(state for state, holds in states.items() if holds))
