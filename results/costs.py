"""What every entry cost, its upstream work included; the only table that differs between runs.

Reading, labelling and splitting the corpus is the same for all and is left out. Costs are those of
the run that made the artifact: a cached job is shown with what it cost then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from results import efficiency
from results.assessment import Assessment
from results.entries import Entry
from results.grid import Block, Column, Row, Table, Value, number, shown
from results.records import Costs, Record
from results.statistics import spread
from results.tables import SECTIONS

SHARED_ROLES = ("corpus", "labels", "split")

_COLUMNS = (
    Column("Model", ("model",), number=False),
    Column("Classifier", ("classifier",), number=False),
    Column("Seeds", ("seeds",)),
    Column("adapt", ("adapt_s",), group="Wall-clock seconds"),
    Column("char LM", ("char_lm_s",), group="Wall-clock seconds"),
    Column("embed", ("embed_s",), group="Wall-clock seconds"),
    Column("steps", ("steps_s",), group="Wall-clock seconds"),
    Column("classify", ("classify_s",), group="Wall-clock seconds"),
    Column("total", ("total_s",), group="Wall-clock seconds"),
    Column("Tokens/s", ("tokens_per_s",)),
    Column("RSS", ("peak_rss_mb",), group="Peak memory, MB"),
    Column("device", ("peak_device_mb",), group="Peak memory, MB"),
    Column("model", ("model_parameters",), group="Parameters"),
    Column("classifier", ("classifier_parameters",), group="Parameters"),
    Column("bits each", ("bits_per_weight",), group="Parameters"),
    Column("Attention", ("attention",), number=False),
    Column("s", ("train_s",), group="Training"),
    Column("epochs", ("epochs",), group="Training"),
    Column("MB on disk", ("model_mb",)),
    Column("batch 1", ("latency_1_ms",), group="ms per sample"),
    Column("batch 8", ("latency_8_ms",), group="ms per sample"),
)


def own_costs(record: Record) -> dict[str, Costs]:
    """Return the costs that this record does not share with every other: role -> costs."""
    return {role: c for role, c in record.costs.items() if role not in SHARED_ROLES}


def total_s(entry: Entry) -> float | None:
    """Return the seconds of an entry from text to score, mean over its ok seeds."""
    totals = [
        sum(cost.spent_s for cost in own_costs(v.record).values())
        for v in entry.verdicts
        if v.record.cell and own_costs(v.record)
    ]
    return spread(totals).mean if totals else None


def costs(results: Assessment, *, studies: bool = False) -> Table:
    """Seconds, speed, memory and parameters per entry, mean over its ok seeds.

    A column in which nothing is known (no accelerator, no adaptation) is left to the CSV.

    Args:
        results: the run judged.
        studies: whether the points of studies have rows too.
    """
    blocks = []
    for section, title in SECTIONS.items():
        rows = tuple(_row(entry) for entry in results.section(section))
        blocks += [Block(title, rows)] if rows else []
    points = [point.entry for study in results.studies for point in study.points]
    if studies and points:
        blocks.append(Block("Points of studies", tuple(_row(entry) for entry in points)))
    columns = with_known(_COLUMNS, [row for block in blocks for row in block.rows])
    return Table(
        name="costs",
        caption=f"What each cell of {results.suite} cost, from text to score (mean over seeds); "
        "the corpus itself, its labels and its split are shared by all and left out. Steps are the "
        "trainings that a pruned model starts from. A sample's time is from the text that the "
        "model reads to its class, an embedding's and a classifier's added.",
        columns=columns,
        blocks=tuple(blocks),
        marks=results.marks,
        labels=2,
    )


def with_known(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[Column, ...]:
    """Leave columns in which nothing is known to the CSV."""
    return tuple(
        column if any(row.values[i].raw[0] is not None for row in rows)
        else replace(column, title="")
        for i, column in enumerate(columns)
    )  # fmt: skip


def _row(entry: Entry) -> Row:
    seen = [own_costs(v.record) for v in entry.verdicts if v.record.cell]
    name = (shown(entry.model), shown(entry.classifier), shown(str(len(seen)), len(seen)))
    parameters = [cell.parameters for cell in entry.cells if cell.parameters is not None]
    return Row(
        (
            *name,
            *(_seconds([c[role].spent_s for c in seen if role in c]) for role in _UPSTREAM),
            _seconds([sum(c.spent_s for c in one.values()) for one in _chains(entry) if one]),
            _seconds([c["cell"].spent_s for c in seen if "cell" in c]),
            _seconds([total] if (total := total_s(entry)) is not None else []),
            _rounded([_tokens_per_s(c) for c in seen]),
            _rounded([_peak_mb(c, "rss") for c in seen]),
            _rounded([_peak_mb(c, "device") for c in seen]),
            _rounded(_audited(entry, "parameters")),
            _rounded(parameters),
            _bits(_audited(entry, "bits_per_weight")),
            _named(_audited(entry, "attention")),
            *use(entry),
        )
    )


_UPSTREAM = ("adapted", "char_lm", "vectors")


def _chains(entry: Entry) -> list[dict[str, Costs]]:
    """Return the costs of the fine-tuning and the steps of pruning that each cell starts from."""
    return [efficiency.steps(v.record) for v in entry.verdicts if v.record.cell]


def use(entry: Entry) -> list[Value]:
    """Show the training's seconds and epochs, MB on disk, ms per sample at batch 1 and 8."""
    return [figure_of(entry, name) for name in _FIGURES]


