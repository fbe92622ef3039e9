"""The figures of a report: confusion matrices, accuracy against cost, lengths, classes.

Each function draws one matplotlib figure from results; how it looks and how it is saved is settled
in `results/drawing.py`. Studies, learning curves and maps of embeddings have modules of their own.
Colours are Okabe and Ito's, safe for colour-blind readers; markers, hatches and labels say the same
without colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from results import (
    anomaly_figures,
    compression_figures,
    curve_figures,
    map_figures,
    study_figures,
)
from results.assessment import Assessment
from results.costs import total_s
from results.drawing import (
    COLOURS,
    MARKERS,
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

MAX_NUMBERED_CLASSES = 25


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
    figures += [confusion(entry, results.marks) for entry in results.chosen]
    figures += [study_figures.draw(results, study) for study in results.studies]
    figures += anomaly_figures.detectors(run, results)
    figures += compression_figures.draw(run, results)
    figures += curve_figures.training(run, results)
    figures += curve_figures.adaptation(run, results)
    figures += map_figures.maps(run, results)
    if lengths := (corpus_card or {}).get("lengths"):
        figures.append(length_histogram(lengths, results.marks))
    if counts := class_counts(split_card or {}):
        figures.append(class_distribution(counts, results.marks))
    return figures


def accuracy_cost(results: Assessment) -> Drawn:
    """Plot accuracy against total seconds, with the Pareto front: who is best for what it costs."""
    points = _points(results)
    figure, axes = blank(6.4, 4.0)
    with style():
        for i, model in enumerate(dict.fromkeys(point.model for point in points)):
            mine = [point for point in points if point.model == model]
            colour = COLOURS[i % len(COLOURS)]
            caveats = [one for one in mine[0].marks if one not in results.marks]
            legend = "\n".join(printable(text) for text in (model, *caveats))
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


def confusion(entry: Entry, marks: Sequence[str] = ()) -> Drawn:
    """Draw an entry's confusion matrix, summed over seeds, shaded by share of the true class."""
    counts = confusion_counts(entry)
    names = [printable(name, limit=24) for name in entry.cells[0].classes]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(1.6 + 0.5 * len(names), 9.0)
    figure, axes = blank(side + 1.0, side)
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
                    column, row, f"{counts[row, column]}", ha="center", va="center", fontsize=7.5,
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


def length_histogram(lengths: Mapping[str, Any], marks: Sequence[str]) -> Drawn:
    """Draw how long documents are, before and after cleaning: histogram and box plot.

    Args:
        lengths: of the corpus card: ``edges`` in characters; ``before`` and ``after``, each with
            ``counts`` per bin and ``min``, ``q1``, ``median``, ``q3``, ``max``.
        marks: caveats to show.
    """
    figure, (boxes, axes) = blank(6.0, 3.6, heights=(1, 3))
    looks = {"after": ("#0072B2", False), "before": ("#8c8c8c", True)}
    counts = np.array([lengths[name]["counts"] for name in looks])
    used = np.flatnonzero(counts.sum(axis=0))
    first, last = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, counts.shape[1])
    edges = lengths["edges"][first : last + 1]
    with style():
        for place, (name, (colour, filled)) in enumerate(looks.items()):
            axes.stairs(
                counts[place, first:last], edges, label=f"{name} cleaning", color=colour,
                fill=filled, alpha=0.45 if filled else 1, linewidth=1.5, zorder=1 if filled else 2,
            )  # fmt: skip
            one = lengths[name]
            box = {"whislo": one["min"], "q1": one["q1"], "med": one["median"], "q3": one["q3"]}
            boxes.bxp(
                [{**box, "whishi": one["max"]}], positions=[place], orientation="horizontal",
                widths=0.5, showfliers=False, patch_artist=True,
                boxprops={"facecolor": "none", "edgecolor": colour},
                medianprops={"color": colour, "linewidth": 2},
                whiskerprops={"color": colour}, capprops={"color": colour},
            )  # fmt: skip
        for one_axes in (boxes, axes):
            one_axes.set_xlim(edges[0], edges[-1])
            plain_numbers(one_axes)
        boxes.set_yticks([0, 1], list(looks))
        boxes.tick_params(which="both", labelbottom=False, length=0)
        boxes.spines[:].set_visible(False)
        axes.set_xlabel("characters per document")
        axes.set_ylabel("documents")
        axes.grid(visible=True, axis="y")
        axes.legend()
        mark(boxes, marks)
    return Drawn(
        "lengths",
        "Length of the documents before and after cleaning; boxes show quartiles, whiskers the "
        "shortest and the longest.",
        figure,
    )


def class_distribution(counts: Mapping[str, Mapping[str, int]], marks: Sequence[str]) -> Drawn:
    """Draw how many documents each class has in all, and on the test side.

    Args:
        counts: class -> ``train`` and ``test`` counts.
        marks: caveats to show.
    """
    names = list(counts)
    train, test = (np.array([counts[n].get(side, 0) for n in names]) for side in ("train", "test"))
    figure, axes = blank(6.0, 1.2 + 0.26 * len(names))
    places = np.arange(len(names))
    with style():
        axes.barh(
            places, test, 0.6, label="test", color="#E69F00", hatch="////", edgecolor="white",
            linewidth=0,
        )  # fmt: skip
        bars = axes.barh(places, train, 0.6, left=test, label="train", color="#0072B2")
        texts = [f"{a + b:,} = {b:,} + {a:,}" for a, b in zip(train, test, strict=True)]
        axes.bar_label(bars, texts, padding=3, fontsize=7.5)
        axes.set_yticks(places, [printable(name, limit=32) for name in names])
        axes.invert_yaxis()
        axes.margins(x=0.2)
        axes.set_xlabel("documents")
        axes.grid(visible=True, axis="x")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        mark(axes, marks)
    return Drawn("classes", "Documents of each class: all = test + train.", figure)


def class_counts(card: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Turn a split card's side -> class -> documents into class -> side -> documents."""
    sides = card.get("classes") or {}
    names = dict.fromkeys(name for counts in sides.values() for name in counts)
    return {name: {side: counts.get(name, 0) for side, counts in sides.items()} for name in names}
