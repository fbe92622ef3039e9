"""Networks trained on text: the seed paper's Table I, and how much of the documents they read."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from results.assessment import Assessment
from results.breakdowns import class_value
from results.entries import Entry
from results.grid import Block, Column, Row, Table, Value, number, shown
from results.published import CLASSES, Network
from results.records import Record
from results.scores import accuracy_of, macro_f1_of, without_zero
from results.statistics import spread
from results.tables import Best, best_names

if TYPE_CHECKING:
    from results.run import Run

BYTES_PER_PARAMETER = 4  # float32, as the paper counts its 3 MB
MAX_CLASSES_ACROSS = 4
_PARTS = (("F1", "f1"), ("P", "precision"), ("R", "recall"))
_SIZE = "Size"


def networks(results: Assessment) -> dict[str, list[Entry]]:
    """Return what reads text and is trained end to end: heading -> entries."""
    finetuned = [e for e in results.section("matrix") if e.classifier == "finetuned"]
    found = {"Reference networks": results.section("reference"), "Fine-tuned models": finetuned}
    return {title: entries for title, entries in found.items() if entries}


def network_name(entry: Entry) -> str:
    """Name a network in one word of the suite."""
    return entry.classifier if entry.section == "reference" else entry.model


def parameters_of(entry: Entry) -> int | None:
    """Return all weights of a network, those included that a fine-tuning leaves as they are."""
    audits = [v.record.audit or {} for v in entry.verdicts if v.record.cell]
    counts = [audit.get("parameters") for audit in audits]
    counts += [cell.parameters for cell in entry.cells]
    known = [count for count in counts if isinstance(count, int)]
    return max(known) if known else None


def table_one(
    results: Assessment, published: Mapping[str, Network] = MappingProxyType({})
) -> list[Table]:
    """Show size and scores of every network, in the shape of the seed paper's Table I.

    Args:
        results: the run judged.
        published: what was published of networks like these, shown where the classes are the
            paper's; see `results.published.networks`.

    Returns:
        One table; where the classes are too many to stand side by side, a second with the scores
        per class, one class a row.
    """
    found = networks(results)
    across = len(results.classes) <= MAX_CLASSES_ACROSS
    best = best_names(results, [entry for entries in found.values() for entry in entries])
    rows = [
        Block(title, tuple(_network(results, entry, best) for entry in entries))
        for title, entries in found.items()
    ]
    scored = [entry for entries in found.values() for entry in entries if entry.cells]
    theirs = _theirs(results, scored, published)
    rows += [Block("Published, on other documents", theirs)] if theirs else []
    main = Table(
        name="table1",
        caption=f"Networks that read the text of {results.suite}: weights, size at 4 bytes a "
        "weight, and scores on the test documents, mean and standard deviation over seeds or 95 % "
        "bootstrap interval of the only one. Bold: the best and all that cannot be separated from "
        f"it (paired 95 % bootstrap interval of the difference).{_OTHERS if theirs else ''}",
        columns=(*_COLUMNS, *_class_columns(results, shown=across), Column("", ("source",))),
        blocks=tuple(rows),
        marks=results.marks,
    )
    return [main] if across or not scored else [main, _class_table(results, scored)]


_OTHERS = " Published: the seed paper's numbers, on its own documents, which are not public."
_COLUMNS = (
    Column("Network", ("network",), number=False),
    Column("Weights", ("parameters",), group=_SIZE),
    Column("MB", ("size_mb",), group=_SIZE),
    Column("Accuracy, %", ("accuracy", "accuracy_low", "accuracy_high", "accuracy_sd")),
    Column("Macro-F1", ("macro_f1", "macro_f1_low", "macro_f1_high", "macro_f1_sd")),
)


def _theirs(
    results: Assessment, entries: Sequence[Entry], published: Mapping[str, Network]
) -> tuple[Row, ...]:
    """List the published networks that some of ours correspond to, each once."""
    if set(results.classes) != set(CLASSES):
        return ()
    names = [network_name(entry) for entry in entries]
    networks = {published[name].name: published[name] for name in names if name in published}
    return tuple(_published(results, network) for network in networks.values())


def _published(results: Assessment, network: Network) -> Row:
    nothing = (None,) * len(_PARTS)
    parts = [part for name in results.classes for part in network.per_class.get(name, nothing)]
    return Row(
        (
            shown(network.name),
            *_size(network.parameters),
            shown(f"{100 * network.accuracy:.1f}", network.accuracy, None, None, None),
            shown(f"{network.macro_f1:.3f}", network.macro_f1, None, None, None),
            *map(_share, parts),
            shown("published"),
        )
    )


def _class_columns(results: Assessment, *, shown: bool) -> list[Column]:
    return [
        Column(title if shown else "", (f"{name}:{part}",), group=name if shown else "")
        for name in results.classes
        for title, part in _PARTS
    ]


def _network(results: Assessment, entry: Entry, best: Best) -> Row:
    marks = [mark for mark in entry.marks if mark not in results.marks]
    classes = [class_value(entry, name, part) for name in results.classes for _, part in _PARTS]
    return Row(
        (
            shown(network_name(entry), notes=marks),
            *_size(parameters_of(entry)),
            accuracy_of(entry, bold=entry.name in best[0]),
            macro_f1_of(entry, bold=entry.name in best[1]),
            *classes,
            shown("ours"),
        )
    )


def _size(weights: int | None) -> tuple[Value, Value]:
    size_mb = None if weights is None else BYTES_PER_PARAMETER * weights / 1e6
    return number(weights, ",d"), number(size_mb, ".2f" if (size_mb or 0) < 10 else ",.0f")


def _share(value: float | None) -> Value:
    """Show a score per class as the paper does, .912; four classes then fit a page."""
    found = number(value, ".3f")
    return found if value is None else shown(without_zero(found.text), *found.raw)


def _class_table(results: Assessment, entries: Sequence[Entry]) -> Table:
    parts = [(entry, part) for entry in entries for _, part in _PARTS]
    rows = [
        Row((shown(name), *(class_value(entry, name, part) for entry, part in parts)))
        for name in results.classes
    ]
    columns = [Column(title, group=network_name(entry)) for entry in entries for title, _ in _PARTS]
    return Table(
        name="table1-classes",
        caption=f"F1, precision and recall per class of the networks that read the text of "
        f"{results.suite}, mean over seeds.",
        columns=(Column("Class", number=False), *columns),
        blocks=(Block("", tuple(rows)),),
        marks=results.marks,
    )


_READ = (
    ("documents", "documents", ",d"),
    ("cut", "cut", ",d"),
    ("share", "read", ".1%"),
    ("unknown", "unknown", ",d"),
)


def coverage(run: "Run", results: Assessment) -> Table:
    """Show how much of the documents lay within each network's context, mean over seeds."""
    rows = []
    for entries in networks(results).values():
        for entry in entries:
            if cards := _coverages(run, [v.record for v in entry.verdicts if v.record.cell]):
                rows.append(_coverage_row(entry, cards))
    columns = [
        Column(title, (f"{side}_{key}",), group=side.capitalize())
        for side in ("train", "test")
        for key, title, _ in _READ
    ]
    return Table(
        name="coverage",
        caption="What the networks read: documents longer than the context are cut; read is the "
        "share of all characters (or tokens) within it, unknown are characters that train does "
        "not have.",
        columns=(Column("Network", number=False), Column("Reads", number=False), *columns),
        blocks=(Block("", tuple(rows)),) if rows else (),
        marks=results.marks,
        labels=2,
    )


def _coverages(run: "Run", records: Sequence[Record]) -> list[Mapping[str, Any]]:
    found = [(run.card(record, "cell") or {}).get("coverage") for record in records]
    return [one for one in found if isinstance(one, Mapping)]


def _coverage_row(entry: Entry, cards: Sequence[Mapping[str, Any]]) -> Row:
    sides = [[card.get(side) or {} for card in cards] for side in ("train", "test")]
    unit = "characters" if any("chars" in side for side in (*sides[0], *sides[1])) else "tokens"
    values = [
        _mean([side[key] for side in one if side.get(key) is not None], form)
        for one in sides
        for key, _, form in _READ
    ]
    return Row((shown(network_name(entry)), shown(unit), *values))


def _mean(values: Sequence[float], form: str) -> Value:
    if not values:
        return number(None, form)
    mean = spread(values).mean
    return number(round(mean) if form.endswith("d") else mean, form)
