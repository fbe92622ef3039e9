"""What the page's script reads: every cell's predictions and the first words of the documents.

In goes a run judged, out comes one line of base64: deflated bytes of a little-endian uint32 (the
length of the header), a JSON header, and one number per document, first the classes of each test
set, then what each cell said. What was right is 0 and anything else the class plus 1, so that a
good cell takes next to no room.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from results import snippets
from results.assessment import Assessment
from results.entries import Verdict
from results.records import Record
from results.tables import SECTIONS

if TYPE_CHECKING:
    from results.run import Run

MAX_TEXT_CHARS = 6_000_000
"""Most characters of text on one page."""


@dataclass
class _TestSet:
    """Documents on which some cells were tested.

    Attributes:
        corpus: which corpus they are from, by its place in the page's list.
        ids: of the documents, sorted.
        labels: true class of each, by its place in the page's list.
        cells: what each cell said, likewise.
    """

    corpus: int
    ids: tuple[str, ...]
    labels: Int[np.ndarray, " n"]
    cells: dict[str, Int[np.ndarray, " n"]] = field(default_factory=dict)

    def coded(self, cell: str) -> Int[np.ndarray, " n"]:
        """Write what a cell said: 0 where it is right, else the class plus 1."""
        said = self.cells[cell]
        return np.where(said == self.labels, 0, said + 1)

    @property
    def disputed(self) -> list[str]:
        """The documents on which two cells differ."""
        said = list(self.cells.values())
        differs = np.zeros(len(self.ids), dtype=bool)
        for one in said[1:]:
            differs |= one != said[0]
        return [self.ids[i] for i in np.flatnonzero(differs)]


@dataclass
class _Corpus:
    """A corpus: where it lies, and which of its documents the page names."""

    folder: Path | None
    ids: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)


def verdicts_of(results: Assessment) -> list[Verdict]:
    """List everything with predictions, points of studies last."""
    points = [point.entry for study in results.studies for point in study.points]
    verdicts = (v for entry in (*results.entries, *points) for v in entry.verdicts)
    return [verdict for verdict in verdicts if verdict.record.cell]


def pack(run: "Run", results: Assessment, pair: Sequence[str]) -> str:
    """Pack what the page compares cells with.

    Args:
        run: the run, for predictions and texts.
        results: the run judged.
        pair: names of the two cells that are compared unless the reader chooses.

    Returns:
        Base64 of raw deflate; letters that need no escaping.
    """
    verdicts = verdicts_of(results)
    records = [verdict.record for verdict in verdicts]
    sets, corpora = _collect(run, results, records)
    note = _add_texts(run, sets, corpora)
    header = {
        "classes": list(results.classes),
        "cells": [_cell(verdict, results, sets) for verdict in verdicts],
        "sets": [
            {"corpus": one.corpus, "documents": _places(one.ids, corpora[one.corpus].ids)}
            for one in sets
        ],
        "corpora": [
            {"ids": one.ids, "texts": [one.texts.get(name) for name in one.ids]}
            for one in corpora
        ],
        "note": note,
        "pair": list(pair),
        "grouped": results.grouped,
    }  # fmt: skip
    return _deflated(header, _numbers(records, sets, len(results.classes)))


def _cell(verdict: Verdict, results: Assessment, sets: Sequence[_TestSet]) -> dict[str, Any]:
    record = verdict.record
    assert record.cell is not None
    index = {name: i for i, name in enumerate(results.classes)}
    caveats = [mark for mark in record.marks if mark not in results.marks]
    study = record.study
    return {
        "name": record.name,
        "group": f"Study {study.name}" if study else SECTIONS[record.section],
        "set": next(i for i, one in enumerate(sets) if record.name in one.cells),
        "classes": [index[name] for name in record.cell.classes],
        "marks": [*caveats, verdict.differs] if verdict.differs else caveats,
    }


def _collect(
    run: "Run", results: Assessment, records: Sequence[Record]
) -> tuple[list[_TestSet], list[_Corpus]]:
    """Gather what cells said by what they were tested on, and the corpora this is from."""
    index = {name: i for i, name in enumerate(results.classes)}
    sets: dict[tuple[str, str], _TestSet] = {}
    corpora: dict[str, _Corpus] = {}
    for record in records:
        outcomes = results.evidence.outcomes[record.name]
        documents = outcomes.documents
        place = np.array([index[name] for name in documents.classes], dtype=np.int16)
        ref = record.artifacts.get("corpus")
        source = ref.digest if ref else ""
        if source not in corpora:
            corpora[source] = _Corpus(run.folder(record, "corpus"))
        if (key := (source, documents.key)) not in sets:
            number = list(corpora).index(source)
            sets[key] = _TestSet(number, documents.ids, place[documents.label])
        sets[key].cells[record.name] = place[outcomes.predicted]
    for number, corpus in enumerate(corpora.values()):
        mine = (one.ids for one in sets.values() if one.corpus == number)
        corpus.ids = sorted({name for ids in mine for name in ids})
    return list(sets.values()), list(corpora.values())


def _places(ids: Sequence[str], among: Sequence[str]) -> list[int]:
    place = {name: i for i, name in enumerate(among)}
    return [place[name] for name in ids]


def _add_texts(run: "Run", sets: Sequence[_TestSet], corpora: Sequence[_Corpus]) -> str:
    """Read the texts of documents on which cells differ; say what the page has of them."""
    if (run.meta.get("report") or {}).get("text") is False:
        return "The texts of the documents were left out of this page when it was written."
    disputed = [
        sorted({name for one in sets if one.corpus == i for name in one.disputed})
        for i in range(len(corpora))
    ]
    here = [snippets.has_texts(corpus.folder) for corpus in corpora]
    if not any(here):
        return "The texts of the documents are not here: the run is without its corpus."
    wanted = sum(len(names) for names, is_here in zip(disputed, here, strict=True) if is_here)
    left, chars = snippets.room(wanted, MAX_TEXT_CHARS)
    cut = f", and only of {left:,} of {wanted:,} documents" if left < wanted else ""
    for corpus, names, is_here in zip(corpora, disputed, here, strict=True):
        if is_here and corpus.folder is not None:
            corpus.texts = snippets.read(corpus.folder, names[:left], chars)
            left -= len(names[:left])
    return f"Of each text the first {chars} characters are shown, blanks collapsed{cut}."


def _numbers(records: Sequence[Record], sets: Sequence[_TestSet], num_classes: int) -> bytes:
    kind = np.dtype(np.uint8 if num_classes < 255 else "<u2")
    tested = {name: one for one in sets for name in one.cells}
    codes = (tested[record.name].coded(record.name) for record in records)
    parts = (*(one.labels for one in sets), *codes)
    return b"".join(part.astype(kind).tobytes() for part in parts)


def _deflated(header: dict[str, Any], numbers: bytes) -> str:
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    packer = zlib.compressobj(level=6, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(len(text).to_bytes(4, "little") + text) + packer.compress(numbers)
    return base64.b64encode(packed + packer.flush()).decode("ascii")
