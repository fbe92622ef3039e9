"""Loader `hdfs`: the Hadoop file system log of Xu et al. (SOSP 2009), one document per block.

In: the folder or the archive of Loghub's HDFS_v1, packed or not, in either layout: ``HDFS.log``
with ``anomaly_label.csv`` beside it or in ``preprocessed/``. Out: for every block of which the log
speaks the lines that name it, in the order of the log; a line that names several blocks belongs to
each. Its class, ``normal`` or ``anomaly``, comes from the label file. Fields: ``label``, ``time``
(of the first line, ISO 8601; the log has no time zone) and ``lines``.

``read: events`` reads ``Event_traces.csv`` and ``HDFS.log_templates.csv`` instead: each event of a
block as the text of its template (see `events`). Fields: ``label`` and ``lines``.

Lines are grouped through temporary files (see `sessions`), so memory does not grow with the log but
by its labels and ids: 1.5 GB of log need as much space where `TMPDIR` says. Blocks without a label
and labels without a block are counted, and refused above the share `max_unmatched`.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from corpora.archives import first, is_packed, source_files
from corpora.document import Counts, Document, Field, blocks
from corpora.events import events_of, read_templates, texts
from corpora.matching import check_share, match_labels
from corpora.opening import decoded, is_file, lines_of, text_of
from corpora.rows import column, csv_rows
from corpora.sessions import Session, Sessions
from results.errors import InputError

_BLOCK = re.compile(rb"blk_-?\d+")
_TIME = re.compile(rb"(\d{6}) (\d{6}) ")


def _named(name: str) -> re.Pattern[str]:
    return re.compile(rf"(.*/)?{name}", re.IGNORECASE)


_LOG = _named(r"hdfs[^/]*\.log")
_LABELS = _named(r"anomaly_label\.csv")
_TRACES = _named(r"event_traces\.csv")
_TEMPLATES = _named(r"hdfs[^/]*templates\.csv")
_SOURCES = {
    "lines": [("log HDFS.log", _LOG), ("label file anomaly_label.csv", _LABELS)],
    "events": [
        ("file Event_traces.csv", _TRACES),
        ("file HDFS.log_templates.csv", _TEMPLATES),
        ("label file anomaly_label.csv", _LABELS),
    ],
}


@dataclass(frozen=True, kw_only=True)
class Hdfs:
    """Blocks of a Hadoop file system.

    Attributes:
        path: the folder or the archive.
        read: the raw lines of the log, or the templates of its events.
        max_unmatched: largest share of blocks without a label, and of labels without a block.
    """

    synthetic: ClassVar[bool] = False

    path: Path
    read: Literal["lines", "events"] = "lines"
    max_unmatched: float = 0.01

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        check_share("max_unmatched", self.max_unmatched)

    def files(self) -> list[Path]:
        """Return the archive, or the files of the folder that are read.

        Raises:
            InputError: one of them is missing.
        """
        if is_file(self.path) and not is_packed(self.path):
            raise InputError(
                f"{self.path}: loader 'hdfs' reads a folder or an archive; "
                "name the folder that holds the log and anomaly_label.csv with `path:`"
            )
        found = {
            file
            for what, wanted in _SOURCES[self.read]
            for file in source_files(self.path, wanted, what)
        }
        return sorted(found)

    def documents(self, counts: Counts | None = None) -> Iterator[Document]:
        """Yield one document per block.

        Raises:
            InputError: a file is missing or cannot be read, or too much has no partner.
        """
        self.files()
        counts = {} if counts is None else counts
        labels = self._labels()
        yield from (self._lines if self.read == "lines" else self._events)(labels, counts)

    def _labels(self) -> dict[str, str]:
        """Read block id -> class."""
        classes = {"normal": "normal", "anomaly": "anomaly"}
        labels = {}
        what, wanted = _SOURCES[self.read][-1]
        with first(self.path, wanted, what, alone=False) as stream, text_of(stream) as text:
            for where, row in csv_rows(text, f"{self.path}: anomaly_label.csv"):
                label = str(column(row, "Label", where)).strip()
                if label.lower() not in classes:
                    raise InputError(
                        f"{where}: the label {label!r} is neither Normal nor Anomaly; mend it"
                    )
                labels[str(column(row, "BlockId", where))] = classes[label.lower()]
        return labels

    def _match(self, found: Set[str], labels: dict[str, str], counts: Counts) -> None:
        match_labels(found, labels.keys(), most=self.max_unmatched, where=self.path, counts=counts)

    def _lines(self, labels: dict[str, str], counts: Counts) -> Iterator[Document]:
        with Sessions(_BLOCK) as sessions:
            what, wanted = _SOURCES["lines"][0]
            with first(self.path, wanted, what, alone=True) as stream:
                sessions.read(lines_of(stream))
            if sessions.lines_without_id:
                counts["lines_without_block"] = sessions.lines_without_id
            if not sessions.ids:
                raise InputError(f"{self.path}: no line of the log names a block (blk_...)")
            self._match(sessions.ids, labels, counts)
            for session in sessions:
                time = _time(session)
                if time is None:
                    counts["blocks_without_time"] = counts.get("blocks_without_time", 0) + 1
                fields = {"label": labels.get(session.id), "time": time}
                text = blocks(decoded(session.lines))
                yield Document(session.id, text, {**fields, "lines": len(session.lines)})

    def _events(self, labels: dict[str, str], counts: Counts) -> Iterator[Document]:
        (traces, wanted), (what, of_templates), _ = _SOURCES["events"]
        with first(self.path, of_templates, what, alone=True) as stream, text_of(stream) as text:
            templates = read_templates(text, f"{self.path}: templates", is_csv=True)
        found = set()
        with first(self.path, wanted, traces, alone=True) as stream, text_of(stream) as text:
            for where, row in csv_rows(text, f"{self.path}: Event_traces.csv"):
                id = str(column(row, "BlockId", where))
                found.add(id)
                events = texts(events_of(column(row, "Features", where), where), templates, where)
                fields: dict[str, Field] = {"label": labels.get(id), "lines": len(events)}
                yield Document(id, blocks(events), fields)
        self._match(found, labels, counts)


def _time(session: Session) -> str | None:
    """Read when a session begins: ``yymmdd HHMMSS`` at the start of its first line."""
    stamp = _TIME.match(session.lines[0])
    if stamp is None:
        return None
    try:
        return datetime.fromisoformat(f"20{stamp[1].decode()}T{stamp[2].decode()}").isoformat()
    except ValueError:
        return None
