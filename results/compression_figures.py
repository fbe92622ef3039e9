"""What pruning costs and brings: F1, size and latency against the share of neurons taken out.

Figures 1 and 2 of the QLoRA and pruning seed paper, mapped by what they tell; its numbers are
drawn beside ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from results import efficiency
from results.assessment import Assessment
from results.compression import Line, full, lines, published_of_full
from results.detection import detects, measured
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
from results.entries import Entry
from results.published import COMPRESSED, Compressed
from results.scores import bounds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from results.run import Run

_GREY = "#6B6B6B"


def draw(run: "Run", results: Assessment) -> list[Drawn]:
    """Draw both figures; none where no model was pruned."""
    chains = _chains(lines(run, results))
    if not chains:
        return []
    found = [_f1(run, results, chains)]
    whole = full(lines(run, results))
    relative = [chain for chain in chains if _whole(chain, whole) is not None]
    return [*found, _use(results, relative, whole)] if relative else found


@dataclass(frozen=True)
class _Chain:
    """One model before pruning and at every level."""

    model: str
    lines: tuple[Line, ...]


def _chains(found: Sequence[Line]) -> list[_Chain]:
    models = dict.fromkeys(line.entry.model for line in found if line.pruned)
    chains = []
    for model in models:
        own = [line for line in found if line.entry.model == model and line.entry.cells]
        if any(line.pruned for line in own):
            chains.append(_Chain(model, tuple(sorted(own, key=lambda line: line.pruned))))
    return chains


def _f1(run: "Run", results: Assessment, chains: Sequence[_Chain]) -> Drawn:
    figure, axes = blank(4.2, 2.9)
    tips: list[str] = []
    with style():
        for place, chain in enumerate(chains):
            points = [_score(run, line.entry) for line in chain.lines]
            x = [100 * line.pruned for line in chain.lines]
            look = {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}
            axes.plot(
                x, [p.value for p in points], label=printable(chain.model, limit=LEGEND_CHARS),
                linestyle=LINES[0], **look,
            )  # fmt: skip
            axes.errorbar(
                x, [p.value for p in points],
                yerr=[[max(0.0, p.value - p.low) for p in points],
                      [max(0.0, p.high - p.value) for p in points]],
                fmt="none", ecolor=look["color"], elinewidth=0.9, capsize=2.5, alpha=0.7,
            )  # fmt: skip
            tips += [
                f"{chain.model}, {at:g} % pruned: {p.value:.4g}"
                for at, p in zip(x, points, strict=True)
            ]
        _published(axes, lambda one: one.f1)
        is_detection = any(_detects(line.entry) for chain in chains for line in chain.lines)
        _dress(axes, results, 'F1 of the class "anomaly"' if is_detection else "macro-F1")
    over = "the range over seeds" if len(results.seeds) > 1 else "95 % bootstrap intervals"
    return Drawn(
        "compression-f1",
        f"F1 on test against the share of MLP neurons taken out; bars are {over}. Published: the "
        "seed paper's, on its own data.",
        figure,
        tuple(tips),
    )


@dataclass(frozen=True)
class _Score:
    value: float
    low: float
    high: float


def _detects(entry: Entry) -> bool:
    return any(detects(verdict.record) for verdict in entry.verdicts)


def _score(run: "Run", entry: Entry) -> _Score:
    """Return an entry's F1 with the ends of its bar; where it is undefined, zero."""
    if not _detects(entry):
        assert entry.macro_f1 is not None
        return _Score(entry.macro_f1.mean, *bounds(entry, "macro_f1"))
    found = [measured(run, v.record)["f1"] for v in entry.verdicts if detects(v.record)]
    values = [one.value or 0.0 for one in found]
    if len(found) == 1 and (interval := found[0].interval) is not None:
        return _Score(values[0], interval.low, interval.high)
    return _Score(sum(values) / len(values), min(values), max(values))


def _use(results: Assessment, chains: Sequence[_Chain], whole: Line | None) -> Drawn:
    figure, panels = blank(7.8, 2.8, columns=2)
    with style():
        for axes, name, theirs, title in (
            (panels[0], "model_bytes", "size_mb", "size on disk, share of full"),
            (panels[1], "latency_1_s", "latency_s", "time per sample, share of full"),
        ):
            for place, chain in enumerate(chains):
                _relative(axes, place, chain, name, _whole(chain, whole))
            _published(axes, partial(published_of_full, name=theirs))
            _dress(axes, results, title)
            axes.set_ylim(bottom=0)
    against = "the model trained in full" if whole else "the same model before pruning"
    return Drawn(
        "compression-use",
        f"Size on disk and time per sample at batch 1, as shares of {against}, against the share "
        "of MLP neurons taken out. Published: shares of its full model, measured on its GPU.",
        figure,
    )


def _whole(chain: _Chain, whole: Line | None) -> Line | None:
    """Return what a chain is compared with: the full model, else its own first one."""
    first = chain.lines[0]
    return whole or (None if first.pruned else first)


def _relative(axes: "Axes", place: int, chain: _Chain, name: str, whole: Line | None) -> None:
    assert whole is not None
    unit = efficiency.figure(whole.entry, name).value
    known = [
        (100 * line.pruned, value / unit)
        for line in chain.lines
        if unit and (value := efficiency.figure(line.entry, name).value) is not None
    ]
    axes.plot(
        [x for x, _ in known], [y for _, y in known], linestyle=LINES[0],
        color=COLOURS[place % len(COLOURS)], marker=MARKERS[place % len(MARKERS)],
        label=printable(chain.model, limit=LEGEND_CHARS),
    )  # fmt: skip


def _published(axes: "Axes", value: Callable[[Compressed], float | None]) -> None:
    """Draw the paper's line, QLoRA before pruning and at each level."""
    theirs = [
        (100 * one.pruned, height)
        for one in COMPRESSED
        if one.method == "qlora" and (height := value(one)) is not None
    ]
    axes.plot(
        [x for x, _ in theirs], [y for _, y in theirs],
        color=_GREY, linestyle="--", marker="x", label="published",
    )  # fmt: skip


def _dress(axes: "Axes", results: Assessment, title: str) -> None:
    axes.set_xlabel("MLP neurons taken out, %")
    axes.set_ylabel(title)
    axes.grid(visible=True)
    axes.legend()
    mark(axes, results.marks)
