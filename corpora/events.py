"""Loader `events`: sequences of event ids, read as the texts of the events' templates.

In: a table of sequences (JSONL, CSV or Parquet, see `table`) with an id and a list of event ids in
each row, and beside it a file of templates: a JSON object of id -> text, or a CSV file with the
columns ``EventId`` and ``EventTemplate``. Out: one document per row, the template of each event as
a line; every other column that holds a single value is a field, and ``lines`` is the number of
events. An event without a template is refused.

A list is a JSON list, or text as CSV files have it: ``[E5,E22]``, ``5 22``, ``"5", "22"``.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TextIO

from corpora.document import Counts, Document, blocks, unique
from corpora.naming import nearest
from corpora.opening import ending, is_file, open_text
from corpora.rows import column, csv_rows, fault_of, id_of, kind_of
from corpora.table import fields_of, rows_of
from results.errors import InputError

_EVENT = re.compile(r"""[^\s,;\[\]"']+""")


@dataclass(frozen=True, kw_only=True)
class Events:
    """A table of event sequences and the templates of the events.

    Attributes:
        path: the table.
        templates: name of the file of templates, in the folder of the table.
        id: the column that names a document; by default ``id``, else the number of the row.
        events: the column that holds the event ids.
    """

    synthetic: ClassVar[bool] = False

    path: Path
    templates: str
    id: str | None = None
    events: str = "events"

    def files(self) -> list[Path]:
        """Return the table and the templates.

        Raises:
            InputError: one is not there.
        """
        beside = self.path.parent / self.templates
        for file, setting in ((self.path, "path"), (beside, "templates")):
            if not is_file(file):
                raise InputError(f"corpus file {file} does not exist; check `{setting}:`")
        return [self.path, beside]

    def documents(self, counts: Counts | None = None) -> Iterator[Document]:
        """Yield one document per row.

        Raises:
            InputError: a file cannot be read, a row lacks its events, or an event its template.
        """
        return unique(self._documents(), str(self.path))

    def _documents(self) -> Iterator[Document]:
        _, beside = self.files()
        with open_text(beside) as stream:
            templates = read_templates(stream, str(beside), is_csv=ending(beside) == ".csv")
        for number, (where, row) in enumerate(rows_of(self.path), start=1):
            events = events_of(column(row, self.events, where, "events"), where)
            fields = fields_of(row, without=(self.events, self.id or "id"))
            lines = texts(events, templates, where)
            yield Document(
                id_of(row, self.id, number, where), blocks(lines), {**fields, "lines": len(lines)}
            )


def read_templates(stream: TextIO, source: str, *, is_csv: bool) -> dict[str, str]:
    """Read templates: event id -> text.

    Args:
        stream: JSON, or CSV with the columns EventId and EventTemplate.
        source: what messages call it.
        is_csv: which of the two.

    Raises:
        InputError: it is neither.
    """
    if is_csv:
        return {
            str(column(row, "EventId", where)): str(column(row, "EventTemplate", where))
            for where, row in csv_rows(stream, source)
        }
    try:
        found = json.load(stream)
    except (ValueError, RecursionError) as error:
        fault = fault_of(error)
        raise InputError(
            f"{source}: not valid JSON ({fault}); templates are JSON or CSV"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise InputError(f"{source}: templates are one JSON object of event id -> text")
    return found


def events_of(value: Any, where: str) -> list[str]:
    """Read a list of event ids.

    Raises:
        InputError: it is no list of texts or numbers.
    """
    if isinstance(value, str):
        return _EVENT.findall(value)
    if not isinstance(value, list) or not all(isinstance(item, str | int) for item in value):
        raise InputError(
            f"{where}: the events are {kind_of(value)}, not a list of event ids; name another "
            "column with `events:`"
        )
    return [str(item) for item in value]


def texts(events: Sequence[str], templates: Mapping[str, str], where: str) -> list[str]:
    """Return the template of each event as a line.

    Raises:
        InputError: an event has none.
    """
    try:
        return [templates[event] + "\n" for event in events]
    except KeyError as error:
        event = str(error.args[0])
        raise InputError(
            f"{where}: the event {event!r} has no template; add it to the templates, or name "
            f"their file with `templates:`; {nearest(event, templates)}"
        ) from error
