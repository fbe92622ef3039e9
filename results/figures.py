"""The figures of a report: confusion matrices, accuracy against cost, lengths, classes.

Each function draws one matplotlib figure without touching its global state; `save` writes it as
PDF and PNG with nothing in them that tells when or where, `svg` gives it for a page, where its
black turns into the page's own text colour. Colours are Okabe and Ito's, safe for colour-blind
readers; markers and labels say the same without colour.
"""

import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from results.assessment import Assessment, Entry
from results.costs import total_s
from results.hashing import hash_json
from results.tables import label_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
MAX_NUMBERED_CLASSES = 25

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#888888",
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "text.parse_math": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "logmark",
    "savefig.dpi": 160,
}


@dataclass(frozen=True)
class Drawn:
    """A figure with its file name, its caption and a description for those who cannot see it."""

    name: str
    caption: str
    figure: "Figure"
    tips: tuple[str, ...] = ()


def collect(
    results: Assessment,
    corpus_card: Mapping[str, Any] | None,
    split_card: Mapping[str, Any] | None,
) -> list[Drawn]:
    """Draw every figure that there are data for."""
    figures = []
    if any(entry.cells and total_s(entry) is not None for entry in results.entries):
        figures.append(accuracy_cost(results))
    figures += [confusion(entry, results.marks) for entry in results.chosen]
    if lengths := _histograms(corpus_card or {}):
        figures.append(length_histogram(lengths, results.marks))
    if counts := class_counts(split_card or {}):
        figures.append(class_distribution(counts, results.marks))
    return figures