_FIGURES = {
    "train_s": (1.0, ".2f"),
    "epochs": (1.0, ".4g"),
    "model_bytes": (1e-6, ",.4g"),
    "latency_1_s": (1e3, ".4g"),
    "latency_8_s": (1e3, ".4g"),
}


def figure_of(entry: Entry, name: str, *, reasons: bool = False) -> Value:
    """Show one figure of `results.efficiency`, or why there is none where `reasons` are wanted."""
    scale, form = _FIGURES[name]
    found = efficiency.figure(entry, name)
    reason = found.reason if reasons else ""
    if found.value is None:
        return number(None, form, reason=reason)
    if name == "train_s":
        return _seconds([found.value])
    return number(scale * found.value, form)


def _audited(entry: Entry, name: str) -> list[Any]:
    """Read one figure of the audits of the model behind an entry; those without one left out."""
    audits = [v.record.audit or {} for v in entry.verdicts]
    return [audit[name] for audit in audits if audit.get(name) is not None]


def _bits(values: list[float]) -> Value:
    return number(spread(values).mean, ".2f") if values else number(None, "")


def _named(values: list[str]) -> Value:
    text = ", ".join(sorted(set(values)))
    return shown(text, text) if text else number(None, "")


def _tokens_per_s(costs_by_role: Mapping[str, Costs]) -> float | None:
    """Return the speed of the embedding where it has one, else of the cell itself."""
    for role in ("vectors", "cell"):
        value = costs_by_role[role].extra.get("tokens_per_s") if role in costs_by_role else None
        if isinstance(value, int | float):
            return float(value)
    return None


def _peak_mb(costs_by_role: Mapping[str, Costs], place: str) -> float | None:
    """Return the highest peak of "rss" or "device"; of an embedding, of its shards' processes."""
    found = [
        peak
        for cost in costs_by_role.values()
        for peak in (getattr(cost, f"peak_{place}_bytes"), cost.extra.get(f"shards_{place}_bytes"))
        if isinstance(peak, int) and peak > 0
    ]
    return max(found) / 1e6 if found else None


def _seconds(values: list[float]) -> Value:
    if not values:
        return number(None, "")
    mean = spread(values).mean
    return number(mean, ".2f" if mean < 10 else ",.1f" if mean < 1000 else ",.0f")


def _rounded(values: Sequence[float | None]) -> Value:
    known = [value for value in values if value is not None]
    if not known:
        return number(None, "")
    return number(round(spread(known).mean), ",d")
