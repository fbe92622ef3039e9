"""Every model against every other: which differences are real, as a matrix and as a list.

Above the diagonal stand the gains in accuracy, of the row over the column, below it their p; marks
that print in black and white say what is significant. The CSV has one line for each pair.
"""

from results.assessment import Assessment
from results.comparisons import Comparison, Significance
from results.entries import Entry
from results.grid import DASH, Block, Column, Piece, Row, Table, Value, shown
from results.scores import p_text, rounded, signed, without_zero
from results.statistics import ALPHA
from results.tables import label_of

_BY_P, _BY_INTERVAL = "*", "\N{DAGGER}"


def matrix(results: Assessment) -> Table:
    """Show gains above the diagonal and p below it, one row and one column for each model."""
    found = results.significance()
    entries = found.entries
    rows = tuple(_row(results, found, i) for i in range(len(entries)))
    return Table(
        name="significance",
        caption=_caption(results, found),
        columns=(
            Column("Model", number=False),
            Column("%"),
            *(Column(str(i + 1)) for i in range(len(entries))),
        ),
        blocks=(Block("", rows),) if found.comparisons else (),
        marks=results.marks,
        labels=2,
    )


def _caption(results: Assessment, found: Significance) -> str:
    kinds = sorted({one.p_kind for one in found.comparisons.values()})
    chosen = (
        "one classifier for each model, the best in cross-validation on train (without one, the "
        "first of the suite)"
    )
    cut = f"; {found.left_out} more models are left out" if found.left_out else ""
    return (
        f"Models of {results.suite} against each other, document by document: {chosen}{cut}. Above "
        "the diagonal the gain in accuracy of the row over the column, in points; below it its p "
        f"({' or '.join(kinds)}, Holm over all pairs). Bold with {_BY_P}: p < {ALPHA}. "
        f"{_BY_INTERVAL}: the macro-F1 differs too (95 % paired bootstrap interval)."
    )


def _row(results: Assessment, found: Significance, i: int) -> Row:
    entry = found.entries[i]
    marks = [mark for mark in entry.marks if mark not in results.marks]
    marks += [f"not compared: {entry.differs}"] if entry.differs else []
    accuracy = f"{100 * entry.accuracy.mean:.1f}" if entry.accuracy else DASH
    values = [_place(found, i, j) for j in range(len(found.entries))]
    return Row((shown(f"{i + 1}. {label_of(entry)}", notes=marks), shown(accuracy), *values))


def _place(found: Significance, i: int, j: int) -> Value:
    one = found.at(i, j)
    if i == j or one is None:
        return shown("" if i == j else DASH)
    p = found.p_holm[min(i, j), max(i, j)]
    mark = _BY_P if p < ALPHA else ""
    if i > j:
        return Value((Piece(without_zero(p_text(p)) + mark, bold=p < ALPHA),))
    also = _BY_INTERVAL if one.separates("macro_f1") else ""
    return Value((Piece(signed(100 * one.accuracy_gain, "+.1f") + mark + also, bold=p < ALPHA),))


_PAIR_COLUMNS = (
    Column("", ("first_model", "first_classifier")),
    Column("", ("second_model", "second_classifier")),
    Column("", ("seeds",)),
    Column("", ("accuracy_gain", "accuracy_low", "accuracy_high")),
    Column("", ("gain", "gain_low", "gain_high")),
    Column("", ("only_first", "only_second")),
    Column("", ("p_holm", "p", "test")),
)


def pairs(results: Assessment) -> Table:
    """List every pair with its intervals, for the CSV."""
    found = results.significance()
    rows = tuple(
        _pair(found.entries[i], found.entries[j], one, found.p_holm[i, j])
        for (i, j), one in found.comparisons.items()
    )
    return Table("significance", "Every pair of models.", _PAIR_COLUMNS, (Block("", rows),))


def _pair(first: Entry, second: Entry, one: Comparison, p_holm: float) -> Row:
    accuracy, gain = one.accuracy_interval, one.gain_interval
    raws = (
        (first.model, first.classifier),
        (second.model, second.classifier),
        (one.seeds,),
        tuple(map(rounded, (one.accuracy_gain, accuracy.low, accuracy.high))),
        tuple(map(rounded, (one.gain, gain.low, gain.high))),
        (one.only_first, one.only_second),
        (rounded(p_holm), rounded(one.p), one.p_kind),
    )
    return Row(tuple(Value((), raw) for raw in raws))
