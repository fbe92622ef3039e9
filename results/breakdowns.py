"""Tables behind the headline numbers: scores per class, and duplicates across the split."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from results.assessment import Assessment
from results.entries import Entry
from results.grid import Block, Column, Row, Table, number, shown
from results.tables import label_of


def class_rows(results: Assessment) -> Table:
    """Precision, recall and F1 of every class in every ok cell: the long form, for the CSV."""
    rows = [
        Row(
            (
                shown(record.model), shown(record.classifier), shown(str(record.seed)), shown(name),
                number(s.precision, ".3f"), number(s.recall, ".3f"), number(s.f1, ".3f"),
                number(s.support, "d"), shown("; ".join(record.marks)),
            )
        )
        for entry in results.entries
        for record in (v.record for v in entry.verdicts)
        for name, s in (record.cell.scores.per_class.items() if record.cell else ())
    ]  # fmt: skip
    names = (
        "model",
        "classifier",
        "seed",
        "class",
        "precision",
        "recall",
        "f1",
        "support",
        "marks",
    )
    return Table(
        name="classes",
        caption="Scores per class of every cell.",
        columns=tuple(Column(name, (name,)) for name in names),
        blocks=(Block("", tuple(rows)),),
        marks=results.marks,
        labels=4,
    )


def classes(results: Assessment) -> Table:
    """Precision, recall and F1 per class, for one entry per model, side by side."""
    chosen = results.chosen
    parts = (("precision", "P"), ("recall", "R"), ("f1", "F1"))
    columns = [Column("Class", number=False), Column("Test")]
    columns += [Column(title, group=label_of(entry)) for entry in chosen for _, title in parts]
    caveats = "".join(
        f" {label_of(entry)}: {mark}."
        for entry in chosen
        for mark in entry.marks
        if mark not in results.marks
    )
    rows = []
    for name in results.classes:
        values = [class_mean(entry, name, part) for entry in chosen for part, _ in parts]
        supports = [_class_values(entry, name, "support") for entry in chosen]
        support = next((s[0] for s in supports if s), None)
        count = None if support is None else int(support)
        rows.append(Row((shown(name), number(count, "d"), *(number(v, ".3f") for v in values))))
    return Table(
        name="classes",
        caption=f"Precision, recall and F1 per class of {results.suite}; for each model the "
        "classifier that did best in cross-validation on train (without one, the first of the "
        f"suite).{caveats}",
        columns=tuple(columns),
        blocks=(Block("", tuple(rows)),) if chosen else (),
        marks=results.marks,
        labels=2,
    )


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


def _class_values(entry: Entry, name: str, part: str) -> list[float]:
    scores = [cell.scores.per_class.get(name) for cell in entry.cells]
    return [float(getattr(score, part)) for score in scores if score is not None]


def class_mean(entry: Entry, name: str, part: str) -> float | None:
    """Return the mean over seeds of `precision`, `recall` or `f1` of a class; `None` without."""
    values = _class_values(entry, name, part)
    return float(np.mean(values)) if values else None
