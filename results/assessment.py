"""A run judged: every cell with its intervals and its comparison, grouped over seeds.

In goes an opened run, out comes one `Assessment` from which every table, figure and page is drawn,
so that they cannot disagree. Nothing in it depends on when or where the run was computed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from results.errors import InputError, nearest
from results.hashing import hash_json
from results.records import Cell, Record
from results.statistics import (
    Interval,
    Outcomes,
    Paired,
    Spread,
    compare,
    generator,
    holm,
    score_intervals,
    spread,
)

if TYPE_CHECKING:
    from results.run import Run

LINEAR_BASELINES = (("tfidf-char", "logistic_regression"), ("tfidf-word", "linear_svc"))
"""The named linear recipes among the trivial rows (DESIGN §5)."""


@dataclass(frozen=True)
class Verdict:
    """One record with what can be said about it.

    Attributes:
        accuracy: sampling interval of the accuracy; `None` where the cell is not ok.
        macro_f1: sampling interval of the macro-F1; `None` where the cell is not ok.
        paired: comparison with the baseline of the same seed, else `None` with `unpaired`.
        p_holm: McNemar p after Holm over all comparisons of the run.
        unpaired: why there is no comparison.
    """

    record: Record
    accuracy: Interval | None = None
    macro_f1: Interval | None = None
    paired: Paired | None = None
    p_holm: float | None = None
    unpaired: str | None = None


@dataclass(frozen=True)
class Entry:
    """One model and classifier over all its seeds."""

    verdicts: tuple[Verdict, ...]

    @property
    def section(self) -> str:
        """`matrix`, `reference` or `trivial`."""
        return self.verdicts[0].record.section

    @property
    def model(self) -> str:
        """Name of the model in the suite."""
        return self.verdicts[0].record.model

    @property
    def classifier(self) -> str:
        """Name of the classifier, `-tuned` included."""
        return self.verdicts[0].record.classifier

    @property
    def cells(self) -> list[Cell]:
        """The cells of the seeds that are ok."""
        return [v.record.cell for v in self.verdicts if v.record.cell is not None]

    @property
    def broken(self) -> list[Record]:
        """The records of the seeds that failed or were blocked."""
        return [v.record for v in self.verdicts if v.record.cell is None]

    @property
    def accuracy(self) -> Spread | None:
        """Accuracy over seeds; `None` where no seed is ok."""
        return spread([c.scores.accuracy for c in self.cells]) if self.cells else None

    @property
    def macro_f1(self) -> Spread | None:
        """Macro-F1 over seeds; `None` where no seed is ok."""
        return spread([c.scores.macro_f1 for c in self.cells]) if self.cells else None

    @property
    def cv_macro_f1(self) -> float | None:
        """Cross-validated macro-F1 on train over seeds; `None` where a seed has none."""
        values = [c.cv_macro_f1 for c in self.cells]
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known and len(known) == len(values) else None

    @property
    def marks(self) -> tuple[str, ...]:
        """Caveats of any seed, each once."""
        return tuple(dict.fromkeys(mark for v in self.verdicts for mark in v.record.marks))


@dataclass(frozen=True)
class Assessment:
    """All entries of a run, in plan order.

    Attributes:
        suite: name of the suite.
        classes: every class that some cell knows, in the cells' order.
        marks: caveats that every record carries (shown once, in front).
        baseline: (model, classifier) against which cells are compared, `None` without one.
        baseline_reason: how the baseline was chosen, or why there is none.
        grouped: whether test documents come in groups.
        digest: hash of everything the quality tables show, 64 hexadecimal digits.
    """

    suite: str
    entries: tuple[Entry, ...]
    classes: tuple[str, ...]
    marks: tuple[str, ...]
    baseline: tuple[str, str] | None
    baseline_reason: str
    grouped: bool
    digest: str

    def section(self, name: str) -> list[Entry]:
        """Return the entries of one section."""
        return [entry for entry in self.entries if entry.section == name]

    @property
    def seeds(self) -> list[int]:
        """The seeds of the run, in plan order."""
        return list(dict.fromkeys(v.record.seed for e in self.entries for v in e.verdicts))

    @property
    def chosen(self) -> list[Entry]:
        """One entry per model: the best by cross-validation on train, else the suite's first."""
        by_model: dict[tuple[str, str], list[Entry]] = {}
        for entry in self.entries:
            if entry.cells:
                by_model.setdefault((entry.section, entry.model), []).append(entry)
        return [_best(entries) for entries in by_model.values()]


def assess(run: "Run") -> Assessment:
    """Judge every record of a run.

    Raises:
        InputError: the suite names a baseline that is not among its cells, or an artifact that a
            record points at is gone.
    """
    entries = _entries(run.records)
    baseline, reason = _baseline(entries, run.meta)
    verdicts = _judge(run, baseline)
    return Assessment(
        suite=run.suite,
        entries=tuple(
            Entry(tuple(verdicts[v.record.name] for v in entry.verdicts)) for entry in entries
        ),
        classes=tuple(
            dict.fromkeys(name for r in run.records if r.cell for name in r.cell.classes)
        ),
        marks=_common([record.marks for record in run.records]),
        baseline=baseline,
        baseline_reason=reason,
        grouped=any(run.groups(r) is not None for r in run.records if r.cell),
        digest=hash_json([_identity(record) for record in run.records]),
    )


