"""`write`: a run made fit to be passed on, as one file or folder without a word of a log's text.

What goes in, by an allow-list of files and of what may stand in them (`results.redacting`)::

    bundle.json      format, version, every file with its size and sha256
    run.json         the suite and how it was run, without folders of this host
    records.jsonl    the records
    store/KIND/KEY/attempts/ATTEMPT/...   cells, predictions, splits, labels, cards, vectors

A bundle is a run folder: `results.run.Run.open` reads it, and a report made of it has the quality
files of the run's own report to the byte. Equal runs give equal bytes.
"""

import hashlib
import io
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from results import redacting
from results.errors import InputError
from results.records import ArtifactRef, Cell, Record
from results.steps import Step, counted, untold
from results.store import Store
from results.unbundling import INDEX, Index, Listed

if TYPE_CHECKING:
    import pandas as pd

    from results.run import Run

_CELL, _CARD, _PREDICTIONS = "cell.json", "card.json", "predictions.parquet"
_TABLES: Mapping[str, tuple[str, ...]] = {
    _PREDICTIONS: ("id", "label", "predicted"),  # and the scores of the classes
    "split.parquet": ("id", "side"),
    "labels.parquet": ("id", "label", "group"),
    "ids.parquet": ("id",),
    "coverage.parquet": ("id", "chars", "tokens", "windows", "share"),
}
_SCORE = "score:"
_VECTORS = re.compile(r"vectors-\d{5}\.npy")
_EMBEDDED = "embed"


@dataclass(frozen=True)
class Bundled:
    """What was written, and what the store no longer had of it."""

    path: Path
    files: int
    size_bytes: int
    missing: tuple[str, ...]


def write(
    run: "Run",
    out: Path,
    *,
    embeddings: bool = True,
    anonymous: bool = False,
    step: Step = untold,
) -> Bundled:
    """Write a bundle.

    Args:
        run: the opened run; a bundle will do.
        out: a file that ends in `.zip`, or else a folder; an older bundle there is replaced.
        embeddings: whether the vectors of the documents go along.
        anonymous: whether ids of documents are replaced by codes. Groups always are.
        step: is told how far this is.

    Raises:
        InputError: something else lies there, or predictions are missing from the store.
    """
    with _sink(out) as sink:
        made = _Bundle(
            run, sink, _document_codes(run) if anonymous else None, embeddings=embeddings
        )
        made.fill(step)
        index = Index(anonymous=anonymous, embeddings=embeddings, files=made.listed)
        sink.add(INDEX, (index.model_dump_json(indent=1) + "\n").encode())
    size = sum(one.size for one in made.listed.values())
    return Bundled(out, len(made.listed), size, tuple(made.missing))


class _Sink(Protocol):
    """Takes the files of a bundle."""

    def add(self, name: str, data: bytes) -> None:
        """Write one file."""


