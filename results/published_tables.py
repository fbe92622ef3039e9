"""The seed paper's Table II beside ours, for the models of a suite that correspond to its rows.

A model corresponds by its adapter and by whether it was adapted. The documents do not: the
paper's are not public, so the two numbers of a row say how far a setting carries, not who is right.
"""

from collections.abc import Mapping, Sequence

from results.assessment import Assessment
from results.entries import Entry
from results.grid import DASH, Block, Column, Row, Table, Value, shown
from results.published import EMBEDDED_WITH
from results.scores import reasons_of, status_of
from results.tables import title_of

TUNED = "-tuned"


def table_two(
    results: Assessment, published: Mapping[str, Mapping[str, tuple[float, float]]]
) -> Table:
    """Show what was published beside ours: accuracy in percent and macro-F1.

    Args:
        results: the run judged.
        published: model -> classifier -> accuracy and macro-F1, see `results.published.embedded`.
    """
    matrix = {(entry.model, entry.classifier): entry for entry in results.section("matrix")}
    names = [
        name for base in EMBEDDED_WITH for name in (base, base + TUNED)
        if any((model, name) in matrix for model in published)
    ]  # fmt: skip
    models = [m for m in dict.fromkeys(e.model for e in matrix.values()) if m in published]
    rows = tuple(_row(model, published[model], names, matrix) for model in models if names)
    return Table(
        name="table2-published",
        caption=f"Accuracy in percent (macro-F1) of {results.suite} beside the seed paper's "
        "Table II, for models that correspond by adapter and adaptation. The paper's documents are "
        "others and not public; it does not say which of its classifiers were tuned.",
        columns=(Column("Model", ("model",), number=False), *_columns(names)),
        blocks=(Block("", rows),) if rows else (),
        marks=results.marks,
    )


def _bases(names: Sequence[str]) -> dict[str, list[str]]:
    """Group our classifiers under the paper's: base name -> ours."""
    bases = dict.fromkeys(name.removesuffix(TUNED) for name in names)
    return {base: [name for name in names if name.removesuffix(TUNED) == base] for base in bases}


def _columns(names: Sequence[str]) -> list[Column]:
    columns = []
    for base, own in _bases(names).items():
        columns.append(_column("published", f"{base}:published", base))
        columns += [
            _column("ours, tuned" if name.endswith(TUNED) else "ours", name, base) for name in own
        ]
    return columns


def _column(title: str, field: str, base: str) -> Column:
    return Column(title, (f"{field}:accuracy", f"{field}:macro_f1"), group=title_of(base))


def _row(
    model: str,
    theirs: Mapping[str, tuple[float, float]],
    names: Sequence[str],
    matrix: Mapping[tuple[str, str], Entry],
) -> Row:
    values = [shown(model)]
    for base, own in _bases(names).items():
        values.append(_pair(theirs.get(base)))
        values += [_ours(matrix.get((model, name))) for name in own]
    return Row(tuple(values))


def _ours(entry: Entry | None) -> Value:
    if entry is None:
        return _pair(None)
    if entry.accuracy is None or entry.macro_f1 is None:
        return shown(status_of(entry), None, None, notes=reasons_of(entry))
    return _pair((entry.accuracy.mean, entry.macro_f1.mean))


def _pair(scores: tuple[float, float] | None) -> Value:
    if scores is None:
        return shown(DASH, None, None)
    accuracy, macro_f1 = scores
    text = f"{100 * accuracy:.1f} ({macro_f1:.3f})"
    return shown(text, round(accuracy, 6), round(macro_f1, 6))
