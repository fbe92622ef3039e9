"""How the scores of an entry are written: a number with its doubt, or why there is none."""

import re
from collections.abc import Sequence
from typing import Literal

from results.entries import Entry
from results.grid import Value, shown
from results.records import Record
from results.statistics import Interval, Spread


def accuracy_of(entry: Entry) -> Value:
    """Show accuracy in percent: mean and deviation over seeds, or one seed's interval."""
    intervals = [v.accuracy for v in entry.verdicts if v.accuracy]
    return _over_seeds(entry, entry.accuracy, intervals, scale=100, form=".1f")


def macro_f1_of(entry: Entry) -> Value:
    """Show macro-F1: mean and deviation over seeds, or one seed's interval."""
    intervals = [v.macro_f1 for v in entry.verdicts if v.macro_f1]
    return _over_seeds(entry, entry.macro_f1, intervals, scale=1, form=".3f")


def _over_seeds(
    entry: Entry, found: Spread | None, intervals: Sequence[Interval], *, scale: float, form: str
) -> Value:
    if found is None:
        return shown(status_of(entry), *[None] * 4, notes=reasons_of(entry))
    notes = partly(entry)
    if found.sd is None:
        return with_interval(found.mean, intervals[0], scale=scale, form=form, notes=notes)
    text = f"{scale * found.mean:{form}} ± {scale * found.sd:{form}}"
    return shown(text, rounded(found.mean), None, None, rounded(found.sd), notes=notes)


def with_interval(
    value: float, interval: Interval, *, scale: float, form: str, notes: Sequence[str] = ()
) -> Value:
    """Show a score with its interval; raw: value, low, high, no deviation."""
    low, high = interval.low, interval.high
    text = f"{scale * value:{form}} [{scale * low:{form}}, {scale * high:{form}}]"
    return shown(text, rounded(value), rounded(low), rounded(high), None, notes=notes)


def rounded(value: float | None) -> float | None:
    """Round what a CSV holds to six places, below which arithmetic differs between machines."""
    return None if value is None else round(value, 6)


def bounds(entry: Entry, score: Literal["accuracy", "macro_f1"]) -> tuple[float, float]:
    """Return where an entry's bar in a figure ends: its range over seeds, or one's interval."""
    values = [float(getattr(cell.scores, score)) for cell in entry.cells]
    intervals = [one for v in entry.verdicts if (one := getattr(v, score)) is not None]
    if len(values) == 1 and intervals:
        return intervals[0].low, intervals[0].high
    return min(values), max(values)


def status_of(entry: Entry) -> str:
    """Say in one word what became of an entry without any score."""
    return "failed" if any(r.status == "failed" for r in entry.broken) else "blocked"


def reasons_of(entry: Entry) -> list[str]:
    """Say why seeds have no score, each reason once."""
    return list(dict.fromkeys(f"{r.status}: {public_reason(r)}" for r in entry.broken))


def partly(entry: Entry) -> list[str]:
    """Warn where only some of the seeds have a score."""
    if not entry.broken or not entry.cells:
        return []
    ok, planned = len(entry.cells), len(entry.verdicts)
    return [f"mean over {ok} of {planned} seeds; " + "; ".join(reasons_of(entry))]


def public_reason(record: Record) -> str:
    """Say in one line why a record has no number, without this host's folders and addresses."""
    line = (record.reason or "no reason recorded").strip().splitlines()[0]
    line = re.sub(r"(?<![\w.])(?:/[^\s/:'\",)]+)+/([^\s/:'\",)]+)", r"\1", line)
    line = re.sub(r"\b0x[0-9a-fA-F]{6,}\b", "0x...", line)
    return line if len(line) <= 200 else line[:197] + "..."
