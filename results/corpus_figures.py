"""Figures of the data: how long the documents are, before and after cleaning, and their classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from results.drawing import SMALL, Drawn, blank, mark, plain_numbers, printable, style


def length_histogram(lengths: Mapping[str, Any], marks: Sequence[str]) -> Drawn:
    """Draw how long documents are, before and after cleaning: histogram and box plot.

    Args:
        lengths: of the corpus card: ``edges`` in characters; ``before`` and ``after``, each with
            ``counts`` per bin and ``min``, ``q1``, ``median``, ``q3``, ``max``.
        marks: caveats to show.
    """
    figure, (boxes, axes) = blank(4.0, 2.9, heights=(1, 3))
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
    figure, axes = blank(5.0, 1.0 + 0.2 * len(names))
    places = np.arange(len(names))
    with style():
        axes.barh(
            places, test, 0.6, label="test", color="#E69F00", hatch="////", edgecolor="white",
            linewidth=0,
        )  # fmt: skip
        bars = axes.barh(places, train, 0.6, left=test, label="train", color="#0072B2")
        texts = [f"{a + b:,} = {b:,} + {a:,}" for a, b in zip(train, test, strict=True)]
        axes.bar_label(bars, texts, padding=3, fontsize=SMALL)
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
