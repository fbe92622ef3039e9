"""How a comparison of two runs is written: as text, one line per thing changed, or as Markdown.

Names and reasons in it are data; whoever prints the lines keeps them from steering a terminal.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from results import plain
from results.changes import Changes, Row, ScoreChange
from results.differences import Change
from results.grid import Block, Column, Table, shown
from results.grid import Row as Line
from results.scores import p_text, signed
from results.texts import Texts

Heads = Sequence[Mapping[str, Any]]

_MOST_CHARS = 200  # of a setting's value
_MOST_NAMES = 5
_QUIET = ("same", "failed")


def text(heads: Heads, found: Changes) -> Iterator[str]:
    """Write a comparison for a terminal or a CI's log, line by line."""
    for title, lines in _sections(heads, found):
        yield from [title] if title else []
        yield from (f"  {line}" if title else line for line in lines)
    for row in _told(found):
        if row.state != "incomparable":
            yield from _row_lines(row)
    for reason, names in _incomparable(found).items():
        yield f"incomparable {_some(names)}: {reason}"
    yield verdict(found)


def markdown(heads: Heads, found: Changes) -> Iterator[str]:
    """Write a comparison for a pull request or a wiki, line by line."""
    yield f"## {plain.escape(verdict(found))}"
    for title, lines in _sections(heads, found):
        yield from ["", f"**{plain.escape(title)}**"] if title else []
        yield ""
        yield from (f"- {plain.escape(line)}" for line in lines)
    if _told(found):
        yield ""
        yield from plain.to_markdown(_table(found)).rstrip("\n").split("\n")


FORMATS: Mapping[str, Callable[[Heads, Changes], Iterator[str]]] = {
    "text": text,
    "markdown": markdown,
}


def verdict(found: Changes) -> str:
    """Say in one line what came of it."""
    counts = [f"{len(found.of(state))} {word}" for state, word in _WORDS.items() if found.of(state)]
    return f"of {len(found.rows)} rows in both runs: {', '.join(counts)}"


_WORDS: Mapping[Any, str] = {
    "lost": "failed and had scores before",
    "worse": "significantly worse",
    "better": "significantly better",
    "repaired": "with scores and had failed before",
    "changed": "changed, not significantly",
    "incomparable": "not comparable",
    "same": "with the same predictions",
    "failed": "failed in both",
}


def _sections(heads: Heads, found: Changes) -> Iterator[tuple[str, list[str]]]:
    """Yield everything but the rows, as titles and lines; what has not changed is left out."""
    before, after = heads
    yield "", [f"{name}: {_run(head)}" for name, head in (("RUN_A", before), ("RUN_B", after))]
    apart = found.differences
    for title, changes in (
        ("settings", apart.settings),
        ("where files lie, what jobs are granted (decides nothing)", apart.places),
        ("data", apart.data),
        ("code", apart.code),
        ("machine", apart.machine),
    ):
        if changes:
            yield title, [_change(change) for change in changes]
    for title, names in (
        ("cells only in RUN_A", found.only_first),
        ("cells only in RUN_B", found.only_second),
    ):
        if names:
            yield title, [_some(names)]
    yield "compared", list(_how(found))


def _run(head: Mapping[str, Any]) -> str:
    suite_hash = str(head["suite_hash"] or "unknown")[:12]
    when = head["recorded_utc"] or "at unknown time"
    return f"{head['folder']}, suite {head['suite']} {suite_hash}, recorded {when}"


def _change(change: Change) -> str:
    if change.only == "first":
        return f"{change.key}: only in RUN_A: {_value(change.before)}"
    if change.only == "second":
        return f"{change.key}: only in RUN_B: {_value(change.after)}"
    return f"{change.key}: {_value(change.before)} -> {_value(change.after)}"


def _value(value: Any) -> str:
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return written if len(written) <= _MOST_CHARS else written[: _MOST_CHARS - 3] + "..."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _how(found: Changes) -> Iterator[str]:
    margin = f", changes up to {found.margin:g} do not count" if found.margin else ""
    if not found.of("worse", "better", "changed", "same", "lost"):
        yield "no row could be compared"
    elif found.family:
        of = "accuracy alone" if found.unresolvable else "accuracy and macro-F1"
        yield (
            f"Holm over {found.family} tests ({of} of each row that predicts otherwise) at "
            f"{found.alpha:g}{margin}"
        )
    else:
        yield "no row that was compared predicts otherwise: nothing to test"
    if found.unresolvable:
        yield found.unresolvable
    if any(found.studies):
        before, after = found.studies
        yield f"points of studies are left out: {before} in RUN_A, {after} in RUN_B"
    if found.texts is not None:
        yield _text_line(found.texts)


