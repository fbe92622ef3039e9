"""Studies as tables: one for each study to be read, one long form of all for the CSV."""

from collections.abc import Mapping
from typing import Any

from results.assessment import Assessment
from results.drawing import slug
from results.entries import Point, Study
from results.grid import DASH, Block, Column, Row, Table, Value, number, shown
from results.hashing import canonical_json
from results.scores import accuracy_of, macro_f1_of, reasons_of

SCORES = (
    Column("Accuracy, %", ("accuracy", "accuracy_low", "accuracy_high", "accuracy_sd")),
    Column("Macro-F1", ("macro_f1", "macro_f1_low", "macro_f1_high", "macro_f1_sd")),
)


def name_of(study: Study) -> str:
    """Name the files of a study's table and figure."""
    return f"study-{slug(study.name)}"


def setting(value: Any) -> str:
    """Write one setting as a reader of the suite file knows it."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={setting(item)}" for key, item in value.items()) or "{}"
    return value if isinstance(value, str) else canonical_json(value)


def trained_on(point: Point) -> int | None:
    """Return how many documents a point learnt from (mean over seeds); `None` where unknown."""
    sizes = [cell.train_documents for cell in point.entry.cells]
    return round(sum(sizes) / len(sizes)) if sizes else None


def doubt(results: Assessment, study: Study) -> str:
    """Say what stands behind the numbers of a study."""
    if any(len(point.entry.verdicts) > 1 for point in study.points):
        return "mean and standard deviation over seeds"
    unit = "groups of documents" if results.grouped else "documents within each class"
    return f"95 % bootstrap intervals over {unit}"


def table(results: Assessment, study: Study) -> Table:
    """Show every point of one study, row by row."""
    blocks = [
        Block(row, tuple(_row(results, study, point) for point in points))
        for row, points in study.rows.items()
    ]
    alone = f" of {next(iter(study.rows))}" if len(study.rows) == 1 else ""
    return Table(
        name=name_of(study),
        caption=f"Study {study.name} of {results.suite}: {' and '.join(study.keys)}{alone} varied, "
        f"scores on the test documents ({doubt(results, study)}). Train: documents learnt from, "
        "those set aside for validation included.",
        columns=(*(_column(study, key) for key in study.keys), Column("Train"), *SCORES),
        blocks=tuple(blocks),
        marks=results.marks,
        labels=len(study.keys),
    )


def _column(study: Study, key: str) -> Column:
    values = [point.vary[key] for point in study.points if key in point.vary]
    return Column(key, number=all(isinstance(v, int | float) for v in values))


def _row(results: Assessment, study: Study, point: Point) -> Row:
    marks = [mark for mark in point.entry.marks if mark not in results.marks]
    settings = [
        shown(setting(point.vary[key]) if key in point.vary else DASH, notes=marks if not i else ())
        for i, key in enumerate(study.keys)
    ]
    scores = accuracy_of(point.entry), macro_f1_of(point.entry)
    return Row((*settings, number(trained_on(point), ",d"), *scores))


_LONG = ("study", "row", "vary", "seeds", "seeds_ok", "n_train")


def long_form(results: Assessment) -> Table:
    """Show every point of every study, for the CSV."""
    rows = [
        _long_row(study, row, point)
        for study in results.studies
        for row, points in study.rows.items()
        for point in points
    ]
    columns = [*(Column(name, (name,)) for name in _LONG), *SCORES]
    return Table(
        name="studies",
        caption="Every point of every study.",
        columns=(*columns, Column("reason", ("reason",)), Column("marks", ("marks",))),
        blocks=(Block("", tuple(rows)),),
        marks=results.marks,
    )


def _long_row(study: Study, row: str, point: Point) -> Row:
    entry = point.entry
    vary = ",".join(
        f"{canonical_json(k)}:{canonical_json(value)}" for k, value in point.vary.items()
    )
    named: list[Value] = [shown(study.name), shown(row), shown(f"{{{vary}}}")]
    counts = [len(entry.verdicts), len(entry.cells), trained_on(point)]
    told = shown("; ".join(reasons_of(entry))), shown("; ".join(entry.marks))
    sizes = [number(count, "d") for count in counts]
    return Row((*named, *sizes, accuracy_of(entry), macro_f1_of(entry), *told))
