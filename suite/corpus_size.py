"""How long a corpus's documents are: measured where it is in the store, else guessed, and said so.

A plan is made before anything is read. Once the corpus artifact exists, its documents are measured;
before that the source tells what it can: the generator its distribution, files their bytes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp
from pathlib import Path
from statistics import NormalDist
from typing import Any

from corpora.registry import LOADERS
from results.registry import build
from suite.spec import Suite

COMPRESSION = 8
"""Characters per byte of a compressed source: kernel logs have 5, Hadoop's 12 (gzip)."""

_QUANTILES = 100
_GENERATED = 4000  # documents, which takes some tenths of a second


@dataclass(frozen=True, kw_only=True)
class CorpusSize:
    """Lengths of the documents.

    Attributes:
        sizes: (characters of a document, number of such documents); of a table that has not been
            read all its characters as one document.
        documents: how many there are; None where nobody knows yet.
        is_estimate: False where the documents were measured.
        basis: what the numbers rest on, in words.
    """

    sizes: tuple[tuple[float, float], ...]
    documents: int | None
    is_estimate: bool
    basis: str

    @cached_property
    def characters(self) -> int:
        """Characters of all documents."""
        return round(sum(length * number for length, number in self.sizes))


def measure(folder: Path) -> CorpusSize:
    """Measure the documents of a corpus artifact."""
    from corpora.storage import DOCUMENTS

    lengths = list(_lengths(folder / DOCUMENTS))
    return CorpusSize(
        sizes=tuple((float(length), 1.0) for length in lengths),
        documents=len(lengths),
        is_estimate=False,
        basis="the cleaned documents",
    )


def guess(suite: Suite) -> CorpusSize:
    """Guess the lengths from the source; `where`, `relabel` and `clean` are not counted in.

    Raises:
        InputError: the source is missing.
    """
    loader = build("loader", suite.corpus.loader, LOADERS, suite.corpus.settings)
    return _GUESSES.get(suite.corpus.loader, _of_file)(loader)


def _of_generator(loader: Any) -> CorpusSize:
    """Take quantiles of the generator's log-normal lengths."""
    from corpora.tm500 import SIGMA

    spread = NormalDist(0.0, SIGMA)
    steps = [(step + 0.5) / _QUANTILES for step in range(_QUANTILES)]
    lengths = [loader.median_chars * exp(spread.inv_cdf(step)) for step in steps]
    return CorpusSize(
        sizes=tuple((length, loader.num_documents / _QUANTILES) for length in lengths),
        documents=loader.num_documents,
        is_estimate=True,
        basis="the generator's settings, before cleaning",
    )


def _of_folder(loader: Any) -> CorpusSize:
    sizes = tuple((_characters(path), 1.0) for path in loader.files())
    return CorpusSize(
        sizes=sizes,
        documents=len(sizes),
        is_estimate=True,
        basis=f"the files' bytes, before cleaning; a compressed byte taken for {COMPRESSION}",
    )


def _of_file(loader: Any) -> CorpusSize:
    total = sum(_characters(path) for path in loader.files())
    return CorpusSize(
        sizes=((total, 1.0),),
        documents=None,
        is_estimate=True,
        basis=f"the file's bytes, other columns too; a compressed byte taken for {COMPRESSION}",
    )


def _characters(path: Path) -> float:
    from corpora.opening import COMPRESSED

    packed = path.suffix.lower() in (*COMPRESSED, ".parquet", ".tgz", ".txz", ".zip")
    return float(path.stat().st_size * (COMPRESSION if packed else 1))


def _lengths(path: Path) -> Iterable[int]:
    """Yield the characters of each stored document, holding one row group at a time."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    length = 0
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=["part", "text"])
            sizes = pc.utf8_length(rows["text"]).to_pylist()
            for part, size in zip(rows["part"].to_pylist(), sizes, strict=True):
                if part == 0 and length:
                    yield length
                    length = 0
                length += size
    if length:
        yield length


def _of_documents(loader: Any) -> CorpusSize:
    """Count what a generator makes; of very many documents some stand for all."""
    some = loader
    if loader.num_documents > _GENERATED:
        some = replace(loader, num_documents=_GENERATED, anomaly_share=0.5)  # as long as others
    lengths = [float(sum(map(len, document.parts))) for document in some.documents()]
    return CorpusSize(
        sizes=tuple((length, loader.num_documents / len(lengths)) for length in lengths),
        documents=loader.num_documents,
        is_estimate=True,
        basis="the generated documents, before cleaning",
    )


_GUESSES: dict[str, Callable[[Any], CorpusSize]] = {
    "blocks": _of_documents,
    "folder": _of_folder,
    "tm500": _of_generator,
}
