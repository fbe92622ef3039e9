"""Loader `table`: one document per row of a JSONL, CSV or Parquet file.

In: one file; JSONL and CSV may be compressed (see `opening`). Out: the text column as the document,
every other column that holds a single value as a field. Rows are streamed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from corpora.document import Counts, Document, Field, blocks, unique
from corpora.naming import printable
from corpora.opening import COMPRESSED, ending, is_file, open_text
from corpora.rows import Row, column, csv_rows, id_of, json_rows, kind_of
from results.errors import InputError

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

    synthetic: ClassVar[bool] = False

    path: Path
    text: str = "text"
    id: str | None = None

    def files(self) -> list[Path]:
        """Return the one file.

        Raises:
            InputError: there is no such file.
        """
        if not is_file(self.path):
            raise InputError(f"corpus file {self.path} does not exist; check `path:`")
        return [self.path]

    def documents(self, counts: Counts | None = None) -> Iterator[Document]:
        """Yield one document per row.

        Raises:
            InputError: the file or a row of it cannot be read, a column is missing, a text is no
                string, or two rows have one id.
        """
        self.files()
        return unique(self._documents(), str(self.path))

    def _documents(self) -> Iterator[Document]:
        for number, (where, row) in enumerate(rows_of(self.path), start=1):
            text = column(row, self.text, where, "text")
            if not isinstance(text, str):
                raise InputError(
                    f"{where}: column {self.text!r} holds {kind_of(text)}, not a string; "
                    "name the log text's column with `text:`, or mend the row"
                )
            fields = fields_of(row, without=(self.text, self.id or "id"))
            yield Document(id_of(row, self.id, number, where), blocks([text]), fields)


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows of a JSONL, CSV or Parquet file, one at a time.

    Raises:
        InputError: an unknown ending, or the file or a row of it cannot be read.
    """
    return _reader(path)(path)


def fields_of(row: dict[str, Any], without: tuple[str, ...]) -> dict[str, Field]:
    """Return the columns that hold a single value, but for some."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in row.items()
        if name not in without and isinstance(value, Field | date)
    }


def _reader(path: Path) -> Callable[[Path], Iterator[Row]]:
    readers = {".jsonl": _json_rows, ".csv": _csv_rows, ".parquet": _parquet_rows}
    kind = ending(path)
    if kind not in readers or (kind == ".parquet" and path.suffix.lower() in COMPRESSED):
        raise InputError(
            f"{path}: cannot tell the format from its ending; known: .jsonl and .csv "
            "(also with .gz, .xz, .bz2 or .zst behind), .parquet"
        )
    return readers[kind]


def _json_rows(path: Path) -> Iterator[Row]:
    with open_text(path) as stream:
        yield from json_rows(stream, str(path))


def _csv_rows(path: Path) -> Iterator[Row]:
    with open_text(path) as stream:
        yield from csv_rows(stream, str(path))


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
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = printable(" ".join(str(error).split()), 200)  # Arrow's may have several lines
        raise InputError(f"{path}: cannot be read as Parquet: {reason}") from error
