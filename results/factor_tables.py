"""What masking, adaptation, 4 bits and wider windows change, pair by pair of models as a table."""

from results.assessment import Assessment
from results.entries import Entry
from results.factors import FactorDelta
from results.grid import Block, Column, Row, Table, Value, shown
from results.scores import difference, p_text, rounded
from results.tables import full_title_of

_COLUMNS = (
    Column("", ("factor", "before", "after", "study", "seeds")),
    Column("Model", ("model",), number=False),
    Column("against", ("against",), number=False),
    Column("Classifier", ("classifier",), number=False),
    Column("Accuracy, points [95 %]", ("accuracy_gain", "accuracy_low", "accuracy_high")),
    Column("Macro-F1 [95 %]", ("gain", "gain_low", "gain_high")),
    Column("won : lost", ("only_first", "only_second")),
    Column("p (Holm)", ("p_holm", "p", "test")),
)


def table(results: Assessment) -> Table:
    """Show every pair that differs in one factor, factor by factor."""
    found = results.factors()
    blocks: dict[str, list[Row]] = {}
    for delta in found:
        blocks.setdefault(_title(delta), []).append(_row(results, delta))
    only = f" {next(iter(blocks))}." if len(blocks) == 1 else ""
    return Table(
        name="factors",
        caption=f"What one setting of a model changes in {results.suite}: each pair differs in it "
        "alone and is compared document by document, gains with 95 % paired bootstrap intervals. "
        "Won : lost counts the documents that one of the two alone got right; p is exact, Holm "
        f"over all rows.{only}",
        columns=_COLUMNS,
        blocks=tuple(Block(title, tuple(rows)) for title, rows in blocks.items()),
        marks=results.marks,
        labels=3,
    )


def _title(delta: FactorDelta) -> str:
    factor = delta.factor[:1].upper() + delta.factor[1:]
    return f"{factor}: {delta.before} \N{RIGHTWARDS ARROW} {delta.after}"


def _row(results: Assessment, delta: FactorDelta) -> Row:
    one = delta.comparison
    return Row(
        (
            Value((), (delta.factor, delta.before, delta.after, delta.study, one.seeds)),
            _model(results, delta.first),
            _model(results, delta.second),
            _classifier(delta),
            difference(one.accuracy_gain, one.accuracy_interval, scale=100, form="+.1f"),
            difference(one.gain, one.gain_interval),
            shown(f"{one.only_first} : {one.only_second}", one.only_first, one.only_second),
            shown(p_text(delta.p_holm), rounded(delta.p_holm), rounded(one.p), one.p_kind),
        )
    )


def _model(results: Assessment, entry: Entry) -> Value:
    return shown(entry.model, notes=[mark for mark in entry.marks if mark not in results.marks])


def _classifier(delta: FactorDelta) -> Value:
    """Name the classifier that both have; of a study the row's, and which study it is."""
    entry = delta.first
    point = entry.verdicts[0].record.study
    if point is None:
        return shown(full_title_of(entry.classifier), entry.classifier)
    classifier = point.row.partition("/")[2] or entry.model
    return shown(f"{full_title_of(classifier)}, study {point.name}", entry.classifier)