def accuracy_cost(results: Assessment) -> Drawn:
    """Plot accuracy against total seconds, with the Pareto front: who is best for what it costs."""
    points = _points(results)
    figure, axes = _blank(6.4, 4.0)
    with _style():
        for i, model in enumerate(dict.fromkeys(point.model for point in points)):
            mine = [point for point in points if point.model == model]
            colour = COLOURS[i % len(COLOURS)]
            axes.errorbar(
                [p.seconds for p in mine],
                [100 * p.accuracy for p in mine],
                yerr=np.array([[100 * p.below, 100 * p.above] for p in mine]).T,
                fmt="none", ecolor=colour, elinewidth=0.8, alpha=0.5, zorder=1,
            )  # fmt: skip
            for point in mine:
                axes.plot(
                    [point.seconds], [100 * point.accuracy], linestyle="none", markersize=6.5,
                    markeredgecolor="white", markeredgewidth=0.6, gid=f"tip-{point.place}",
                    label=printable(model) if point is mine[0] else None,
                    color=colour, marker=MARKERS[i % len(MARKERS)],
                )  # fmt: skip
        _draw_front(figure, axes, points)
        _plain_numbers(axes)
        axes.set_xlabel("seconds from text to score, embedding and adaptation included")
        axes.set_ylabel("accuracy on test, %")
        axes.grid(visible=True)
        _mark(axes, results.marks)
    over = "their range over seeds" if len(results.seeds) > 1 else "95 % bootstrap intervals"
    return Drawn(
        "accuracy-cost",
        f"Accuracy against cost; bars are {over}, the dashed line joins the cells that no cheaper "
        "one matches.",
        figure,
        tuple(
            f"{p.label}: {100 * p.accuracy:.1f} % in {p.seconds:,.4g} s" for p in points
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class _Point:
    place: int
    model: str
    label: str
    seconds: float
    accuracy: float
    below: float
    above: float


def _points(results: Assessment) -> list[_Point]:
    points: list[_Point] = []
    for entry in results.entries:
        seconds = total_s(entry)
        if entry.accuracy is None or seconds is None:
            continue
        low, high = _range(entry)
        mean = entry.accuracy.mean
        points.append(
            _Point(
                place=len(points),
                model=entry.model,
                label=label_of(entry),
                seconds=max(seconds, 0.001),
                accuracy=mean,
                below=max(0.0, mean - low),
                above=max(0.0, high - mean),
            )
        )
    return points


def _range(entry: Entry) -> tuple[float, float]:
    """Return the bounds of an entry's bar: over seeds, or of the interval of its only one."""
    values = [cell.scores.accuracy for cell in entry.cells]
    intervals = [v.accuracy for v in entry.verdicts if v.accuracy]
    if len(values) == 1 and intervals:
        return intervals[0].low, intervals[0].high
    return min(values), max(values)


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return which (cost, value) points no cheaper or equally dear one reaches, cheapest first."""
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    front: list[int] = []
    for i in order:
        if not front or points[i][1] > points[front[-1]][1]:
            front.append(i)
    return front


def _draw_front(figure: "Figure", axes: "Axes", points: Sequence[_Point]) -> None:
    front = [points[i] for i in pareto([(p.seconds, p.accuracy) for p in points])]
    axes.plot(
        [p.seconds for p in front], [100 * p.accuracy for p in front],
        color="#000000", linestyle="--", linewidth=0.9, zorder=0,
    )  # fmt: skip
    for rank, point in enumerate(front, start=1):
        axes.annotate(
            str(rank), (point.seconds, 100 * point.accuracy), fontsize=8, fontweight="bold",
            xytext=(-6, 5), textcoords="offset points", ha="right", va="bottom",
        )  # fmt: skip
    lines = [f"{rank}  {printable(p.label, limit=44)}" for rank, p in enumerate(front, start=1)]
    models = figure.legend(
        loc="upper left", bbox_to_anchor=(1.0, 1.0), bbox_transform=axes.transAxes,
        handletextpad=0.2, title="model",
    )  # fmt: skip
    best = axes.legend(
        [axes.plot([], [], linestyle="none")[0] for _ in lines], lines,
        loc="upper left", bbox_to_anchor=(0.0, -0.16), handlelength=0, handletextpad=0,
        ncols=2, fontsize=8, title="not matched by anything cheaper",
    )  # fmt: skip
    for legend in (models, best):
        legend.set_alignment("left")


def _plain_numbers(axes: "Axes") -> None:
    """Write 10,000 on a logarithmic axis, no powers."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def confusion(entry: Entry, marks: Sequence[str] = ()) -> Drawn:
    """Draw an entry's confusion matrix, summed over seeds, shaded by share of the true class."""
    counts = confusion_counts(entry)
    names = [printable(name, limit=24) for name in entry.cells[0].classes]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(1.6 + 0.5 * len(names), 9.0)
    figure, axes = _blank(side + 1.0, side)
    with _style():
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        if len(names) <= MAX_NUMBERED_CLASSES:
            for row, column in zip(*np.nonzero(counts), strict=True):
                axes.text(
                    column, row, f"{counts[row, column]}", ha="center", va="center", fontsize=7.5,
                    color="#ffffff" if shares[row, column] > 0.55 else "#1a1a1a",
                )  # fmt: skip
        _mark(axes, [*marks, *(mark for mark in entry.marks if mark not in marks)])
    seeds = len(entry.cells)
    over = f", summed over {seeds} seeds" if seeds > 1 else ""
    return Drawn(
        f"confusion-{slug(f'{entry.model}.{entry.classifier}')}",
        f"Confusion matrix of {label_of(entry)}{over}; shade: share of the true class.",
        figure,
    )


def confusion_counts(entry: Entry) -> np.ndarray:
    """Sum an entry's confusion matrices over the seeds that know the same classes; k x k."""
    classes = entry.cells[0].classes
    return np.sum(
        [cell.scores.confusion for cell in entry.cells if cell.classes == classes],
        axis=0,
        dtype=int,
    )


def length_histogram(lengths: Mapping[str, Mapping[str, Any]], marks: Sequence[str]) -> Drawn:
    """Draw how long documents are, before and after cleaning.

    Args:
        lengths: ``before`` and ``after``, each with ``edges`` (characters) and ``counts``.
        marks: caveats to show.
    """
    figure, axes = _blank(6.0, 3.0)
    looks = {"before": ("#999999", "-", True), "after": ("#0072B2", "-", False)}
    with _style():
        for name, (colour, line, filled) in looks.items():
            if name in lengths:
                axes.stairs(
                    lengths[name]["counts"], lengths[name]["edges"], label=f"{name} cleaning",
                    color=colour, linestyle=line, fill=filled, alpha=0.5 if filled else 1,
                    linewidth=1.4,
                )  # fmt: skip
        if min(edge for one in lengths.values() for edge in one["edges"]) > 0:
            _plain_numbers(axes)
        axes.set_xlabel("characters per document")
        axes.set_ylabel("documents")
        axes.grid(visible=True, axis="y")
        axes.legend()
        _mark(axes, marks)
    return Drawn("lengths", "Length of the documents before and after cleaning.", figure)


def class_distribution(counts: Mapping[str, Mapping[str, int]], marks: Sequence[str]) -> Drawn:
    """Draw how many documents of each class lie on the train and the test side.

    Args:
        counts: class -> ``train`` and ``test`` counts.
        marks: caveats to show.
    """
    names = list(counts)
    figure, axes = _blank(6.0, 1.2 + 0.34 * len(names))
    places = np.arange(len(names))
    with _style():
        train = axes.barh(
            places - 0.19, [counts[n].get("train", 0) for n in names], 0.36,
            label="train", color="#0072B2",
        )  # fmt: skip
        test = axes.barh(
            places + 0.19, [counts[n].get("test", 0) for n in names], 0.36,
            label="test", color="#E69F00", hatch="////", edgecolor="white", linewidth=0,
        )  # fmt: skip
        axes.bar_label(train, padding=2, fontsize=7.5)
        axes.bar_label(test, padding=2, fontsize=7.5)
        axes.set_yticks(places, [printable(name, limit=32) for name in names])
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.set_xlabel("documents")
        axes.grid(visible=True, axis="x")
        axes.legend(loc="lower right")
        _mark(axes, marks)
    return Drawn("classes", "Documents per class on the train and the test side.", figure)


def class_counts(card: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Read class -> side -> documents from a split's card; empty where it has none."""
    counts = card.get("classes") or {}
    return {str(name): dict(sides) for name, sides in counts.items()}


def _histograms(card: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    lengths = card.get("lengths") or {}
    return {name: lengths[name] for name in ("before", "after") if name in lengths}


def save(drawn: Drawn, folder: Path) -> list[Path]:
    """Write a figure as PDF and PNG; equal figures give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{drawn.name}.pdf", folder / f"{drawn.name}.png"]
    nothing = {"Creator": None, "Producer": None, "CreationDate": None}
    with _style():
        drawn.figure.savefig(paths[0], format="pdf", bbox_inches="tight", metadata=nothing)
        drawn.figure.savefig(
            paths[1], format="png", bbox_inches="tight", metadata={"Software": None}
        )
    return paths


def svg(drawn: Drawn) -> str:
    """Return a figure as one `<svg>` element for an HTML page, safe to insert as it is.

    Names are escaped by matplotlib, ids carry the figure's name so that figures do not collide,
    and black follows the page's text colour.
    """
    stream = io.StringIO()
    with _style():
        drawn.figure.savefig(
            stream, format="svg", bbox_inches="tight", transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )  # fmt: skip
    text = stream.getvalue()
    text = text[text.index("<svg") :].replace("#000000", "currentColor")
    text = re.sub(r"<[^>]+>", lambda tag: _own_ids(tag.group(), drawn.name), text)
    for i, tip in enumerate(drawn.tips):
        place = f'<g id="{drawn.name}-tip-{i}">'
        text = text.replace(place, f"{place}<title>{escape(tip)}</title>")
    label = f'<svg role="img" aria-label="{escape(drawn.caption)}"'
    return text.replace("<svg", label, 1).rstrip()


def _own_ids(tag: str, name: str) -> str:
    tag = re.sub(r'\bid="', f'id="{name}-', tag)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", tag)


def slug(text: str) -> str:
    """Make a file name out of any text, different for different texts."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:80]
    return plain if plain == text else f"{plain}-{hash_json(text)[:8]}"


def printable(text: str, *, limit: int = 60) -> str:
    """Keep what the figures' font can show, name the rest by code point, cut what is too long."""
    text = "".join(_glyph(one) for one in " ".join(text.split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _glyph(one: str) -> str:
    shown = unicodedata.category(one)[0] not in "CM" and ord(one) in _glyphs()
    return one if shown else f"U+{ord(one):04X}"


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def _style() -> AbstractContextManager[None]:
    import matplotlib as mpl

    style: AbstractContextManager[None] = mpl.rc_context(_STYLE)
    return style


def _blank(width_in: float, height_in: float) -> tuple["Figure", "Axes"]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _style():
        figure = Figure(figsize=(width_in, height_in))
        FigureCanvasAgg(figure)
        return figure, figure.add_subplot()


def _mark(axes: "Axes", marks: Sequence[str]) -> None:
    if marks:
        axes.set_title(
            printable("; ".join(marks)).upper(), loc="right", fontsize=7.5, color="#B03A2E"
        )
