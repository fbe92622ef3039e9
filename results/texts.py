"""Whether documents of the same id have the same text in two corpora.

Read from corpus artifacts' `documents.parquet` (columns `id`, `part`, `text`), one row group at a
time; only hashes are kept.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results.records import Record
from results.run import Run
from results.store import Store

_DOCUMENTS = "documents.parquet"


@dataclass(frozen=True)
class Texts:
    """How many of some documents have another text; `None` where a corpus is not at hand."""

    documents: int
    differing: int | None


def compared(
    first: tuple[Run, Record], second: tuple[Run, Record], ids: Collection[str]
) -> Texts | None:
    """Compare the texts of documents; `None` where both runs have the very same corpus.

    Args:
        first: a run and a record of it that names its corpus.
        second: the same of the other run.
        ids: which documents.
    """
    digests = [one.provenance.corpus_digest for _, one in (first, second)]
    if digests[0] == digests[1]:
        return None
    corpora = [_corpus(*first), _corpus(*second)]
    if corpora[0] is None or corpora[1] is None:
        return Texts(len(ids), None)
    before, after = hashes(corpora[0], ids), hashes(corpora[1], ids)
    return Texts(len(ids), sum(before.get(name) != after.get(name) for name in ids))


def _corpus(run: Run, record: Record) -> Path | None:
    """Return a corpus that lies on this machine; to fetch one for this would take too long."""
    if Store(run.meta["store"]).is_remote:
        return None
    folder = run.folder(record, "corpus")
    return folder if folder is not None and (folder / _DOCUMENTS).is_file() else None


def hashes(corpus: Path, ids: Collection[str]) -> dict[str, bytes]:
    """Hash the texts of documents, part by part; what the corpus does not have is left out."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = sorted(ids)
    found: dict[str, Any] = {}
    with pq.ParquetFile(corpus / _DOCUMENTS) as file:
        for number in range(file.num_row_groups):
            names = file.read_row_group(number, columns=["id"])["id"]
            here = pc.is_in(names, value_set=pa.array(wanted, names.type))
            if pc.any(here).as_py():
                texts = file.read_row_group(number, columns=["text"])["text"].filter(here)
                for name, text in zip(names.filter(here).to_pylist(), texts, strict=True):
                    found.setdefault(name, hashlib.sha256()).update(text.as_buffer())
    return {name: told.digest() for name, told in found.items()}
