"""Macro-F1 of every entry with its doubt, best first: what a reader looks at before any table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from results.assessment import Assessment
from results.drawing import COLOURS, SMALL, Drawn, blank, mark, printable, style
from results.entries import Entry
from results.scores import bounds, status_of
from results.tables import label_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 60
"""Entries beyond which only one stands for each model."""
_ROW_IN = 0.155
_LOOKS = {
    "matrix": (COLOURS[0], "o"),
    "compress": (COLOURS[2], "^"),
    "anomaly": (COLOURS[3], "D"),
    "reference": (COLOURS[1], "s"),
    "trivial": (COLOURS[6], "v"),
}
_NAMES = {
    "matrix": "models",
    "compress": "pruned models",
    "anomaly": "detectors",
    "reference": "reference networks",
    "trivial": "trivial rows",
}


def scores(results: Assessment) -> list[Drawn]:
    """Draw one row for each entry; none where nothing has a score."""
    shown = list(results.entries) if len(results.entries) <= MOST else results.chosen
    rows = _rows(shown)
    if not any(row.entry.cells for row in rows):
        return []
    caveats = _caveats(results, shown)
    height_in = 0.9 + _ROW_IN * len(rows)
    figure, axes = blank(4.6, height_in)
    with style():
        for place, row in enumerate(rows):
            _draw(axes, place, row)
        _baseline(axes, results)
        _dress(axes, rows, caveats)
        _legend(axes, shown, height_in)
        mark(axes, results.marks)
    return [Drawn("scores", _caption(results, shown, caveats), figure, _tips(rows))]


@dataclass(frozen=True)
class _Row:
    entry: Entry
    low: float = 0.0
    mean: float = 0.0
    high: float = 0.0


def _rows(entries: Sequence[Entry]) -> list[_Row]:
    """Sort entries by their mean, best first; those without a score come last."""
    known = [
        _Row(entry, low, entry.macro_f1.mean, high)
        for entry in entries
        if entry.macro_f1 is not None
        for low, high in [bounds(entry, "macro_f1")]
    ]
    lost = [_Row(entry) for entry in entries if entry.macro_f1 is None]
    return [*sorted(known, key=lambda row: -row.mean), *lost]


def _caveats(results: Assessment, entries: Sequence[Entry]) -> dict[str, str]:
    """Number the caveats that not all entries carry: caveat -> its sign."""
    found = dict.fromkeys(m for entry in entries for m in entry.marks if m not in results.marks)
    return {text: f"({number})" for number, text in enumerate(found, start=1)}


def _draw(axes: "Axes", place: int, row: _Row) -> None:
    colour, marker = _LOOKS[row.entry.section]
    if not row.entry.cells:
        axes.text(
            0.01, place, status_of(row.entry), transform=axes.get_yaxis_transform(), va="center",
            fontsize=SMALL, fontstyle="italic", color=COLOURS[6],
        )  # fmt: skip
        return
    axes.plot([row.low, row.high], [place, place], color=colour, linewidth=1.2, zorder=1)
    axes.plot(
        [row.mean], [place], marker=marker, color=colour, markeredgecolor="white",
        markeredgewidth=0.5, markerfacecolor="white" if row.entry.broken else colour, zorder=2,
        gid=f"tip-{place}",
    )  # fmt: skip
    if row.entry.broken:
        axes.lines[-1].set_markeredgecolor(colour)
    axes.text(
        1.01, place, f"{row.mean:.3f} [{row.low:.3f}, {row.high:.3f}]", va="center",
        transform=axes.get_yaxis_transform(), fontsize=SMALL,
    )  # fmt: skip


def _baseline(axes: "Axes", results: Assessment) -> None:
    """Draw a line down from the baseline's score."""
    for entry in results.entries:
        if (entry.model, entry.classifier) == results.baseline and entry.macro_f1 is not None:
            axes.axvline(
                entry.macro_f1.mean, color="#000000", linestyle=":", linewidth=1.0, zorder=0,
                label="baseline",
            )  # fmt: skip


def _dress(axes: "Axes", rows: Sequence[_Row], caveats: dict[str, str]) -> None:
    signs = ["".join(s for text, s in caveats.items() if text in r.entry.marks) for r in rows]
    names = [
        f"{printable(label_of(row.entry), limit=40)} {sign}".rstrip()
        for row, sign in zip(rows, signs, strict=True)
    ]
    axes.set_yticks(range(len(rows)), names, fontsize=SMALL)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("macro-F1 on test")
    axes.grid(visible=True, axis="x")


def _legend(axes: "Axes", entries: Sequence[Entry], height_in: float) -> None:
    for section in dict.fromkeys(entry.section for entry in entries):
        colour, marker = _LOOKS[section]
        axes.plot([], [], color=colour, marker=marker, linewidth=1.2, label=_NAMES[section])
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.4, -0.55 / height_in), ncols=6, fontsize=SMALL,
        columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip


def _caption(results: Assessment, shown: Sequence[Entry], caveats: dict[str, str]) -> str:
    over = "the range over seeds" if len(results.seeds) > 1 else "95 % bootstrap intervals"
    text = f"Macro-F1 on test, best first; bars are {over}"
    if results.baseline is not None:
        text += f", the dotted line is the baseline, {' + '.join(results.baseline)}"
    if len(shown) < len(results.entries):
        text += (
            f". Of {len(results.entries)} entries one stands for each model, the best by "
            "cross-validation on train"
        )
    if any(entry.cells and entry.broken for entry in shown):
        text += ". Hollow: some seeds have no score"
    return "; ".join([text, *(f"{sign} {one}" for one, sign in caveats.items())]) + "."


def _tips(rows: Sequence[_Row]) -> tuple[str, ...]:
    return tuple(
        f"{label_of(row.entry)}: {row.mean:.3f} [{row.low:.3f}, {row.high:.3f}]"
        for row in rows
        if row.entry.cells
    )
