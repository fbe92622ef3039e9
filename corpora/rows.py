"""Rows of JSONL and CSV streams, each with where it stands, for loaders and their messages."""

import csv
import json
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from corpora.naming import nearest
from results.errors import InputError

Row = tuple[str, dict[str, Any]]
"""Where the row stands (``file:line``), and its columns."""


def json_rows(stream: TextIO, source: str) -> Iterator[Row]:
    """Yield one object per line.

    Args:
        stream: the text.
        source: what messages call it.

    Raises:
        InputError: a line that is no JSON object.
    """
    for number, line in enumerate(stream, start=1):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{source}:{number}: not valid JSON ({fault_of(error)}); "
                "a JSONL file holds one object per line"
            ) from error
        if not isinstance(row, dict):
            raise InputError(f"{source}:{number}: the line holds {kind_of(row)}, not an object")
        yield f"{source}:{number}", row


def fault_of(error: ValueError | RecursionError) -> str:
    """Say why a text is no JSON, or none that can be read: a number too long, or too deep."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def csv_rows(stream: TextIO, source: str) -> Iterator[Row]:
    """Yield one row per record below the header; every value is text.

    Args:
        stream: the text.
        source: what messages call it.

    Raises:
        InputError: no valid CSV, or a row with more cells than the header has columns.
    """
    csv.field_size_limit(sys.maxsize)  # the default refuses a text above 128 kB
    reader = csv.DictReader(stream, strict=True)
    try:
        for row in reader:
            where = f"{source}:{reader.line_num}"
            if None in row:
                raise InputError(
                    f"{where}: the row has more cells than the header has columns; "
                    "quote cells that hold a comma or a newline"
                )
            yield where, row
    except csv.Error as error:
        raise InputError(f"{source}:{reader.reader.line_num}: not valid CSV ({error})") from error


def column(row: dict[str, Any], name: str, where: str, setting: str | None = None) -> Any:
    """Return a column of a row.

    Args:
        row: the columns.
        name: which one.
        where: where the row stands.
        setting: the setting that names the column, if one does.

    Raises:
        InputError: there is no such column.
    """
    if name not in row:
        by = f" (set by `{setting}:`)" * bool(setting)
        raise InputError(f"{where}: no column {name!r}{by}; {nearest(name, row)}")
    return row[name]


def id_of(row: dict[str, Any], name: str | None, number: int, where: str) -> str:
    """Return what names a row: a column, by default ``id``, else the row's number.

    Raises:
        InputError: no such column, or a value that cannot name a document.
    """
    if name is None and "id" not in row:
        return str(number)
    value = column(row, name or "id", where, "id")
    if value is None or value == "" or not isinstance(value, str | int):
        raise InputError(
            f"{where}: column {name or 'id'!r} holds {kind_of(value)}, which cannot name a "
            "document; give the row an id, or name another column with `id:`"
        )
    return str(value)


def kind_of(value: object) -> str:
    """Say what a value is."""
    return "nothing (null)" if value is None else f"a value of type {type(value).__name__}"
