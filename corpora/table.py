"""Loader `table`: one document per row of a JSONL, CSV or Parquet file.

In: one file; JSONL and CSV may be compressed (see `opening`). Out: the text column as the document,
every other column that holds a single value as a field. Rows are streamed.
"""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from corpora.document import Document, Field, blocks, unique
from corpora.opening import COMPRESSED, ending, open_text
from results.errors import InputError, nearest

Row = tuple[str, dict[str, Any]]
"""Where the row stands (``file:line``), and its columns."""

PARQUET_ROWS = 64


@dataclass(frozen=True, kw_only=True)
class Table:
    """A file with one document per row.

    Attributes:
        path: the file; its ending (``.jsonl``, ``.csv``, ``.parquet``) says how to read it.
        text: the column that holds the log text.
        id: the column that names the document; by default ``id`` where there is one, else the
            number of the row, from 1.
    """

    path: Path
    text: str = "text"
    id: str | None = None

    def files(self) -> list[Path]:
        """Return the one file.

        Raises:
            InputError: there is no such file.
        """
        if not self.path.is_file():
            raise InputError(f"corpus file {self.path} does not exist; check `path:`")
        return [self.path]

    def documents(self) -> Iterator[Document]:
        """Yield one document per row.

        Raises:
            InputError: the file or a row of it cannot be read, a column is missing, a text is no
                string, or two rows have one id.
        """
        self.files()
        return unique(self._documents(), str(self.path))

    def _documents(self) -> Iterator[Document]:
        for number, (where, row) in enumerate(_reader(self.path)(self.path), start=1):
            text = self._column(row, self.text, "text", where)
            if not isinstance(text, str):
                raise InputError(
                    f"{where}: column {self.text!r} holds {_kind(text)}, not a string; "
                    "name the log text's column with `text:`, or mend the row"
                )
            fields = {
                name: value.isoformat() if isinstance(value, date) else value
                for name, value in row.items()
                if name not in (self.text, self.id or "id") and isinstance(value, Field | date)
            }
            yield Document(self._id(row, number, where), blocks([text]), fields)

    def _id(self, row: dict[str, Any], number: int, where: str) -> str:
        if self.id is None and "id" not in row:
            return str(number)
        value = self._column(row, self.id or "id", "id", where)
        if value is None or value == "" or not isinstance(value, str | int):
            raise InputError(
                f"{where}: column {self.id or 'id'!r} holds {_kind(value)}, which cannot name a "
                "document; give the row an id, or name another column with `id:`"
            )
        return str(value)

    def _column(self, row: dict[str, Any], name: str, setting: str, where: str) -> Any:
        if name not in row:
            raise InputError(
                f"{where}: no column {name!r} (set by `{setting}:`); {nearest(name, row)}"
            )
        return row[name]


def _reader(path: Path) -> Callable[[Path], Iterator[Row]]:
    readers = {".jsonl": _json_rows, ".csv": _csv_rows, ".parquet": _parquet_rows}
    kind = ending(path)
    if kind not in readers or (kind == ".parquet" and path.suffix.lower() in COMPRESSED):
        raise InputError(
            f"{path}: cannot tell the format from its ending; known: .jsonl and .csv "
            "(also with .gz, .xz or .zst behind), .parquet"
        )
    return readers[kind]


def _json_rows(path: Path) -> Iterator[Row]:
    with open_text(path) as stream:
        for number, line in enumerate(stream, start=1):
            if line.isspace():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(
                    f"{path}:{number}: not valid JSON ({error.msg} at character {error.pos + 1}); "
                    "a JSONL file holds one object per line"
                ) from error
            if not isinstance(row, dict):
                raise InputError(f"{path}:{number}: the line holds {_kind(row)}, not an object")
            yield f"{path}:{number}", row


def _csv_rows(path: Path) -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize)  # the default refuses a text above 128 kB
    with open_text(path) as stream:
        reader = csv.DictReader(stream, strict=True)
        try:
            for row in reader:
                where = f"{path}:{reader.line_num}"
                if None in row:
                    raise InputError(
                        f"{where}: the row has more cells than the header has columns; "
                        "quote cells that hold a comma or a newline"
                    )
                yield where, row
        except csv.Error as error:
            raise InputError(f"{path}:{reader.reader.line_num}: not valid CSV ({error})") from error


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(PARQUET_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {error}") from error


def _kind(value: object) -> str:
    return "nothing (null)" if value is None else f"a value of type {type(value).__name__}"
