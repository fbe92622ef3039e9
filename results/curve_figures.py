"""Learning curves as figures: networks trained on labels, models adapted on text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from results.assessment import Assessment, one_per_model
from results.drawing import COLOURS, Drawn, blank, mark, printable, slug, style
from results.entries import Entry
from results.records import Curve, Record
from results.tables import label_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from results.run import Run

_MANY = 40  # points of a curve beyond which its markers hide it
_LOSSES = {"train_loss": "train", "valid_loss": "validation"}
_SCORES = {"valid_accuracy": "accuracy", "valid_macro_f1": "macro-F1"}
_HELD_OUT = {"train_loss": "train", "valid_loss": "held out"}
_LOOKS = ((COLOURS[0], "-", "o"), (COLOURS[1], "--", "s"))


def training(run: "Run", results: Assessment) -> list[Drawn]:
    """Draw the training of every network that has curves, one figure for each model."""
    learnt = [e for e in results.entries if any(cell.curves for cell in e.cells)]
    return [_training(run, results, entry) for entry in one_per_model(learnt)]


def _training(run: "Run", results: Assessment, entry: Entry) -> Drawn:
    curves = [cell.curves for cell in entry.cells]
    groups = [g for g in (_LOSSES, _SCORES) if any(c.name in g for some in curves for c in some)]
    best = [_best_epoch(run, v.record) for v in entry.verdicts if v.record.cell]
    known = [epoch for epoch in best if epoch is not None]
    figure, panels = blank(3.8 * max(1, len(groups)), 2.6, columns=max(1, len(groups)))
    panels = list(panels) if len(groups) > 1 else [panels]
    with style():
        for axes, group in zip(panels, groups, strict=False):
            _draw(axes, curves, group)
            axes.set_ylabel("loss" if group is _LOSSES else "score on the validation part")
            _mark_best(axes, known)
            axes.legend()
        mark(panels[-1], [*results.marks, *(m for m in entry.marks if m not in results.marks)])
    chosen = " Dotted: the best epoch." if known else ""
    return Drawn(
        f"curves-{slug(f'{entry.model}.{entry.classifier}')}",
        f"Training of {label_of(entry)}{_over(len(curves))}.{chosen} With one class for each "
        "document the micro-averaged F1 equals the accuracy.",
        figure,
    )


def _best_epoch(run: "Run", record: Record) -> float | None:
    """Return the epoch whose weights a network kept, where its card tells."""
    best = (run.card(record, "cell") or {}).get("best_epoch")
    return float(best) if isinstance(best, int | float) else None


def _mark_best(axes: "Axes", epochs: Iterable[float]) -> None:
    for epoch in sorted(set(epochs)):
        axes.axvline(epoch, color="#000000", linestyle=":", linewidth=1.0, zorder=0)


def _over(seeds: int) -> str:
    return f", one line for each of {seeds} seeds" if seeds > 1 else ""


def _draw(axes: "Axes", runs: Sequence[Sequence[Curve]], names: Mapping[str, str]) -> None:
    """Draw the curves of several seeds that bear one of `names`; the first seed has the label."""
    from matplotlib.ticker import MaxNLocator

    unit = "epoch"
    for (name, label), (colour, line, marker) in zip(names.items(), _LOOKS, strict=True):
        told = False
        for curve in (one for curves in runs for one in curves if one.name == name):
            unit = curve.unit
            axes.plot(
                curve.at, curve.values, color=colour, linestyle=line, markersize=3.5,
                linewidth=1.5 if len(runs) == 1 else 0.8,
                marker=marker if len(curve.at) <= _MANY else None,
                label=None if told else label,
            )  # fmt: skip
            told = True
    axes.set_xlabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.grid(visible=True)


_TRAINED = {
    "adapted": ("adaptation", "Adaptation of {} on unlabelled text"),
    "char_lm": ("char-lm", "Character model for {}"),
}


def adaptation(run: "Run", results: Assessment) -> list[Drawn]:
    """Draw how models were adapted, and character models trained: each artifact once."""
    figures = []
    for role, (kind, title) in _TRAINED.items():
        for name, cards in _cards(run, role).items():
            if any(card.get("curves") for card in cards):
                figures.append(
                    _adaptation(results, f"{kind}-{slug(name)}", title.format(name), cards)
                )
    return figures


def _cards(run: "Run", role: str) -> dict[str, list[Mapping[str, Any]]]:
    """Collect the cards of one role by what they belong to, one for each seed.

    Points of studies count only where nothing else has such a card.
    """
    records = [record for record in run.records if role in record.artifacts]
    compared = [record for record in records if record.study is None]
    seen: set[str] = set()
    found: dict[str, list[Mapping[str, Any]]] = {}
    for record in compared or records:
        key = record.artifacts[role].key
        if key not in seen and (card := run.card(record, role)):
            seen.add(key)
            of_model = role == "adapted" and compared
            found.setdefault(record.model if of_model else record.classifier, []).append(card)
    return found


def _adaptation(
    results: Assessment, name: str, title: str, cards: Sequence[Mapping[str, Any]]
) -> Drawn:
    curves = [[Curve.model_validate(one) for one in card.get("curves") or ()] for card in cards]
    figure, axes = blank(4.0, 2.7)
    with style():
        _draw(axes, curves, _HELD_OUT)
        for i, value in enumerate(card["unigram_loss"] for card in cards if "unigram_loss" in card):
            axes.axhline(
                value, color="#000000", linestyle=":", linewidth=1.0, zorder=0,
                label=None if i else "unigram model",
            )  # fmt: skip
        axes.set_ylabel("loss, nats")
        axes.legend()
        mark(axes, results.marks)
    return Drawn(
        name,
        f"{printable(title, limit=120)}: loss on train and on held-out documents"
        f"{_over(len(cards))}; epoch 0 is before the training.",
        figure,
    )
