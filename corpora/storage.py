"""How documents lie on disk between jobs: Parquet, one row per part, in document order.

`documents.parquet` has the columns ``id: string, part: int32, text: large_string, group: string``.
The same documents always give the same bytes: row groups are cut by a fixed rule and nothing in
the file tells the time.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import pandas as pd

DOCUMENTS = "documents.parquet"
ROW_GROUP_CHARS = 4 << 20
ROW_GROUP_ROWS = 4096

_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("part", pa.int32(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("group", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One document out of the store.

    Attributes:
        id: unique within the corpus.
        group: what it belongs to for grouped splits, `None` where the corpus has no groups.
        parts: its text as newline blocks (see `corpora.document.blocks`).
    """

    id: str
    group: str | None
    parts: tuple[str, ...]


class DocumentWriter:
    """Write documents one after another, holding no more than one row group in memory.

    A row group is closed by the part with which it reaches `ROW_GROUP_CHARS` characters or
    `ROW_GROUP_ROWS` rows. Use as a context manager.
    """

    def __init__(self, path: Path) -> None:
        """Remember where to write; entering the context creates the file."""
        self._path = path
        self._rows: list[dict[str, Any]] = []
        self._chars = 0

    def __enter__(self) -> Self:
        """Create the file."""
        self._file = pq.ParquetWriter(
            self._path,
            _SCHEMA,
            compression="zstd",
            use_dictionary=["id", "group"],
            write_statistics=False,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is held and close the file."""
        if kind is None:
            self._flush()
        self._file.close()

    def add(self, id: str, parts: Iterable[str], group: str | None) -> None:
        """Append one document.

        Args:
            id: its id, not written before.
            parts: its blocks, consumed one at a time; at least one.
            group: its group, if the corpus has groups.
        """
        for number, text in enumerate(parts):
            self._rows.append({"id": id, "part": number, "text": text, "group": group})
            self._chars += len(text)
            if self._chars >= ROW_GROUP_CHARS or len(self._rows) >= ROW_GROUP_ROWS:
                self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._file.write_table(pa.Table.from_pylist(self._rows, schema=_SCHEMA))
        self._rows, self._chars = [], 0


def read_documents(path: Path, ids: Collection[str] | None = None) -> Iterator[StoredDocument]:
    """Yield documents in stored order, reading one row group at a time.

    Args:
        path: a `documents.parquet`.
        ids: which documents to read; all by default. Row groups without any of them are skipped.
    """
    wanted = None if ids is None else frozenset(ids)
    current: tuple[str, str | None] | None = None
    parts: list[str] = []
    found = 0
    for row in _rows(path, wanted):
        if row["part"] == 0:
            if current is not None:
                yield StoredDocument(*current, tuple(parts))
            current, parts = (row["id"], row["group"]), []
            found += 1
        parts.append(row["text"])
    if current is not None:
        yield StoredDocument(*current, tuple(parts))
    assert wanted is None or found == len(wanted), f"{path} lacks {len(wanted) - found} ids"


def _rows(path: Path, wanted: frozenset[str] | None) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            if wanted is not None:
                present = file.read_row_group(number, columns=["id"])["id"].to_pylist()
                if wanted.isdisjoint(present):
                    continue
            for batch in file.iter_batches(row_groups=[number]):
                for row in batch.to_pylist():
                    if wanted is None or row["id"] in wanted:
                        yield row


def read_index(path: Path) -> "pd.DataFrame":
    """Return the ids and groups of the stored documents, in order, without reading any text.

    Returns:
        One row per document: ``id`` (str), ``group`` (str, missing where there is none).
    """
    table = pq.read_table(path, columns=["id", "part", "group"])
    first = table.filter(pc.equal(table["part"], 0)).select(["id", "group"])
    frame: pd.DataFrame = first.to_pandas().astype("str")
    return frame