def _text_line(texts: Texts) -> str:
    what = f"of the {texts.documents:,} documents compared (same ids and labels)"
    if texts.differing is None:
        return f"the corpora differ: whether the text {what} does cannot be told without them"
    if texts.differing == 0:
        return f"the corpora differ, the text {what} does not"
    return f"the corpora differ: {texts.differing:,} {what} have another text"


def _told(found: Changes) -> list[Row]:
    """Return the rows that have something to tell, the gravest first."""
    order = list(_WORDS)
    rows = [row for row in found.rows if row.state not in _QUIET]
    return sorted(rows, key=lambda row: order.index(row.state))


def _incomparable(found: Changes) -> dict[str, list[str]]:
    """Gather what is not comparable by its reason: other data makes many rows alike."""
    alike: dict[str, list[str]] = {}
    for row in found.of("incomparable"):
        reasons = dict.fromkeys(cell.reason for cell in row.cells if cell.reason)
        alike.setdefault("; ".join(reasons), []).append(row.name)
    return alike


def _row_lines(row: Row) -> Iterator[str]:
    """Write a row in one line, and its seeds below where there are several."""
    state = row.state.upper() if row.state in ("worse", "lost") else row.state
    told = "; ".join([*map(_score, row.scores), *_notes(row)])
    seeds = f" ({len(row.cells)} seeds)" if len(row.cells) > 1 else ""
    yield f"{state:<12} {row.name}{seeds}: {told}"
    alone = {cell.name: comparison for cell, comparison in row.by_seed}
    for cell in row.cells if len(row.cells) > 1 else ():
        if (comparison := alone.get(cell.name)) is not None:
            yield (
                f"  {cell.name}: accuracy {signed(100 * comparison.accuracy_gain, '+.1f')}, "
                f"macro-F1 {signed(comparison.gain)}, {comparison.only_first} : "
                f"{comparison.only_second} documents"
            )
        elif cell.standing not in _QUIET:
            yield f"  {cell.name}: {cell.standing}: {cell.reason}"


def _score(one: ScoreChange) -> str:
    name = "accuracy" if one.score == "accuracy" else "macro-F1"
    if one.p is None or one.p_holm is None:
        return f"{name} {_moved(one)}"
    return f"{name} {_moved(one)}, p {p_text(one.p)}, Holm {p_text(one.p_holm)}"


def _moved(one: ScoreChange) -> str:
    """Write a score before and after, and the difference with its interval."""
    scale, form = (100, ".1f") if one.score == "accuracy" else (1, ".3f")
    gain, low, high = (
        signed(scale * value, f"+{form}")
        for value in (one.gain, one.interval.low, one.interval.high)
    )
    return f"{scale * one.before:{form}} -> {scale * one.after:{form}} ({gain} [{low}, {high}])"


def _notes(row: Row) -> Iterator[str]:
    """Say why a row has no comparison, and what stands behind a change."""
    if len(row.cells) == 1 and row.cells[0].reason:
        yield row.cells[0].reason
    if row.scores and any(cell.is_unstable for cell in row.cells):
        yield "the same job on the same inputs has given another result"
    inputs = dict.fromkeys(role for cell in row.cells for role in cell.inputs)
    if inputs and row.scores:
        yield f"other {', '.join(inputs)}"


_COLUMNS = (
    Column("Row", number=False),
    Column("State", number=False),
    Column("Accuracy, %"),
    Column("Macro-F1"),
    Column("p (Holm)"),
    Column("Notes", number=False),
)


def _table(found: Changes) -> Table:
    lines = tuple(_line(row) for row in _told(found))
    return Table(
        name="changes",
        caption="RUN_A -> RUN_B with the 95 % paired bootstrap interval of the difference; p of "
        "accuracy and of macro-F1 after Holm.",
        columns=_COLUMNS,
        blocks=(Block("", lines),),
    )


def _line(row: Row) -> Line:
    scores = [_moved(one) for one in row.scores] or ["", ""]
    ps = " / ".join("" if one.p_holm is None else p_text(one.p_holm) for one in row.scores)
    return Line(tuple(map(shown, (row.name, row.state, *scores, ps, "; ".join(_notes(row))))))