def _identity(record: Record) -> list[Any]:
    cell = record.cell.model_dump() if record.cell else None
    return [record.section, record.name, record.text, record.status, list(record.marks), cell]


def _entries(records: Sequence[Record]) -> list[Entry]:
    grouped: dict[tuple[str, str, str], list[Verdict]] = {}
    for record in records:
        key = (record.section, record.model, record.classifier)
        grouped.setdefault(key, []).append(Verdict(record))
    return [Entry(tuple(verdicts)) for verdicts in grouped.values()]


def _common(marks: Sequence[Iterable[str]]) -> tuple[str, ...]:
    if not marks:
        return ()
    shared = set.intersection(*(set(one) for one in marks))
    return tuple(mark for mark in dict.fromkeys(marks[0]) if mark in shared)


def _best(entries: Sequence[Entry]) -> Entry:
    """Choose what stands for a model by cross-validation on train; test scores have no say.

    Without cross-validated entries it is the first that the suite names.
    """
    judged = [entry for entry in entries if entry.cv_macro_f1 is not None]
    return max(judged, key=lambda entry: entry.cv_macro_f1 or 0.0) if judged else entries[0]


def _baseline(
    entries: Sequence[Entry], meta: Mapping[str, Any]
) -> tuple[tuple[str, str] | None, str]:
    """Choose the baseline from the suite's `report` section or by cross-validation on train."""
    named = (meta.get("report") or {}).get("baseline")
    if named is not None:
        names = {f"{entry.model}/{entry.classifier}": entry for entry in entries}
        if named not in names:
            raise InputError(
                f"report.baseline: no cell {named!r} in this run; {nearest(named, names)}"
            )
        return (names[named].model, names[named].classifier), "named in the suite file"
    linear = [
        entry
        for entry in entries
        if entry.section == "trivial"
        and (entry.model, entry.classifier) in LINEAR_BASELINES
        and entry.cells
    ]
    if not linear:
        return None, "no linear trivial row succeeded"
    if all(entry.cv_macro_f1 is not None for entry in linear):
        best = _best(linear)
        return (best.model, best.classifier), "best linear trivial row by cross-validation on train"
    return (linear[0].model, linear[0].classifier), "first linear trivial row (no cross-validation)"


def _judge(run: "Run", baseline: tuple[str, str] | None) -> dict[str, Verdict]:
    read = {record.name: _read(run, record) for record in run.records if record.cell}
    references = {r.seed: r for r in run.records if (r.model, r.classifier) == baseline and r.cell}
    verdicts = {}
    for record in run.records:
        if record.name not in read:
            verdicts[record.name] = Verdict(record, unpaired=f"the cell is {record.status}")
            continue
        accuracy, macro_f1 = score_intervals(read[record.name][1], generator(record.name))
        verdict = Verdict(record, accuracy, macro_f1)
        verdicts[record.name] = _compared(verdict, references.get(record.seed), read)
    compared = [name for name, verdict in verdicts.items() if verdict.paired]
    adjusted = holm([v.paired.p for v in verdicts.values() if v.paired])
    for name, p in zip(compared, adjusted, strict=True):
        verdicts[name] = replace(verdicts[name], p_holm=p)
    return verdicts


def _compared(
    verdict: Verdict, reference: Record | None, read: Mapping[str, tuple[list[str], Outcomes]]
) -> Verdict:
    record = verdict.record
    if reference is None:
        return replace(verdict, unpaired="no baseline with this seed")
    if reference.name == record.name:
        return replace(verdict, unpaired="the baseline itself")
    base_ids, base = read[reference.name]
    ids, outcomes = read[record.name]
    if base_ids != ids or base.num_classes != outcomes.num_classes:
        return replace(verdict, unpaired="other test documents than the baseline's")
    paired = compare(base, outcomes, generator(f"{record.name} against {reference.name}"))
    return replace(verdict, paired=paired)


def _read(run: "Run", record: Record) -> tuple[list[str], Outcomes]:
    """Read a cell's predictions in the order of their ids, as indices into its classes."""
    assert record.cell is not None
    frame = run.predictions(record).sort_values("id", kind="stable")
    index = {name: i for i, name in enumerate(record.cell.classes)}
    ids = [str(one) for one in frame["id"]]
    groups = run.groups(record)
    return ids, Outcomes(
        label=np.array([index[name] for name in frame["label"]]),
        predicted=np.array([index[name] for name in frame["predicted"]]),
        groups=None
        if groups is None
        else np.unique(groups.loc[ids].astype(str), return_inverse=True)[1],
        num_classes=len(index),
    )
