"""What a corpus promises whatever its files hold, for the property tests and for the fuzzer.

A `Shape` is a small corpus in order, one file of which may hold any bytes. Either documents come
out, or one line of `InputError` that names the corpus: never another exception.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from packing import COMPRESS, PACKED, packed, written

from corpora.cleaning import Cleaning, clean
from corpora.document import Document, Field
from corpora.registry import LOADERS
from corpora.selecting import Columns, Relabel, labelled, select
from corpora.storage import DOCUMENTS, read_documents
from results.errors import InputError
from results.registry import build

MOST_CHARS = 4_000_000
"""Characters that are read of a corpus: what a few bytes unpack to may be far more."""


@dataclass(frozen=True)
class Shape:
    """A corpus of which one file may hold anything.

    Attributes:
        loader: registered name.
        varied: that file.
        valid: what it holds in order.
        path: what `path:` names, below the corpus's folder.
        settings: further settings of the loader.
        others: the other files.
    """

    loader: str
    varied: str
    valid: bytes
    path: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, bytes] = field(default_factory=dict)


class Read(NamedTuple):
    """One document as it came out of a loader."""

    id: str
    text: str
    fields: dict[str, Field]


def check_shape(shape: Shape, content: bytes, folder: Path, *, briefly: bool = False) -> bool:
    """Hold a shape with such a file to the promises; returns whether documents came out.

    Args:
        shape: the corpus.
        content: of its file that may hold anything.
        folder: an empty folder.
        briefly: read it once, and store nothing.
    """
    written(folder / "in", {**shape.others, shape.varied: content})
    path, settings = folder / "in" / shape.path, shape.settings
    if briefly:
        return isinstance(outcome(shape.loader, path, settings), list)
    return check_corpus(shape.loader, path, settings, folder)


def check_corpus(loader: str, path: Path, settings: Mapping[str, Any], folder: Path) -> bool:
    """Hold what lies at a path to the promises; returns whether documents came out.

    Args:
        loader: registered name.
        path: its `path:`.
        settings: its other settings.
        folder: receives the cleaned corpus.
    """
    found = outcome(loader, path, settings)
    again = outcome(loader, path, settings)
    assert repr(found) == repr(again), "another time, another corpus"  # nan is not nan
    if isinstance(found, str):
        return False
    documents = [Document(one.id, [one.text], one.fields) for one in found]
    return check_stored(documents, folder)


def outcome(loader: str, path: Path, settings: Mapping[str, Any]) -> list[Read] | str:
    """Read a corpus as the job `corpus` does: its documents, or the line that refuses it.

    The line names the corpus: `corpus: ...`, the path or what lies beside it.
    """
    try:
        built = build("loader", loader, LOADERS, {"path": str(path), **settings})
        built.files()
        return list(_read(select(built.documents({}), {})))
    except InputError as error:
        check_line(str(error))
        named = ("corpus", str(path), str(path.parent))
        assert str(error).startswith(named), error
        return str(error)


def _read(documents: Iterator[Document]) -> Iterator[Read]:
    left = MOST_CHARS
    for document in documents:
        parts = []
        for part in document.parts:
            parts.append(part)
            left -= len(part)
            if left < 0:
                return
        yield Read(document.id, "".join(parts), dict(document.fields))


def check_line(message: str) -> None:
    """Hold a refusal to its form: one line, and not endless."""
    assert message and len(message.splitlines()) == 1, repr(message)
    assert len(message) < 2000, message


def check_stored(documents: list[Document], folder: Path) -> bool:
    """Clean, store and label documents: what a run would go on with is in order."""
    for document in documents:
        for text in (document.id, *document.fields, *document.fields.values()):
            if isinstance(text, str):
                text.encode()
        assert document.id
    try:
        folder.mkdir(exist_ok=True)
        card = clean(documents, Cleaning(empty="drop"), folder)
        kept = list(read_documents(folder / DOCUMENTS))
        check_labels(documents)
    except InputError as error:
        check_line(str(error))
        return False
    json.dumps(card, allow_nan=False)
    assert [one.id for one in kept] == [one.id for one in documents if "".join(one.parts).strip()]
    assert len({one.id for one in kept}) == len(kept) == card["documents_kept"]
    for one in kept:
        text = "".join(one.parts)
        assert text.strip() and "\x00" not in text and text.encode()
    return True


def check_labels(documents: list[Document]) -> None:
    """Hold the table of labels to its form."""
    rows = [(one.id, one.fields) for one in documents]
    frame = labelled(rows, Columns(), Relabel()).frame
    assert frame["id"].is_unique and set(frame["id"]) <= {one.id for one in documents}
    for label in frame["label"]:
        assert isinstance(label, str) and label.encode()


def parquet(**columns: Any) -> bytes:
    """Write columns as Parquet."""
    stream = BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


_ROWS = (
    b'{"id": "a", "text": "one\\ntwo", "label": "x", "n": 1, "list": [1], "ok": true}\n'
    b'{"id": "b", "text": "caf\\u00e9 \\ud83d\\ude00", "label": "y", "n": null, "t": 1.5}\n'
)
_CSV = b'id,text,label\na,"one, ""quoted""\nline",x\nb,two,y\n'
_PARQUET = parquet(
    id=["a", "b"],
    text=["one\n", "two"],
    label=pa.array(["x", "y"]).dictionary_encode(),
    n=[1, None],
    when=pa.array([datetime(2024, 5, 6, tzinfo=UTC), None], pa.timestamp("ns", "UTC")),
    day=[date(2024, 5, 6), date(1, 1, 1)],
    list=[[1], []],
    raw=[b"\xff", b""],
    exact=[Decimal("1.5"), None],
    ok=[True, False],
)
_SEQUENCES = (
    b'{"id": "a", "events": ["E1", 2], "label": "x"}\n'
    b'{"id": "b", "events": "[E1,2]", "label": "y"}\n'
)
_TEMPLATES = b'{"E1": "open <*>", "2": "close"}'
_TEMPLATES_CSV = b"EventId,EventTemplate\nE1,open <*>\n2,close\n"
_ALERTS = (
    b"- 1117838570 2005.06.03 R02 RAS KERNEL INFO cache\n"
    b"APPREAD 1117838573 2005.06.03 R04 RAS APP FATAL ciod\n- 1117838690 2005.06.03 R02 end\n"
)
_HDFS = {
    "HDFS.log": b"081109 203615 148 INFO dfs: Receiving blk_1 blk_-2\n081109 203616 1 blk_-2 x\n",
    "anomaly_label.csv": b"BlockId,Label\nblk_1,Normal\nblk_-2,Anomaly\n",
    "preprocessed/Event_traces.csv": b'BlockId,Features\nblk_1,"[E1,E2]"\nblk_-2,[E1]\n',
    "preprocessed/HDFS.log_templates.csv": b"EventId,EventTemplate\nE1,open\nE2,close\n",
}
_HADOOP = {
    "abnormal_label.txt": b"### WordCount\nNormal:\n+ application_1\nDisk full:\n+ application_2\n",
    "application_1/container_1.log": b"one\ntwo",
    "application_2/container_1.log": b"three\n",
}
_LOG = b"\xef\xbb\xbfI: caf\xc3\xa9 at 10.0.0.1\r\nC: 0x1f \xff\x00 end"


def _without(files: Mapping[str, bytes], name: str) -> dict[str, bytes]:
    return {other: content for other, content in files.items() if other != name}


def shapes() -> list[Shape]:
    """Make all shapes, each in order."""
    beside = {"templates.json": _TEMPLATES}
    found = [
        Shape("table", "t.jsonl", _ROWS, path="t.jsonl"),
        Shape("table", "t.csv", _CSV, path="t.csv"),
        Shape("table", "t.parquet", _PARQUET, path="t.parquet"),
        Shape("events", "t.jsonl", _SEQUENCES, "t.jsonl", {"templates": "templates.json"}, beside),
        Shape("events", "t.json", _TEMPLATES, "e.jsonl", {"templates": "t.json"},
              {"e.jsonl": _SEQUENCES}),
        Shape("events", "t.csv", _TEMPLATES_CSV, "e.jsonl", {"templates": "t.csv"},
              {"e.jsonl": _SEQUENCES}),
        Shape("bgl", "b.log", _ALERTS, path="b.log"),
        Shape("thunderbird", "b.log", _ALERTS, settings={"window_s": 1, "max_without_time": 1.0}),
        Shape("folder", "bad/x.log", _LOG, others={"good/day/y.log": b"fine\n"}),
    ]  # fmt: skip
    for suffix, compress in COMPRESS.items():
        name = f"bad/x.log{suffix}"
        found.append(Shape("folder", name, compress(_LOG), settings={"pattern": "*.log*"},
                           others={"good/y.log": b"fine\n"}))  # fmt: skip
        found.append(Shape("table", f"t.jsonl{suffix}", compress(_ROWS), path=f"t.jsonl{suffix}"))
    for name, content in _HDFS.items():
        read = "events" if name.startswith("pre") else "lines"
        loose = {"read": read, "max_unmatched": 1.0}
        found.append(Shape("hdfs", name, content, settings=loose, others=_without(_HDFS, name)))
    for name, content in _HADOOP.items():
        others = _without(_HADOOP, name)
        for unit in ("application", "container"):
            loose = {"unit": unit, "max_unmatched": 1.0}
            found.append(Shape("hadoop", name, content, settings=loose, others=others))
    with TemporaryDirectory() as folder:
        return [*found, *_archives(Path(folder))]


def _archives(folder: Path) -> Iterator[Shape]:
    sources = {"hdfs": _HDFS, "hadoop": _HADOOP, "bgl": {"b.log": _ALERTS}}
    for loader, files in sources.items():
        root = written(folder / loader, files)
        for kind in PACKED:
            name = f"{loader}.{kind}"
            content = packed(folder / name, root).read_bytes()
            yield Shape(loader, name, content, path=name)
