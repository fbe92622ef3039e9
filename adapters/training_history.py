"""What the history of a training tells, as transformers' `Trainer` logs it: curves, and the end."""

from collections.abc import Mapping, Sequence

from results.records import Curve

History = Sequence[Mapping[str, float]]


def out_of_patience(history: History, patience: int | None, *, best_by: str) -> bool:
    """Say whether the last `patience` epochs brought no better validation value.

    Args:
        history: logged so far; what was measured before training does not count.
        patience: epochs; `None` never ends.
        best_by: "loss", or a metric, of which more is better.
    """
    if patience is None:
        return False
    name = f"eval_{best_by}"
    values = [entry[name] for entry in history if name in entry and entry["step"] > 0]
    if not values:
        return False
    best = values.index(min(values) if best_by == "loss" else max(values))
    return len(values) - 1 - best >= patience


def curves(history: History) -> list[Curve]:
    """Draw ``train_loss`` and, of each value that a validation measured, ``valid_<name>``."""
    names = {"loss": "train_loss"}
    for entry in history:
        names |= {k: f"valid_{k.removeprefix('eval_')}" for k in entry if k.startswith("eval_")}
    drawn = []
    for key, name in sorted(names.items(), key=lambda pair: pair[1]):
        points = [(entry["epoch"], entry[key]) for entry in history if key in entry]
        at, values = [p[0] for p in points], [p[1] for p in points]
        drawn.append(Curve(name=name, unit="epoch", at=at, values=values))
    return drawn
