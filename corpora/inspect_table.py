"""Which columns of a table hold the text and the class: by their names, else by what they hold."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final

from corpora.document import missing
from corpora.naming import nearest
from corpora.table import rows_of
from results.errors import InputError

FORMATS: Final = (".jsonl", ".csv", ".parquet")
"""Endings of tables, as `corpora.table` reads them."""

_TRIED: Final = 2000
_TEXTS: Final = ("text", "log", "message", "msg", "content", "body", "raw", "logs", "document")
_LABELS: Final = (
    *("label", "class", "verdict", "target", "category", "outcome", "fault", "failure", "y"),
    *("failure_type", "fault_type", "error_type", "type", "status", "result", "severity"),
)
_TEXT_CHARS: Final = 20
"""Characters that a text has, at least, in the median; and it has a blank."""

_MOST_CLASSES: Final = 50
_SHOWN: Final = 12
_TEMPLATES = re.compile(r".*templates?[^/]*\.(json|csv)", re.IGNORECASE)


@dataclass(frozen=True)
class TableColumns:
    """Which column is what."""

    text: str
    label: str
    notes: tuple[str, ...]


def guess_columns(path: Path, *, text: str | None, label: str | None) -> TableColumns:
    """Find the columns of a table's text and class in its first rows.

    Args:
        path: the table.
        text: the column, where it is known; "" where there is none to find.
        label: likewise.

    Raises:
        InputError: the table cannot be read, has no row, or no such column.
    """
    values = _columns(path)
    notes = []
    for name in (text, label):
        if name and name not in values:
            raise InputError(f"{path}: no column {name!r}; {nearest(name, values)}")
    if text is None:
        text = _text(path, values)
        notes += [f"the text is in column {text!r}"] if text != "text" else []
    if label is None:
        label = _label(path, values, text)
        notes += [f"the class is in column {label!r}"] if label != "label" else []
    return TableColumns(text, label, tuple(notes))


def events_beside(path: Path) -> dict[str, str] | None:
    """Return settings of the loader `events`: lists of event ids, their templates beside them."""
    beside = sorted(p.name for p in path.parent.iterdir() if _TEMPLATES.fullmatch(p.name))
    first = next((row for _, row in rows_of(path)), {}) if beside else {}
    if not beside or not isinstance(first.get("events"), list | str) or "text" in first:
        return None
    return {"templates": beside[0]}


def _columns(path: Path) -> dict[str, list[Any]]:
    """Read the values of the first rows, by column."""
    values: dict[str, list[Any]] = {}
    for _, row in islice(rows_of(path), _TRIED):
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    if not values:
        raise InputError(f"{path}: it holds no row; name a table with a row per document")
    return values


def _text(path: Path, values: Mapping[str, list[Any]]) -> str:
    sizes = {name: size for name, column in values.items() if (size := _size(column))}
    lower = {name.lower(): name for name in sizes}
    for known in _TEXTS:
        if known in lower:
            return lower[known]
    if not sizes:
        raise InputError(
            f"{path}: no column holds text of {_TEXT_CHARS} characters or more; name it with "
            f"--text (columns: {_listed(values)})"
        )
    return max(sorted(sizes), key=lambda name: sizes[name])


def _size(column: list[Any]) -> float:
    """Median characters of a column of texts, else 0."""
    texts = [value for value in column if isinstance(value, str) and value]
    if len(texts) < len(column) / 2 or not any(" " in text for text in texts):
        return 0
    size = median(map(len, texts))
    return size if size >= _TEXT_CHARS else 0


def _label(path: Path, values: Mapping[str, list[Any]], text: str) -> str:
    lower = {name.lower(): name for name in values if name != text}
    for known in _LABELS:
        if known in lower and _classes(values[lower[known]]) > 1:
            return lower[known]
    few = [n for n in values if n != text and 2 <= _classes(values[n]) <= _MOST_CLASSES]
    if len(few) == 1:
        return few[0]
    named = next((lower[name] for name in _LABELS if name in lower), None)
    if named is not None and not few:
        return named  # one class in the first rows: others may follow
    what = f"these may be it: {_listed(few)}" if few else f"columns: {_listed(values)}"
    raise InputError(f"{path}: which column holds the class? Name it with --label ({what})")


def _classes(column: list[Any]) -> int:
    """How many classes a column may hold; 0 if it is none of classes."""
    counts = Counter(
        str(value) for value in column if isinstance(value, str | int | bool) and not missing(value)
    )
    return len(counts) if len(counts) <= max(2, counts.total() / 2) else 0


def _listed(names: Mapping[str, Any] | list[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - _SHOWN} more" * (len(shown) > _SHOWN)
    return ", ".join(shown[:_SHOWN]) + more
