"""A run judged: every cell with its intervals and its comparison, grouped over seeds.

In goes an opened run, out comes one `Assessment` from which every table, figure and page is drawn,
so that they cannot disagree. Nothing in it depends on when or where the run was computed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from results.entries import Entry, Point, Study, Verdict
from results.errors import InputError, nearest
from results.hashing import canonical_json, hash_json
from results.records import Record
from results.statistics import Outcomes, compare, generator, holm, score_intervals

if TYPE_CHECKING:
    from results.run import Run

LINEAR_BASELINES = (("tfidf-char", "logistic_regression"), ("tfidf-word", "linear_svc"))
"""The named linear recipes among the trivial rows (DESIGN §5)."""


@dataclass(frozen=True)
class Assessment:
    """All entries of a run, in plan order.

    Attributes:
        suite: name of the suite.
        entries: what the suite compares; points of studies are not among them.
        studies: what was varied, each study by itself.
        classes: every class that some cell knows, in the cells' order.
        marks: caveats that every record carries (shown once, in front).
        baseline: (model, classifier) against which cells are compared, `None` without one.
        baseline_reason: how the baseline was chosen, or why there is none.
        grouped: whether test documents come in groups.
        digest: hash of everything the quality tables show, 64 hexadecimal digits.
    """

    suite: str
    entries: tuple[Entry, ...]
    studies: tuple[Study, ...]
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
        """One entry per model: the best by cross-validation on train, else the suite's first.

        Each reference network is a model of its own.
        """
        return one_per_model(entry for entry in self.entries if entry.cells)


def one_per_model(entries: Iterable[Entry]) -> list[Entry]:
    """Choose what stands for each model, see `Assessment.chosen`; all entries have cells."""
    by_model: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        own = entry.classifier if entry.section == "reference" else ""
        by_model.setdefault((entry.section, entry.model, own), []).append(entry)
    return [_best(rivals) for rivals in by_model.values()]


def assess(run: "Run") -> Assessment:
    """Judge every record of a run.

    Raises:
        InputError: the suite names a baseline that is not among its cells, or an artifact that a
            record points at is gone.
    """
    compared = [record for record in run.records if record.study is None]
    baseline, reason = _baseline(_entries(Verdict(record) for record in compared), run.meta)
    verdicts = _judge(run, compared, baseline)
    return Assessment(
        suite=run.suite,
        entries=tuple(_entries(verdicts[record.name] for record in compared)),
        studies=_studies(run),
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
    study = [record.study.model_dump()] if record.study else []
    return [record.section, record.name, record.text, record.status, record.marks, cell, *study]


def _entries(verdicts: Iterable[Verdict]) -> list[Entry]:
    grouped: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        record = verdict.record
        key = (record.section, record.model, record.classifier)
        grouped.setdefault(key, []).append(verdict)
    return [Entry(tuple(rows)) for rows in grouped.values()]


def _studies(run: "Run") -> tuple[Study, ...]:
    """Gather the points of each study by row and setting, each over its seeds."""
    gathered: dict[str, dict[str, dict[str, list[Record]]]] = {}
    for record in run.records:
        if (point := record.study) is not None:
            rows = gathered.setdefault(point.name, {})
            settings = rows.setdefault(point.row, {})
            settings.setdefault(canonical_json(point.vary), []).append(record)
    return tuple(
        Study(
            name,
            {
                row: tuple(_point(run, records) for records in settings.values())
                for row, settings in rows.items()
            },
        )
        for name, rows in gathered.items()
    )


def _point(run: "Run", records: Sequence[Record]) -> Point:
    assert records[0].study is not None
    verdicts = tuple(_by_itself(run, record) for record in records)
    return Point(records[0].study.vary, Entry(verdicts))


def _by_itself(run: "Run", record: Record) -> Verdict:
    """Judge a point of a study: its intervals alone, the same wherever its setting stands."""
    assert record.study is not None
    verdict = Verdict(record, unpaired="a point of a study")
    if record.cell is None:
        return verdict
    setting = f"{record.study.row} {canonical_json(record.study.vary)} {record.seed}"
    accuracy, macro_f1 = score_intervals(_read(run, record)[1], generator(setting))
    return replace(verdict, accuracy=accuracy, macro_f1=macro_f1)


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


def _judge(
    run: "Run", records: Sequence[Record], baseline: tuple[str, str] | None
) -> dict[str, Verdict]:
    read = {record.name: _read(run, record) for record in records if record.cell}
    references = {r.seed: r for r in records if (r.model, r.classifier) == baseline and r.cell}
    verdicts = {}
    for record in records:
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