@contextmanager
def _sink(out: Path) -> Iterator[_Sink]:
    """Write beside `out` and move the whole there at the end; what fails leaves nothing."""
    whole = out.suffix == ".zip"
    if out.exists() and (out.is_dir() if whole else not (out / INDEX).is_file()):
        raise InputError(f"{out}: lies there and is no bundle; name another place with --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        place = draft / out.name
        with _Zip(place) if whole else _Folder(place) as sink:
            yield sink
        if out.is_dir():
            out.replace(draft / "old")
        place.replace(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


class _Folder:
    """A folder as a sink."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> "_Folder":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def add(self, name: str, data: bytes) -> None:
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class _Zip:
    """A zip file as a sink; nothing in it tells the time, or on what system it was written."""

    def __init__(self, path: Path) -> None:
        import zipfile

        self._file = zipfile.ZipFile(path, "w")

    def __enter__(self) -> "_Zip":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(self, name: str, data: bytes) -> None:
        import zipfile

        entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        entry.create_system, entry.external_attr = 3, 0o100644 << 16
        is_text = name.endswith((".json", ".jsonl"))  # all else is dense or packed already
        entry.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
        self._file.writestr(entry, data)


def _codes(names: Sequence[str], letter: str) -> dict[str, str]:
    """Number names in sorted order; codes sort as the names do."""
    known = sorted(set(names))
    width = len(str(len(known)))
    return {name: f"{letter}{number:0{width}d}" for number, name in enumerate(known, start=1)}


def _document_codes(run: "Run") -> dict[str, str]:
    """Give every document of a run its code."""
    ids: set[str] = set()
    store = Store(run.meta["store"])
    for ref in _artifacts(run.records):
        for name in set(_TABLES).intersection(store.files.names(_place(ref))):
            ids.update(_read_table(store.files.read(f"{_place(ref)}/{name}"))["id"])
    return _codes(sorted(ids), "d")


def _artifacts(records: Sequence[Record]) -> list[ArtifactRef]:
    """List every artifact that records point at once, in one order."""
    refs = {_place(ref): ref for record in records for ref in record.artifacts.values()}
    return [refs[place] for place in sorted(refs)]


def _place(ref: ArtifactRef) -> str:
    return f"{ref.kind}/{ref.key}/attempts/{Path(ref.path).name}"


@dataclass
class _Bundle:
    """A bundle while it is written."""

    run: "Run"
    sink: _Sink
    codes: Mapping[str, str] | None
    embeddings: bool
    listed: dict[str, Listed] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def fill(self, step: Step) -> None:
        """Add every file but the index."""
        anonymous = self.codes is not None
        told = [redacting.record(one, anonymous=anonymous) for one in self.run.records]
        self._add("run.json", _json(redacting.meta(self.run.meta)))
        lines = "".join(record.model_dump_json() + "\n" for record in told)
        self._add("records.jsonl", lines.encode())
        store = Store(self.run.meta["store"])
        cells = {_place(r.artifacts["cell"]): r for r in self.run.records if r.cell}
        for ref in counted(_artifacts(self.run.records), "packing artifacts", step):
            place = _place(ref)
            there = store.files.names(place)
            if place in cells and _PREDICTIONS not in there:
                raise InputError(
                    f"{cells[place].name}: {place}/{_PREDICTIONS} is missing from the store "
                    f"{store.uri}; run the suite again"
                )
            if not there:
                self.missing.append(f"{ref.kind}/{ref.key}")
            for name in sorted(there):
                if kept := self._kept(ref.kind, name):
                    self._add(f"store/{place}/{name}", kept(store.files.read(f"{place}/{name}")))

    def _kept(self, kind: str, name: str) -> Callable[[bytes], bytes] | None:
        """Say what is kept of a file of an artifact; `None` for one that stays behind."""
        if name == _CARD and kind in redacting.CARDS:
            return lambda data: _json(redacting.card(kind, json.loads(data)))
        if name == _CELL:
            return _checked_cell
        if kind == _EMBEDDED and not self.embeddings:
            return None
        if kind == _EMBEDDED and _VECTORS.fullmatch(name):
            return _checked_vectors
        return (lambda data: self._table(name, data)) if name in _TABLES else None

    def _table(self, name: str, data: bytes) -> bytes:
        """Keep the columns of a table that are known, its ids as codes where that is wished."""
        import pyarrow.parquet as pq

        columns: list[str] = pq.read_schema(io.BytesIO(data)).names
        kept = [one for one in columns if one in _TABLES[name] or _is_score(name, one)]
        if self.codes is None and kept == columns and "group" not in kept:
            return data
        frame = _read_table(data)[kept]
        if self.codes is not None:
            frame = frame.assign(id=frame["id"].map(self.codes))
        if "group" in frame:
            groups = _codes([str(one) for one in frame["group"].dropna()], "g")
            frame = frame.assign(group=frame["group"].map(groups))
        stream = io.BytesIO()
        frame.to_parquet(stream, index=False)
        return stream.getvalue()

    def _add(self, name: str, data: bytes) -> None:
        self.sink.add(name, data)
        self.listed[name] = Listed(size=len(data), sha256=hashlib.sha256(data).hexdigest())


def _is_score(name: str, column: str) -> bool:
    return name == _PREDICTIONS and column.startswith(_SCORE)


def _read_table(data: bytes) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_parquet(io.BytesIO(data))


def _checked_cell(data: bytes) -> bytes:
    """Let a cell pass, which knows no fields but its own."""
    Cell.model_validate_json(data)
    return data


def _checked_vectors(data: bytes) -> bytes:
    """Let vectors pass, which are numbers."""
    import numpy as np

    version = np.lib.format.read_magic(stream := io.BytesIO(data))
    assert version == (1, 0) and np.lib.format.read_array_header_1_0(stream)[2].kind == "f"
    return data


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()
