"""Tables behind the headline numbers: scores per class, and duplicates across the split."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from results.assessment import Assessment
from results.entries import Entry, Verdict
from results.grid import DASH, Block, Column, Piece, Row, Table, Value, number, shown
from results.records import Cell
from results.scores import cautions, over_seeds, rounded, without_zero
from results.statistics import Measure
from results.tables import label_of, unit_of

if TYPE_CHECKING:
    from results.run import Run


PARTS = ("precision", "recall", "f1")
_CAVEATS, _LABELS = 6, 3  # that a caption has room for
_LONG = (
    *(Column(name, (name,)) for name in ("model", "classifier", "seed", "class")),
    *(Column(part, (part, f"{part}_low", f"{part}_high", f"{part}_reason")) for part in PARTS),
    *(Column(name, (name,)) for name in ("support", "marks")),
)


def class_rows(results: Assessment) -> Table:
    """Precision, recall and F1 of every class in every ok cell: the long form, for the CSV."""
    rows = [
        _class_row(verdict, verdict.record.cell, name)
        for entry in results.entries
        for verdict in entry.verdicts
        if verdict.record.cell is not None
        for name in verdict.record.cell.scores.per_class
    ]
    return Table(
        name="classes",
        caption="Scores per class of every cell.",
        columns=_LONG,
        blocks=(Block("", tuple(rows)),),
        marks=results.marks,
        labels=4,
    )


def _class_row(verdict: Verdict, cell: Cell, name: str) -> Row:
    record, found = verdict.record, verdict.per_class.get(name, {})
    labels = (record.model, record.classifier, str(record.seed), name)
    parts = [found.get(part, Measure(reason="not measured")) for part in PARTS]
    return Row(
        (
            *map(shown, labels),
            *map(_long, parts),
            number(cell.scores.per_class[name].support, "d"),
            shown("; ".join(record.marks)),
        )
    )


def _long(one: Measure) -> Value:
    ends = (one.interval.low, one.interval.high) if one.interval else (None, None)
    return shown("", rounded(one.value), *map(rounded, ends), one.reason or None)


def classes(results: Assessment) -> Table:
    """Precision, recall and F1 per class, for one entry per model, side by side."""
    chosen = results.chosen
    titles = (("precision", "P"), ("recall", "R"), ("f1", "F1"))
    columns = [Column("Class", number=False), Column("Test")]
    columns += [Column(title, group=label_of(entry)) for entry in chosen for _, title in titles]
    rows = []
    for name in results.classes:
        values = [
            class_value(entry, name, part, doubt=part == "f1")
            for entry in chosen
            for part, _ in titles
        ]
        supports = [c.scores.per_class[name].support for entry in chosen for c in entry.cells
                    if name in c.scores.per_class]  # fmt: skip
        rows.append(Row((shown(name), number(next(iter(supports), None), "d"), *values)))
    doubt = (
        "mean over seeds, F1 with its standard deviation"
        if len(results.seeds) > 1
        else f"F1 with its 95 % bootstrap interval over {unit_of(results)}"
    )
    return Table(
        name="classes",
        caption=f"Precision, recall and F1 per class of {results.suite} ({doubt}); for each model "
        "the classifier that did best in cross-validation on train (without one, the first of the "
        f"suite).{_caveats(results, chosen)}",
        columns=tuple(columns),
        blocks=(Block("", tuple(rows)),) if chosen else (),
        marks=results.marks,
        labels=2,
    )


def _caveats(results: Assessment, chosen: Sequence[Entry]) -> str:
    """Say each caveat once, and of whom; a caption has room for a few."""
    of: dict[str, list[str]] = {}
    for entry in chosen:
        for caveat in (*entry.marks, *cautions(entry)):
            if caveat not in results.marks:
                of.setdefault(caveat, []).append(label_of(entry))
    said = [f" {_few(labels)}: {caveat}." for caveat, labels in of.items()]
    more = f" And {len(said) - _CAVEATS} more: see the table of every cell."
    return "".join(said[:_CAVEATS]) + (more if len(said) > _CAVEATS else "")


def _few(labels: Sequence[str]) -> str:
    more = len(labels) - _LABELS
    return ", ".join(labels[:_LABELS]) + (f" and {more} more" if more > 0 else "")


def class_value(entry: Entry, name: str, part: str, *, doubt: bool = False) -> Value:
    """Show a score of one class as the paper does, .912, or why there is none; raw: the mean.

    What is undefined in a seed (no document was called of the class) has no part in the mean.
    """
    known = [v.per_class[name] for v in entry.verdicts if name in v.per_class]
    if not known:
        return shown(DASH, None)
    value = over_seeds([found[part] for found in known], ".3f")
    if value.raw[0] is None:
        return replace(value, raw=(None,))
    text = value.text if doubt else value.pieces[0].text
    return Value((Piece(without_zero(text)),), value.raw[:1], value.notes)


def splits(run: "Run") -> dict[int, dict[str, Any]]:
    """Read the card of each seed's split; a study may learn from a part of it only."""
    records = [record for record in reversed(run.records) if record.study is None]
    cards = {r.seed: card for r in records if (card := run.card(r, "split"))}
    return dict(sorted(cards.items()))


def duplicates(cards: Mapping[int, Mapping[str, Any]]) -> Table:
    """Twins within and across the sides of each split: what a model may have memorised.

    Args:
        cards: seed -> card of its split.
    """
    parts = ("test_in_train", "test_in_train_share", "differing_labels", "train", "test")
    rows = [
        Row(
            (
                shown(str(seed)),
                shown({"exact": "same text", "masked": "same once masked"}.get(kind, kind)),
                *(number(found.get(part), ".1%" if "share" in part else ",d") for part in parts),
            )
        )
        for seed, card in cards.items()
        for kind, found in (card.get("duplicates") or {}).items()
    ]
    across = "Test documents with a twin in train"
    return Table(
        name="duplicates",
        caption="Duplicates of documents, across the split and within each side.",
        columns=(
            Column("Seed"),
            Column("Twins", number=False),
            Column("number", group=across),
            Column("share", group=across),
            Column("of another class", group=across),
            Column("train", group="Copies beyond the first"),
            Column("test", group="Copies beyond the first"),
        ),
        blocks=(Block("", tuple(rows)),) if rows else (),
        labels=2,
    )
