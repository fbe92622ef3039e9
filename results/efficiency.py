"""What an entry costs to train and to use, put together from the jobs behind it.

A cell on vectors takes its embedding's time and its own, from text to class. A pruned model was
trained by every step of its chain. A figure that a job did not measure is `None`, with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from results.entries import Entry
from results.records import Costs, Record
from results.statistics import spread

_STEP = "pruned-"
_USED = ("vectors", "cell")
_SUMS = {
    "train_s": "trained",
    "epochs": "trained",
    "model_bytes": "used",
    "latency_1_s": "used",
    "latency_8_s": "used",
}


@dataclass(frozen=True)
class Figure:
    """A mean over the seeds that have the figure, or the reason why there is none."""

    value: float | None
    reason: str = ""


def figure(entry: Entry, name: str) -> Figure:
    """Return one of `train_s`, `epochs`, `model_bytes`, `latency_1_s` and `latency_8_s`."""
    found = [_summed(_parts(record, _SUMS[name]), name) for record in _ok(entry)]
    return _mean(found)


def peak_bytes(entry: Entry, name: str) -> Figure:
    """Return the peak memory of the training, `train_rss_bytes` or `train_device_bytes`."""
    found = []
    for record in _ok(entry):
        known = [_number(cost, name) for cost in _parts(record, "trained")]
        peaks = [peak for peak in known if peak is not None]
        found.append(Figure(max(peaks)) if peaks else Figure(None, "not measured"))
    return _mean(found)


def on_cpu(entry: Entry) -> bool:
    """Whether every cell of an entry was computed without an accelerator."""
    cells = [record.costs.get("cell") for record in _ok(entry)]
    return all(cost is None or cost.peak_device_bytes is None for cost in cells)


def steps(record: Record) -> dict[str, Costs]:
    """Return the costs of the trainings that went before the cell's own: role -> costs."""
    return {r: c for r, c in record.costs.items() if r == "finetuned" or r.startswith(_STEP)}


def _ok(entry: Entry) -> list[Record]:
    return [v.record for v in entry.verdicts if v.record.cell is not None]


def _parts(record: Record, kind: str) -> list[Costs]:
    """Return the costs that a figure is put together from; of those there are none, none."""
    if kind == "used":
        return [record.costs[role] for role in _USED if role in record.costs]
    own = [record.costs["cell"]] if "cell" in record.costs else []
    return [*steps(record).values(), *own]


def _summed(costs: Sequence[Costs], name: str) -> Figure:
    values = [_number(cost, name) for cost in costs]
    known = [value for value in values if value is not None]
    if values and len(known) == len(values):
        return Figure(sum(known))
    reasons = [str(why) for cost in costs if (why := cost.extra.get(f"{name}_missing"))]
    return Figure(None, "; ".join(dict.fromkeys(reasons)) or "not measured")


def _number(cost: Costs, name: str) -> float | None:
    value = cost.extra.get(name)
    return float(value) if isinstance(value, int | float) else None


def _mean(found: Sequence[Figure]) -> Figure:
    known = [one.value for one in found if one.value is not None]
    if known:
        return Figure(spread(known).mean)
    reasons = dict.fromkeys(one.reason for one in found)
    return Figure(None, "; ".join(reasons) or "no cell")
