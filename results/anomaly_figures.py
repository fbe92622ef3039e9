"""Precision against recall of the anomaly detectors: what another threshold would have given."""

from typing import TYPE_CHECKING

import numpy as np

from results.assessment import Assessment
from results.detection import Calls, detects, precision_recall, read_calls
from results.drawing import COLOURS, LINES, MARKERS, Drawn, blank, mark, printable, style
from results.entries import Entry
from results.tables import label_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from results.run import Run


def detectors(run: "Run", results: Assessment) -> list[Drawn]:
    """Draw the curves of all detectors that have scores, one figure; none without them."""
    found = [(entry, _calls(run, entry)) for entry in results.section("anomaly")]
    drawable = [(entry, calls) for entry, calls in found if calls]
    return [_draw(results, drawable)] if drawable else []


def _calls(run: "Run", entry: Entry) -> list[Calls]:
    """Read the seeds that have a curve."""
    read = [read_calls(run, v.record) for v in entry.verdicts if detects(v.record)]
    return [calls for calls in read if calls.scores is not None and calls.is_anomaly.any()]


def _draw(results: Assessment, found: list[tuple[Entry, list[Calls]]]) -> Drawn:
    figure, axes = blank(4.6, 3.4)
    with style():
        for place, (entry, seeds) in enumerate(found):
            for number, calls in enumerate(seeds):
                _curve(axes, place, calls, "" if number else printable(label_of(entry), limit=32))
        share = np.mean([calls.is_anomaly.mean() for _, seeds in found for calls in seeds])
        axes.axhline(share, color="#000000", linestyle=":", linewidth=1.0, zorder=0,
                     label="random ranking")  # fmt: skip
        axes.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(-0.02, 1.05))
        axes.grid(visible=True)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        mark(axes, results.marks)
    several = max(len(seeds) for _, seeds in found)
    over = f", one line for each of {several} seeds" if several > 1 else ""
    return Drawn(
        "detection",
        f"Precision against recall of the anomaly detectors on the test documents{over}; the area "
        "below a line is its PR-AUC. Markers: the threshold that validation chose.",
        figure,
    )


def _curve(axes: "Axes", place: int, calls: Calls, label: str) -> None:
    """Draw one line, and where its detector stands on it."""
    colour = COLOURS[place % len(COLOURS)]
    recall, precision = precision_recall(calls)
    gains = np.flatnonzero(np.diff(recall, prepend=0.0))  # elsewhere a step has no width
    axes.plot(
        [0.0, *recall[gains]], [precision[gains[0]], *precision[gains]], drawstyle="steps-pre",
        color=colour, linestyle=LINES[place // len(COLOURS) % len(LINES)], linewidth=1.3,
        label=label or None,
    )  # fmt: skip
    if calls.called.any():
        right = int((calls.called & calls.is_anomaly).sum())
        axes.plot(
            [right / calls.is_anomaly.sum()], [right / calls.called.sum()], linestyle="none",
            marker=MARKERS[place % len(MARKERS)], markersize=6, color=colour,
            markeredgecolor="white", markeredgewidth=0.6,
        )  # fmt: skip
