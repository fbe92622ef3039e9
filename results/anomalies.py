"""The tables of anomaly detection: how well each row finds the anomalies, and how it holds out.

Detectors learn from normal documents alone. Every other row of the run that tells the same two
classes apart stands below them for comparison.
"""

from typing import TYPE_CHECKING

import numpy as np

from results.assessment import Assessment
from results.detection import CLASSES, MEASURES, detects, measured, read_calls
from results.entries import Entry, Point, Study
from results.grid import DASH, Block, Column, Row, Table, Value, shown
from results.scores import cautions, over_seeds, reasons_of, status_of
from results.studies import name_of, setting
from results.tables import SECTIONS, full_title_of

if TYPE_CHECKING:
    from results.run import Run

_BLOCKS = {"anomaly": "Anomaly detectors", **SECTIONS}
_TITLES = ("F1", "Precision", "Recall", "Specificity", "PR-AUC")
_CHOSEN = "Chosen on validation"
_SCORES = tuple(
    Column(title, (name, f"{name}_low", f"{name}_high", f"{name}_sd"))
    for name, title in zip(MEASURES, _TITLES, strict=True)
)


def detection(run: "Run", results: Assessment) -> Table:
    """Show every detector, and below every other row that knows the same two classes."""
    blocks = []
    for section, title in _BLOCKS.items():
        rows = [
            _row(run, results, entry) for entry in results.section(section) if _told(results, entry)
        ]
        blocks += [Block(title, tuple(rows))] if rows else []
    return Table(
        name="detection",
        caption=f"Anomalies found among the test documents of {results.suite}: scores of the class "
        f'"anomaly" ({_doubt(results, len(results.seeds))}).{_chance(run, results)}',
        columns=(
            Column("Model", ("model",), number=False),
            Column("Classifier", ("section", "classifier"), number=False),
            Column("k", ("k",), group=_CHOSEN),
            Column("threshold", ("threshold",), group=_CHOSEN),
            *_SCORES,
        ),
        blocks=tuple(blocks),
        marks=results.marks,
        labels=2,
    )


def study_detection(run: "Run", results: Assessment) -> list[Table]:
    """Show how well anomalies are found at every point of a study, one table for each study."""
    return [
        _study(run, results, study)
        for study in results.studies
        if any(_detects(point.entry) for point in study.points)
    ]


def _detects(entry: Entry) -> bool:
    return any(detects(verdict.record) for verdict in entry.verdicts)


def _told(results: Assessment, entry: Entry) -> bool:
    """Whether an entry has its row; one without a cell has, where it would have known them too."""
    lost = not entry.cells and frozenset(results.classes) == CLASSES
    return entry.section == "anomaly" or lost or _detects(entry)


def _doubt(results: Assessment, seeds: int) -> str:
    if seeds > 1:
        return "mean and standard deviation over seeds"
    unit = "groups of documents" if results.grouped else "documents within each class"
    return f"95 % bootstrap intervals over {unit}"


def _chance(run: "Run", results: Assessment) -> str:
    """Say how a ranking by chance would do: as the share of anomalies."""
    entry = next((entry for entry in results.entries if _detects(entry)), None)
    if entry is None:
        return ""
    records = [v.record for v in entry.verdicts if detects(v.record)]
    share = np.mean([read_calls(run, record).is_anomaly.mean() for record in records])
    return f" A random ranking would have a PR-AUC of {share:.3f}, the share of anomalies."


def _row(run: "Run", results: Assessment, entry: Entry) -> Row:
    return Row(
        (
            shown(entry.model, notes=[mark for mark in entry.marks if mark not in results.marks]),
            shown(full_title_of(entry.classifier), entry.section, entry.classifier),
            _setting(entry, "k"),
            _setting(entry, "threshold"),
            *scores_of(run, entry),
        )
    )


def _setting(entry: Entry, name: str) -> Value:
    """Show what a detector chose, over several seeds each value once."""
    cells = entry.cells if entry.section == "anomaly" else []
    chosen = list(
        dict.fromkeys(_written(c.best_params[name]) for c in cells if name in c.best_params)
    )
    return shown(", ".join(chosen)) if chosen else shown(DASH, None)


def _written(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def scores_of(run: "Run", entry: Entry) -> list[Value]:
    """Show each of `MEASURES`: one seed's value and interval, or mean and deviation over seeds."""
    found = [measured(run, v.record) for v in entry.verdicts if detects(v.record)]
    if not found:
        lost = shown(status_of(entry), *[None] * 4, notes=reasons_of(entry))
        return [lost, *[shown(DASH, *[None] * 4)] * (len(MEASURES) - 1)]
    notes = cautions(entry)
    return [over_seeds([one[name] for one in found], ".3f", notes) for name in MEASURES]


def _study(run: "Run", results: Assessment, study: Study) -> Table:
    seeds = max(len(point.entry.verdicts) for point in study.points)
    return Table(
        name=f"detection-{name_of(study)}",
        caption=f"Study {study.name} of {results.suite}: anomalies found among the test documents, "
        f'scores of the class "anomaly" ({_doubt(results, seeds)}).',
        columns=(*(Column(key, (key,), number=False) for key in study.keys), *_SCORES),
        blocks=tuple(
            Block(row, tuple(_point(run, results, study, point) for point in points))
            for row, points in study.rows.items()
        ),
        marks=results.marks,
        labels=len(study.keys),
    )


def _point(run: "Run", results: Assessment, study: Study, point: Point) -> Row:
    marks = [mark for mark in point.entry.marks if mark not in results.marks]
    settings = [
        shown(setting(point.vary[key]) if key in point.vary else DASH, notes=marks if not i else ())
        for i, key in enumerate(study.keys)
    ]
    return Row((*settings, *scores_of(run, point.entry)))
