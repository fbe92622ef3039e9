"""A run judged: every cell with its intervals and its comparison, grouped over seeds.

In goes an opened run, out comes one `Assessment` from which every table, figure and page is drawn,
so that they cannot disagree. Nothing in it depends on when or where the run was computed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from results.agreement import Agreement, agreement
from results.comparisons import Comparison, Score, Significance, mean, significance
from results.entries import Entry, Point, Study, Verdict
from results.errors import InputError, nearest
from results.evidence import Evidence
from results.factors import FactorDelta, factors
from results.hashing import canonical_json, hash_json
from results.judging import judge
from results.outcomes import Reader
from results.records import Record
from results.statistics import Measure
from results.steps import Step, counted, untold

if TYPE_CHECKING:
    from results.run import Run

LINEAR_BASELINES = (("tfidf-char", "logistic_regression"), ("tfidf-word", "linear_svc"))
"""The named linear recipes among the trivial rows (DESIGN §5)."""

_CLASSIFIED = ("matrix", "trivial")
"""Sections in which classifiers compete for a model."""


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
        evidence: what each ok cell said of its test documents, and how any two compare.
        models: the suite's models with their settings; empty where the run does not tell.
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
    evidence: Evidence = field(compare=False, repr=False)
    models: tuple[Mapping[str, Any], ...] = field(compare=False, repr=False)

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

        Reference networks, pruned models and detectors are models of their own.
        """
        return one_per_model(entry for entry in self.entries if entry.cells)

    def overall(self, entry: Entry) -> Mapping[str, Measure]:
        """Return an entry's accuracy and macro-F1 over its seeds, with sampling intervals.

        The interval is that of the mean over seeds, were other test documents drawn; how far seeds
        lie apart is another matter (`Entry.accuracy`). Empty where no seed is ok.
        """
        if not entry.cells:
            return {}
        sampled = self.evidence.sampled([v.record.name for v in entry.verdicts if v.record.cell])
        means = {
            "accuracy": mean([one.accuracy for one in sampled]),
            "macro_f1": mean([one.macro_f1 for one in sampled]),
        }
        return {name: Measure(one.value, one.interval) for name, one in means.items()}

    def compare(self, first: Entry, second: Entry) -> Comparison | None:
        """Compare two entries over the seeds in which both were tested on the same documents.

        Returns:
            First against second; `None` where there is no such seed.
        """
        theirs = {v.record.seed: v.record.name for v in second.verdicts if _stands(v)}
        pairs = [
            (v.record.name, theirs[v.record.seed])
            for v in first.verdicts
            if _stands(v) and v.record.seed in theirs
        ]
        pairs = [pair for pair in pairs if self.evidence.comparable(*pair)]
        return self.evidence.compare(pairs) if pairs else None

    def best_of(self, entries: Iterable[Entry], score: Score = "macro_f1") -> frozenset[str]:
        """Return the names of the best of some entries and of all that are not separable from it.

        Not separable is whose paired 95 % interval against the best holds zero. Empty where there
        is no contest: fewer than two entries with scores.
        """
        means = {e.name: (getattr(e, score), e) for e in entries if e.cells and not e.differs}
        if len(means) < 2:
            return frozenset()
        best = max(means.values(), key=lambda found: found[0].mean)[1]
        rivals = {name: self.compare(best, entry) for name, (_, entry) in means.items()}
        tied = {name for name, found in rivals.items() if found and not found.separates(score)}
        return frozenset(tied | {best.name})

    def significance(self) -> Significance:
        """Compare what stands for each model with every other, 20 models at most."""
        return significance(self.chosen, self.compare)

    def factors(self) -> list[FactorDelta]:
        """Compare entries, and points of studies, that differ in one setting of their model."""
        return factors(self.models, self.entries, self.studies, self.compare)

    def agreement(self) -> list[Agreement]:
        """Say how alike the classifiers of the matrix rank the models."""
        return agreement(self.section("matrix"))


def _stands(verdict: Verdict) -> bool:
    return verdict.record.cell is not None and verdict.differs is None


def one_per_model(entries: Iterable[Entry]) -> list[Entry]:
    """Choose what stands for each model, see `Assessment.chosen`; all entries have cells."""
    by_model: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        own = "" if entry.section in _CLASSIFIED else entry.classifier
        by_model.setdefault((entry.section, entry.model, own), []).append(entry)
    return [_best(rivals) for rivals in by_model.values()]


def assess(run: "Run", step: Step = untold) -> Assessment:
    """Judge every record of a run; `step` is told how far that is.

    Raises:
        InputError: the suite names a baseline that is not among its cells, or an artifact that a
            record points at is gone.
    """
    compared = [record for record in run.records if record.study is None]
    baseline, reason = _baseline(_entries(Verdict(record) for record in compared), run.meta)
    reader = Reader(run)
    cells = [record for record in run.records if record.cell]
    read = counted(cells, "reading predictions", step)
    evidence = Evidence({record.name: reader.read(record) for record in read})
    step(f"judging {len(cells):,} cells", 0, None)
    verdicts = judge(evidence, run.records, baseline)
    return Assessment(
        suite=run.suite,
        entries=tuple(_entries(verdicts[record.name] for record in compared)),
        studies=_studies(verdicts),
        classes=tuple(
            dict.fromkeys(name for r in run.records if r.cell for name in r.cell.classes)
        ),
        marks=_common([record.marks for record in run.records]),
        baseline=baseline,
        baseline_reason=reason,
        grouped=evidence.grouped,
        digest=hash_json([_identity(record) for record in run.records]),
        evidence=evidence,
        models=tuple((run.meta.get("resolved") or {}).get("models") or ()),
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


def _studies(verdicts: Mapping[str, Verdict]) -> tuple[Study, ...]:
    """Gather the points of each study by row and setting, each over its seeds."""
    gathered: dict[str, dict[str, dict[str, list[Verdict]]]] = {}
    for verdict in verdicts.values():
        if (point := verdict.record.study) is not None:
            rows = gathered.setdefault(point.name, {})
            settings = rows.setdefault(point.row, {})
            settings.setdefault(canonical_json(point.vary), []).append(verdict)
    return tuple(
        Study(name, {row: tuple(map(_point, settings.values())) for row, settings in rows.items()})
        for name, rows in gathered.items()
    )


def _point(verdicts: Sequence[Verdict]) -> Point:
    assert verdicts[0].record.study is not None
    return Point(verdicts[0].record.study.vary, Entry(tuple(verdicts)))


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
