"""The first words of documents, for a page that lists some of them.

Read from a corpus artifact's `documents.parquet` (columns `id`, `part`, `text`): only what stands
at the beginning of a document's first part, one row group at a time.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

CHARS = 300
"""Most characters of one snippet."""

FEWEST_CHARS = 80
"""What is left of a snippet where there are many, before documents go without one."""

_READ_CHARS = 4_000  # of a document that begins with blanks
_DOCUMENTS = "documents.parquet"


def has_texts(corpus: Path | None) -> bool:
    """Say whether a corpus artifact is here, and its documents in it."""
    return corpus is not None and (corpus / _DOCUMENTS).is_file()


def room(num_documents: int, budget: int) -> tuple[int, int]:
    """Share a budget of characters: how many documents have a snippet, and of how many characters.

    Args:
        num_documents: how many should have one.
        budget: characters in all.
    """
    if num_documents == 0:
        return 0, CHARS
    chars = max(FEWEST_CHARS, min(CHARS, budget // num_documents))
    return min(num_documents, budget // chars), chars


def read(corpus: Path, ids: Collection[str], chars: int) -> dict[str, str]:
    """Read the beginning of documents, blanks collapsed; an ellipsis stands where one is cut.

    Args:
        corpus: folder of a corpus artifact, see `has_texts`.
        ids: which documents; what the corpus does not have is left out.
        chars: most characters of each.
    """
    import pyarrow.parquet as pq

    wanted = frozenset(ids)
    found: dict[str, str] = {}
    with pq.ParquetFile(corpus / _DOCUMENTS) as file:
        for number in range(file.num_row_groups):
            found.update(_of_group(file, number, wanted))
            if len(found) == len(wanted):
                break
    return {name: _cut(text, chars) for name, text in found.items()}


def _of_group(file: Any, number: int, wanted: frozenset[str]) -> Mapping[str, str]:
    """Return the first characters of the wanted documents that begin in a row group."""
    import pyarrow as pa
    import pyarrow.compute as pc

    head = file.read_row_group(number, columns=["id", "part"])
    names = pa.array(sorted(wanted), head["id"].type)
    here = pc.and_(pc.equal(head["part"], 0), pc.is_in(head["id"], value_set=names))
    if not pc.any(here).as_py():
        return {}
    texts = file.read_row_group(number, columns=["text"])["text"].filter(here)
    firsts = pc.utf8_slice_codeunits(texts, 0, _READ_CHARS).to_pylist()
    return dict(zip(head["id"].filter(here).to_pylist(), firsts, strict=True))


def _cut(text: str, chars: int) -> str:
    words = " ".join(text.split())
    return words if len(words) <= chars else words[: chars - 1].rstrip() + "…"
