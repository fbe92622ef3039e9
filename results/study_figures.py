"""A study as a figure: accuracy and macro-F1 against what was varied, one line for each row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import JsonValue

from results.assessment import Assessment
from results.drawing import (
    COLOURS,
    LEGEND_CHARS,
    LINES,
    MARKERS,
    Drawn,
    blank,
    mark,
    printable,
    style,
)
from results.entries import Point, Study
from results.hashing import canonical_json
from results.scores import bounds
from results.studies import name_of, setting, trained_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Score = Literal["accuracy", "macro_f1"]
TRAIN_SHARE = "train_share"
_DECADE = 10
_LOST = ("#000000", "x")


def draw(results: Assessment, study: Study) -> Drawn:
    """Draw a study; the first of its varied settings is the horizontal axis."""
    axis, lines = _axis(study), _lines(study)
    figure, panels = blank(6.2, 2.6, columns=2)
    tips: list[str] = []
    scores: tuple[Score, Score] = ("accuracy", "macro_f1")
    with style():
        for axes, score in zip(panels, scores, strict=True):
            for place, line in enumerate(lines):
                tips += _draw_line(axes, axis, line, (place, len(lines)), score, len(tips))
            _dress(axes, axis, "accuracy on test, %" if score == "accuracy" else "macro-F1 on test")
        _legend(figure, panels[1], lines, joined=not axis.names)
        mark(panels[1], results.marks)
    return Drawn(name_of(study), _caption(study, axis), figure, tuple(tips))


def _caption(study: Study, axis: "_Axis") -> str:
    several = any(len(point.entry.verdicts) > 1 for point in study.points)
    bars = "the range over seeds" if several else "95 % bootstrap intervals"
    text = f"Study {study.name}: accuracy and macro-F1 by {axis.title}; bars are {bars}."
    lost = [point for point in study.points if not point.entry.cells]
    if lost:
        text += f" Crosses: {len(lost)} of {len(study.points)} points have no score."
    if any(_partly(point) for point in study.points):
        text += " Hollow: some seeds have no score; where one is left, its 95 % interval."
    return text


@dataclass(frozen=True)
class _Line:
    label: str
    points: tuple[Point, ...]


def _lines(study: Study) -> list[_Line]:
    """Split the points by row and by every setting but the first."""
    lines = []
    for row, points in study.rows.items():
        split: dict[str, list[Point]] = {}
        for point in points:
            others = {key: point.vary.get(key) for key in study.keys[1:]}
            text = ", ".join(f"{key}={setting(value)}" for key, value in others.items())
            split.setdefault(text, []).append(point)
        for others_text, some in split.items():
            parts = [row] if len(study.rows) > 1 or not others_text else []
            label = ", ".join([*parts, *([others_text] if others_text else [])])
            lines.append(_Line(label, tuple(some)))
    return lines


@dataclass(frozen=True)
class _Axis:
    """Where the values of the first setting stand.

    Attributes:
        key: the setting.
        title: what is written below the axis.
        places: value as canonical JSON -> place.
        names: of categories, in order; empty for numbers.
    """

    key: str
    title: str
    places: dict[str, float]
    names: tuple[str, ...]

    def place(self, point: Point) -> float:
        return self.places[canonical_json(point.vary.get(self.key))]

    def beside(self, at: float, line: int, lines: int) -> float:
        """Move a line's place a little, lest the bars of several lines hide each other."""
        middle = line - (lines - 1) / 2
        if self.names:
            return at + middle * min(0.09, 0.6 / lines)
        share = middle * min(0.012, 0.06 / lines)
        low, high = min(self.places.values()), max(self.places.values())
        step: float = at * (high / low) ** share if self.logarithmic else at + share * (high - low)
        return step

    @property
    def logarithmic(self) -> bool:
        """Whether the values are numbers that span more than a decade."""
        low, high = min(self.places.values()), max(self.places.values())
        return not self.names and low > 0 and high > _DECADE * low


def _axis(study: Study) -> _Axis:
    key = study.keys[0]
    values = {canonical_json(v): v for v in (point.vary.get(key) for point in study.points)}
    if key == TRAIN_SHARE and len(values) > 1 and (documents := _documents(study)):
        return _Axis(key, "documents learnt from", documents, ())
    if len(values) > 1 and all(_numeric(value) for value in values.values()):
        return _Axis(key, key, {text: _number(value) for text, value in values.items()}, ())
    places = {text: float(i) for i, text in enumerate(values)}
    return _Axis(key, key, places, tuple(setting(value) for value in values.values()))


