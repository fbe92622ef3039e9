"""Smaller models: Tables I to IV of the QLoRA and pruning seed paper, with its numbers beside ours.

The paper's tables are known to us by their numbers alone, so they are mapped by what they tell: I
how well fine-tuned and pruned models do, II what their training took, III how large they are and
how fast, IV how fast at the edge. I holds no times; the others belong to the costs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from results import efficiency
from results.anomalies import scores_of
from results.assessment import Assessment
from results.costs import figure_of, with_known
from results.detection import detects
from results.entries import Entry
from results.grid import DASH, Block, Column, Row, Table, Value, number, shown
from results.published import EDGE_HARDWARE, HARDWARE, Compressed, compressed
from results.scores import macro_f1_of, reasons_of, status_of
from results.statistics import spread

if TYPE_CHECKING:
    from results.run import Run

PRUNED = "pruned-"
METHODS = {"none": "not trained", "full": "full", "lora": "LoRA", "qlora": "QLoRA"}
_PARTS = ("f1", "precision", "recall")


@dataclass(frozen=True)
class Line:
    """One fine-tuned or pruned model.

    Attributes:
        method: how it was fine-tuned, a key of `METHODS`; `None` where its card does not tell.
        pruned: share of the MLP neurons that is gone.
        published: the paper's row, if it has one.
    """

    entry: Entry
    method: str | None
    pruned: float
    published: Compressed | None


def lines(run: "Run", results: Assessment) -> list[Line]:
    """List the fine-tuned models with their pruned ones, in the order of the suite.

    Returns:
        Nothing where nothing is compared: no model was pruned, and all were fine-tuned alike.
    """
    finetuned = [_line(run, e) for e in results.section("matrix") if e.classifier == "finetuned"]
    pruned = [_line(run, entry) for entry in results.section("compress")]
    if not pruned and len({line.method for line in finetuned}) < 2:
        return []
    models = dict.fromkeys(line.entry.model for line in (*finetuned, *pruned))
    return [x for model in models for x in (*finetuned, *pruned) if x.entry.model == model]


def _line(run: "Run", entry: Entry) -> Line:
    name = entry.classifier
    share = float(name.removeprefix(PRUNED)) / 100 if name.startswith(PRUNED) else 0.0
    cards = [run.card(v.record, "cell") or {} for v in entry.verdicts if v.record.cell]
    method = next((card["method"] for card in cards if card.get("method")), None)
    return Line(entry, method, share, compressed(method, share))


def full(found: Sequence[Line]) -> Line | None:
    """Return the model that others are compared with: the only one that was trained in full."""
    candidates = [line for line in found if line.method == "full" and not line.pruned]
    return candidates[0] if len(candidates) == 1 else None


def quality(run: "Run", results: Assessment) -> Table:
    """Table I: F1, precision and recall of every model."""
    found = lines(run, results)
    ours = [Column(t, _fields(n), group="Ours") for t, n in zip(_TITLES, _PARTS, strict=True)]
    theirs = [
        Column(title, (f"published_{name}",), group="Published")
        for title, name in zip(_TITLES, _PARTS, strict=True)
    ]
    return _table(
        results,
        found,
        "compression1",
        "Fine-tuned and pruned models on the test documents of {}: scores of the class "
        '"anomaly" where that is told from "normal", else means over the classes; with 95 % '
        "bootstrap intervals, or the standard deviation over seeds. Published: the seed paper's, "
        "on its own data (HDFS event templates, BERT).",
        [*ours, *theirs],
        lambda line: [*_scores(run, line.entry), *_theirs(line, *_PARTS, form=".3f")],
    )


_TITLES = ("F1", "Precision", "Recall")


def _fields(name: str) -> tuple[str, ...]:
    return (name, f"{name}_low", f"{name}_high", f"{name}_sd")


def _scores(run: "Run", entry: Entry) -> list[Value]:
    if any(detects(v.record) for v in entry.verdicts):
        return scores_of(run, entry)[: len(_PARTS)]
    if not entry.cells:
        lost = shown(status_of(entry), *[None] * 4, notes=reasons_of(entry))
        return [lost, *[shown(DASH, *[None] * 4)] * 2]
    return [macro_f1_of(entry), _macro(entry, "precision"), _macro(entry, "recall")]


def _macro(entry: Entry, part: str) -> Value:
    """Show the unweighted mean of a score over the classes."""
    each = [cell.scores.per_class.values() for cell in entry.cells]
    over = spread([sum(getattr(s, part) for s in some) / len(some) for some in each])
    text = f"{over.mean:.3f}" if over.sd is None else f"{over.mean:.3f} ± {over.sd:.3f}"
    sd = None if over.sd is None else round(over.sd, 6)
    return shown(text, round(over.mean, 6), None, None, sd)


def _theirs(line: Line, *names: str, form: str) -> list[Value]:
    return [_published(line, name, form) for name in names]


def _published(line: Line, name: str, form: str, scale: int = 1) -> Value:
    value = getattr(line.published, name) if line.published else None
    return number(None if value is None else scale * value, form)


def training(run: "Run", results: Assessment) -> Table:
    """Table II: peak memory, seconds and epochs of the training."""
    columns = [
        Column("device, MB", ("train_device_mb",), group="Peak memory"),
        Column("host, MB", ("train_host_mb",), group="Peak memory"),
        Column("s", ("train_s",)),
        Column("epochs", ("epochs",)),
        Column("device, MB", ("published_peak_mb",), group="Published"),
        Column("s", ("published_train_s",), group="Published"),
        Column("epochs", ("published_epochs",), group="Published"),
    ]
    return _table(
        results,
        lines(run, results),
        "compression2",
        "What training the models of {} took: a pruned model's seconds and epochs are those of all "
        f"steps up to it, its memory their highest peak ({HARDWARE}).",
        columns,
        lambda line: [
            _peak(line, "train_device_bytes"),
            _peak(line, "train_rss_bytes"),
            figure_of(line.entry, "train_s", reasons=True),
            figure_of(line.entry, "epochs", reasons=True),
            *_theirs(line, "peak_mb", "train_s", form=",.2f"),
            *_theirs(line, "epochs", form="d"),
        ],
    )


def _peak(line: Line, name: str) -> Value:
    found = efficiency.peak_bytes(line.entry, name)
    return number(None if found.value is None else round(found.value / 1e6), ",d")


def sizes(run: "Run", results: Assessment) -> Table:
    """Table III: size on disk and seconds per sample, and both relative to the full model."""
    found = lines(run, results)
    columns = [
        Column("MB", ("model_mb",), group="On disk"),
        Column("of full", ("model_of_full",), group="On disk"),
        Column("batch 1", ("latency_1_ms",), group="ms per sample"),
        Column("of full", ("latency_1_of_full",), group="ms per sample"),
        Column("batch 8", ("latency_8_ms",), group="ms per sample"),
        Column("MB", ("published_mb",), group="Published"),
        Column("of full", ("published_mb_of_full",), group="Published"),
        Column("ms", ("published_ms",), group="Published"),
        Column("of full", ("published_ms_of_full",), group="Published"),
    ]
    return _table(
        results,
        found,
        "compression3",
        "Size, merged and in fp32, and time per sample of the models of {}, after a warm-up, from "
        f"text to class ({HARDWARE}).{_without_full(found)}",
        columns,
        lambda line: [
            figure_of(line.entry, "model_bytes", reasons=True),
            _of_full(found, line, "model_bytes"),
            figure_of(line.entry, "latency_1_s", reasons=True),
            _of_full(found, line, "latency_1_s"),
            figure_of(line.entry, "latency_8_s", reasons=True),
            _published(line, "size_mb", ",d"),
            number(published_of_full(line.published, "size_mb"), ".2f"),
            _published(line, "latency_s", ".4g", 1000),
            number(published_of_full(line.published, "latency_s"), ".2f"),
        ],
    )


def edge(run: "Run", results: Assessment) -> Table:
    """Table IV: seconds per sample without an accelerator, one sample at a time."""
    found = lines(run, results)
    here = [line for line in found if efficiency.on_cpu(line.entry)]
    columns = [
        Column("ms", ("latency_1_ms",), group="CPU, batch 1"),
        Column("of full", ("latency_1_of_full",), group="CPU, batch 1"),
        Column("ms", ("published_edge_ms",), group="Published"),
        Column("of full", ("published_edge_of_full",), group="Published"),
    ]
    return _table(
        results,
        here,
        "compression4",
        "Time per sample of the models of {} at the edge, one at a time on a CPU "
        f"({EDGE_HARDWARE}, ours: the machine of the run).{_without_full(here)}",
        columns,
        lambda line: [
            figure_of(line.entry, "latency_1_s", reasons=True),
            _of_full(here, line, "latency_1_s"),
            _published(line, "edge_s", ",.4g", 1000),
            number(published_of_full(line.published, "edge_s"), ".2f"),
        ],
    )


def _without_full(found: Sequence[Line]) -> str:
    return "" if full(found) else " No share of full: not exactly one model was trained in full."


def of_full(found: Sequence[Line], line: Line, name: str) -> float | None:
    """Return a figure relative to that of the model trained in full."""
    whole = full(found)
    if whole is None:
        return None
    own = efficiency.figure(line.entry, name).value
    other = efficiency.figure(whole.entry, name).value
    return own / other if own is not None and other else None


def _of_full(found: Sequence[Line], line: Line, name: str) -> Value:
    return number(of_full(found, line, name), ".2f")


def published_of_full(one: Compressed | None, name: str) -> float | None:
    """Return a published number relative to that of the full model."""
    whole = getattr(compressed("full", 0.0), name)
    own = getattr(one, name) if one else None
    return own / whole if own is not None else None


def _table(
    results: Assessment,
    found: Sequence[Line],
    name: str,
    caption: str,
    columns: Sequence[Column],
    values: Callable[[Line], Sequence[Value]],
) -> Table:
    rows = tuple(Row((*_named(results, line), *values(line))) for line in found)
    return Table(
        name=name,
        caption=caption.format(results.suite),
        columns=with_known((*_NAMES, *columns), rows),
        blocks=(Block("", rows),) if rows else (),
        marks=results.marks,
        labels=3,
    )


_NAMES = (
    Column("Model", ("model",), number=False),
    Column("Fine-tuning", ("method",), number=False),
    Column("Pruned", ("pruned",)),
)


def _named(results: Assessment, line: Line) -> tuple[Value, Value, Value]:
    marks = [mark for mark in line.entry.marks if mark not in results.marks]
    method = METHODS.get(line.method or "", line.method or DASH)
    pruned = f"{100 * line.pruned:g} %" if line.pruned else DASH
    return (
        shown(line.entry.model, notes=marks),
        shown(method, line.method),
        shown(pruned, line.pruned),
    )
