"""How the scores of an entry are written: a number with its doubt, or why there is none."""

import re
from collections.abc import Sequence
from typing import Literal

from results.entries import Entry
from results.grid import DASH, Piece, Value, shown
from results.records import Record
from results.statistics import Interval, Measure, Spread, spread


def accuracy_of(entry: Entry, *, bold: bool = False) -> Value:
    """Show accuracy in percent: mean and deviation over seeds, or one seed's interval."""
    intervals = [v.accuracy for v in entry.verdicts if v.accuracy]
    return _over_seeds(entry, entry.accuracy, intervals, scale=100, form=".1f", bold=bold)


def macro_f1_of(entry: Entry, *, bold: bool = False) -> Value:
    """Show macro-F1: mean and deviation over seeds, or one seed's interval."""
    intervals = [v.macro_f1 for v in entry.verdicts if v.macro_f1]
    return _over_seeds(entry, entry.macro_f1, intervals, scale=1, form=".3f", bold=bold)


def _over_seeds(
    entry: Entry,
    found: Spread | None,
    intervals: Sequence[Interval],
    *,
    scale: float,
    form: str,
    bold: bool,
) -> Value:
    if found is None:
        return shown(status_of(entry), *[None] * 4, notes=reasons_of(entry))
    notes = cautions(entry)
    if found.sd is None:
        return with_interval(
            found.mean, intervals[0], scale=scale, form=form, notes=notes, bold=bold
        )
    return with_deviation(found, scale=scale, form=form, notes=notes, bold=bold)


def with_interval(
    value: float,
    interval: Interval,
    *,
    scale: float,
    form: str,
    notes: Sequence[str] = (),
    bold: bool = False,
) -> Value:
    """Show a score with its interval; raw: value, low, high, no deviation."""
    low, high = interval.low, interval.high
    doubt = f" [{_written(scale * low, form)}, {_written(scale * high, form)}]"
    pieces = (Piece(_written(scale * value, form), bold), Piece(doubt))
    return Value(pieces, (rounded(value), rounded(low), rounded(high), None), tuple(notes))


def with_deviation(
    found: Spread, *, scale: float, form: str, notes: Sequence[str] = (), bold: bool = False
) -> Value:
    """Show a mean over seeds with its standard deviation; raw: mean, no interval, deviation."""
    doubt = "" if found.sd is None else f" \N{PLUS-MINUS SIGN} {_written(scale * found.sd, form)}"
    pieces = (Piece(_written(scale * found.mean, form), bold), Piece(doubt))
    return Value(pieces, (rounded(found.mean), None, None, rounded(found.sd)), tuple(notes))


def over_seeds(found: Sequence[Measure], form: str, notes: Sequence[str] = ()) -> Value:
    """Show a measure: one seed's value and interval, or mean and deviation over seeds.

    Args:
        found: the measure in each seed that has a score.
        form: how the number is written.
        notes: what else is to be said of it.
    """
    values = [one.value for one in found if one.value is not None]
    reasons = "; ".join(dict.fromkeys(one.reason for one in found if one.value is None))
    if not values:
        return shown(DASH, *[None] * 4, notes=[*notes, *([reasons] if reasons else [])])
    if len(found) == 1:
        return measured(found[0], form, notes=notes)
    over = spread(values)
    few = [f"mean over {over.n} of {len(found)} seeds; {reasons}"] if reasons else []
    return with_deviation(over, scale=1, form=form, notes=[*notes, *few])


def measured(found: Measure, form: str, *, scale: float = 1, notes: Sequence[str] = ()) -> Value:
    """Show one measure with its interval, or a dash with the reason."""
    if found.value is None:
        return shown(DASH, *[None] * 4, notes=[*notes, found.reason])
    if found.interval is None:
        return with_deviation(spread([found.value]), scale=scale, form=form, notes=notes)
    return with_interval(found.value, found.interval, scale=scale, form=form, notes=notes)


def difference(value: float, interval: Interval, *, scale: float = 1, form: str = "+.3f") -> Value:
    """Show a difference of scores, signed, with its interval; raw: value, low, high."""
    ends = (interval.low, interval.high)
    low, high = (signed(scale * end, form) for end in ends)
    text = f"{signed(scale * value, form)} [{low}, {high}]"
    return shown(text, rounded(value), *map(rounded, ends))


def signed(value: float, form: str = "+.3f") -> str:
    """Write a difference with its sign; none where it rounds to zero."""
    text = _written(value, form)
    return text if re.search("[1-9]", text) else text[1:]


def _written(value: float, form: str) -> str:
    return f"{value:{form}}".replace("-", "\N{MINUS SIGN}")


def p_text(value: float) -> str:
    """Write a p-value to three places."""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def without_zero(text: str) -> str:
    """Leave out the zero before a decimal point."""
    return re.sub(r"(?<![\d.])0(?=\.)", "", text)


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


def cautions(entry: Entry) -> list[str]:
    """Warn where only some of the seeds have a score, or not all of them on the same test."""
    if not entry.cells:
        return []
    found = []
    if entry.broken:
        few = f"mean over {len(entry.cells)} of {len(entry.verdicts)} seeds"
        found.append("; ".join([few, *reasons_of(entry)]))
    for verdict in entry.verdicts:
        if verdict.differs:
            found.append(f"seed {verdict.record.seed}: {verdict.differs}")
    return found


def public_reason(record: Record) -> str:
    """Say in one line why a record has no number, without this host's folders and addresses."""
    lines = (record.reason or "").strip().splitlines()
    line = " ".join(lines[0].split()) if lines else "no reason recorded"
    line = re.sub(r"(?<![\w.])(?:/[^\s/:'\",)]+)+/([^\s/:'\",)]+)", r"\1", line)
    line = re.sub(r"\b0x[0-9a-fA-F]{6,}\b", "0x...", line)
    return line if len(line) <= 200 else line[:197] + "..."