def _numeric(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float:
    return float(value)


def _documents(study: Study) -> dict[str, float]:
    """Turn shares of train into documents; empty where one has no ok point that tells."""
    sizes: dict[str, list[int]] = {}
    for point in study.points:
        known = sizes.setdefault(canonical_json(point.vary.get(TRAIN_SHARE)), [])
        known += [size] if (size := trained_on(point)) is not None else []
    return {text: float(np.mean(s)) for text, s in sizes.items()} if all(sizes.values()) else {}


def _draw_line(
    axes: "Axes", axis: _Axis, line: _Line, among: tuple[int, int], score: Score, first_tip: int
) -> list[str]:
    place, lines = among
    colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    points = sorted(line.points, key=axis.place)
    x = [axis.beside(axis.place(point), place, lines) for point in points]
    means = [_mean(point, score) for point in points]
    joined = "none" if axis.names else LINES[place % len(LINES)]
    axes.plot(x, means, color=colour, linestyle=joined, linewidth=1.2, zorder=2)
    tips: list[str] = []
    for at, mean, point in zip(x, means, points, strict=True):
        if not point.entry.cells:
            axes.plot(
                [at], [0.03 + 0.05 * (place % 12)], marker="x", color=colour, markersize=6,
                transform=axes.get_xaxis_transform(), clip_on=False,
            )  # fmt: skip
            continue
        _draw_bar(axes, at, mean, point, score, colour)
        axes.plot(
            [at], [mean], marker=marker, color=colour, markersize=5, zorder=3,
            markerfacecolor="white" if _partly(point) else colour,
            markeredgecolor=colour if _partly(point) else "white", markeredgewidth=0.8,
            gid=f"tip-{first_tip + len(tips)}",
        )  # fmt: skip
        tips.append(f"{line.label}, {axis.key}={setting(point.vary.get(axis.key))}: {mean:.4g}")
    return tips


def _draw_bar(
    axes: "Axes", at: float, mean: float, point: Point, score: Score, colour: str
) -> None:
    low, high = (_scale(score) * bound for bound in bounds(point.entry, score))
    axes.errorbar(
        [at], [mean], yerr=[[max(0.0, mean - low)], [max(0.0, high - mean)]], fmt="none",
        ecolor=colour, elinewidth=0.9, capsize=2.5, alpha=0.7, zorder=1,
    )  # fmt: skip


def _partly(point: Point) -> bool:
    return bool(point.entry.cells and point.entry.broken)


def _mean(point: Point, score: Score) -> float:
    """Return a point's height; NaN where it failed, so that the line breaks there."""
    found = point.entry.accuracy if score == "accuracy" else point.entry.macro_f1
    return _scale(score) * found.mean if found else float("nan")


def _scale(score: Score) -> float:
    return 100.0 if score == "accuracy" else 1.0


def _dress(axes: "Axes", axis: _Axis, title: str) -> None:
    axes.set_ylabel(title)
    axes.set_xlabel(printable(axis.title))
    axes.grid(visible=True, axis="y" if axis.names else "both")
    if axis.logarithmic:
        axes.set_xscale("log")
    places = sorted(set(axis.places.values()))
    names = [printable(name, limit=24) for name in axis.names] or [f"{p:,.6g}" for p in places]
    if axis.names:
        axes.set_xlim(-0.6, len(places) - 0.4)
    if axis.names or _apart(axis, places):
        axes.set_xticks(places, names)
        axes.set_xticks([], minor=True)
    if len(names) > 4 or max(map(len, names)) > 10:
        axes.tick_params(axis="x", rotation=40)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def _apart(axis: _Axis, places: list[float]) -> bool:
    """Whether all values of a numeric axis can be written below it."""
    if len(places) < 2:
        return True
    scaled = np.log(places) if axis.logarithmic else np.array(places)
    return bool(np.diff(scaled).min() > 0.035 * np.ptp(scaled))


def _legend(figure: "Figure", axes: "Axes", lines: Iterable[_Line], *, joined: bool) -> None:
    handles, labels, lost = [], [], False
    for place, line in enumerate(lines):
        handles += axes.plot(
            [], [], color=COLOURS[place % len(COLOURS)], marker=MARKERS[place % len(MARKERS)],
            linestyle=LINES[place % len(LINES)] if joined else "none", linewidth=1.2,
        )  # fmt: skip
        labels.append(printable(line.label, limit=LEGEND_CHARS))
        lost = lost or any(not point.entry.cells for point in line.points)
    if lost:
        handles += axes.plot([], [], color=_LOST[0], marker=_LOST[1], linestyle="none")
        labels.append("failed or blocked")
    figure.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(1.02, 1.0),
        bbox_transform=axes.transAxes,
    )  # fmt: skip
