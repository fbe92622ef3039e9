"""The figures of a report: which there are, and of them confusion matrices and accuracy by cost.

Each function draws one matplotlib figure from results; how it looks and how it is saved is settled
in `results/drawing.py`. All others have modules of their own.
Colours are Okabe and Ito's, safe for colour-blind readers; markers, hatches and labels say the same
without colour.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from results import (
    anomaly_figures,
    compression_figures,
    corpus_figures,
    curve_figures,
    map_figures,
    score_figures,
    study_figures,
)
from results.assessment import Assessment
from results.costs import total_s
from results.drawing import (
    COLOURS,
    LEGEND_CHARS,
    MARKERS,
    SMALL,
    Drawn,
    blank,
    mark,
    plain_numbers,
    printable,
    slug,
    style,
)
from results.entries import Entry
from results.scores import bounds
from results.tables import label_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from results.run import Run

MAX_NUMBERED_CLASSES = 20


def collect(
    run: "Run",
    results: Assessment,
    corpus_card: Mapping[str, Any] | None,
    split_card: Mapping[str, Any] | None,
) -> list[Drawn]:
    """Draw every figure that there are data for."""
    figures = []
    if any(entry.cells and total_s(entry) is not None for entry in results.entries):
        figures.append(accuracy_cost(results))
    figures += score_figures.scores(results)
    figures += [confusion(entry, results.marks) for entry in results.chosen]
    figures += [study_figures.draw(results, study) for study in results.studies]
    figures += anomaly_figures.detectors(run, results)
    figures += compression_figures.draw(run, results)
    figures += curve_figures.training(run, results)
    figures += curve_figures.adaptation(run, results)
    figures += map_figures.maps(run, results)
    if lengths := (corpus_card or {}).get("lengths"):
        figures.append(corpus_figures.length_histogram(lengths, results.marks))
    if counts := corpus_figures.class_counts(split_card or {}):
        figures.append(corpus_figures.class_distribution(counts, results.marks))
    return figures


def accuracy_cost(results: Assessment) -> Drawn:
    """Plot accuracy against total seconds, with the Pareto front: who is best for what it costs."""
    points = _points(results)
    figure, axes = blank(5.4, 3.4)
    with style():
        for i, model in enumerate(dict.fromkeys(point.model for point in points)):
            mine = [point for point in points if point.model == model]
            colour = COLOURS[i % len(COLOURS)]
            caveats = [one for one in mine[0].marks if one not in results.marks]
            legend = "\n".join(printable(text, limit=LEGEND_CHARS) for text in (model, *caveats))
            axes.errorbar(
                [p.seconds for p in mine],
                [100 * p.accuracy for p in mine],
                yerr=np.array([[100 * p.below, 100 * p.above] for p in mine]).T,
                fmt="none", ecolor=colour, elinewidth=0.8, alpha=0.5, zorder=1,
            )  # fmt: skip
            for point in mine:
                axes.plot(
                    [point.seconds], [100 * point.accuracy], linestyle="none", markersize=5.5,
                    markeredgecolor="white", markeredgewidth=0.6, gid=f"tip-{point.place}",
                    label=legend if point is mine[0] else None,
                    color=colour, marker=MARKERS[i % len(MARKERS)],
                )  # fmt: skip
        _draw_front(figure, axes, points)
        plain_numbers(axes)
        axes.set_xlabel("seconds from text to score, embedding and adaptation included")
        axes.set_ylabel("accuracy on test, %")
        axes.grid(visible=True)
        mark(axes, results.marks)
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
    marks: tuple[str, ...]
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
        low, high = bounds(entry, "accuracy")
        mean = entry.accuracy.mean
        points.append(
            _Point(
                place=len(points),
                model=entry.model,
                label=label_of(entry),
                marks=entry.marks,
                seconds=max(seconds, 0.001),
                accuracy=mean,
                below=max(0.0, mean - low),
                above=max(0.0, high - mean),
            )
        )
    return points


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
    _number(axes, front)
    lines = [f"{rank}  {printable(p.label, limit=36)}" for rank, p in enumerate(front, start=1)]
    models = figure.legend(
        loc="upper left", bbox_to_anchor=(1.0, 1.0), bbox_transform=axes.transAxes,
        handletextpad=0.2, title="model", fontsize=SMALL, labelspacing=0.35,
    )  # fmt: skip
    best = axes.legend(
        [axes.plot([], [], linestyle="none")[0] for _ in lines], lines,
        loc="upper left", bbox_to_anchor=(0.0, -0.16), handlelength=0, handletextpad=0,
        ncols=2, fontsize=SMALL, title="not matched by anything cheaper",
    )  # fmt: skip
    for legend in (models, best):
        legend.set_alignment("left")


def _number(axes: "Axes", front: Sequence[_Point]) -> None:
    """Number the points of the front, each beside it where no other number and no point is."""
    places = axes.transData.transform([(p.seconds, 100 * p.accuracy) for p in front])
    taken = [tuple(place) for place in places]
    for rank, (point, (x, y)) in enumerate(zip(front, places, strict=True), start=1):
        free = [min(math.dist((x + dx, y + dy), one) for one in taken) for dx, dy in _BESIDE]
        roomy = next((i for i, room in enumerate(free) if room >= _ROOM), int(np.argmax(free)))
        dx, dy = _BESIDE[roomy]
        taken.append((x + dx, y + dy))
        axes.annotate(
            str(rank), (point.seconds, 100 * point.accuracy), fontsize=SMALL, fontweight="bold",
            xytext=(dx, dy), textcoords="offset pixels", ha="center", va="center",
        )  # fmt: skip


_BESIDE = ((-12.0, 10.0), (12.0, -12.0), (12.0, 10.0), (-12.0, -12.0), (0.0, 16.0), (0.0, -18.0))
_ROOM = 11.0  # pixels, of 72 to the inch of a figure that is drawn and not yet saved


def confusion(entry: Entry, marks: Sequence[str] = ()) -> Drawn:
    """Draw an entry's confusion matrix, summed over seeds, shaded by share of the true class."""
    counts = confusion_counts(entry)
    names = [printable(name, limit=24) for name in entry.cells[0].classes]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(1.4 + 0.34 * len(names), 7.0)
    figure, axes = blank(side + 0.8, side)
    with style():
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
                    column, row, f"{counts[row, column]}", ha="center", va="center", fontsize=6.5,
                    color="#ffffff" if shares[row, column] > 0.55 else "#1a1a1a",
                )  # fmt: skip
        mark(axes, [*marks, *(one for one in entry.marks if one not in marks)])
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
    matrices = [cell.scores.confusion for cell in entry.cells if cell.classes == classes]
    total: np.ndarray = np.array(matrices).sum(axis=0)
    return total
