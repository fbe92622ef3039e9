"""Cleaning: documents in, the corpus artifact and its card out, in bounded memory.

Every rule is a switch and off by default; the card counts what each one removed. Line rules work
on the stream of a document's text: first words longer than `max_word_chars` go, then lines that
are still longer than `max_line_chars`. Document rules need to know all lengths, so the cleaned
documents are spooled to disk, measured, judged and written a second time; of documents with equal
text, hashes tell, the first may be kept alone. Numbers are not dropped
here but in the text view (`corpora.masking.TextView`): masking comes first, or ``<num>`` would
have nothing to stand for.

The rules are those of the seed paper's preprocessing unit ("Convolutional vs Large Language Models
for Software Log Classification in Edge-Deployable Cellular Network Testing").
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from corpora.document import UNSTORABLE, Document, blocks, missing, unique
from corpora.line_rules import without_long_lines, without_long_words
from corpora.masking import mask
from results.errors import InputError

HISTOGRAM_EDGES = (1, *(round(10 ** (step / 8)) for step in range(8, 8 * 9 + 1)))
"""Bin edges of the card's length histograms: 1, then eight bins per decade from 10 to 10^9
characters. The last bin holds its right edge too; documents without a character are in none."""


Duplicates = Literal["keep", "exact", "masked", "numbers"]

_NUMBER = re.compile(r"-?[0-9]+")
_LIKE: Mapping[str, Callable[[str], str]] = {
    "masked": mask,
    "numbers": lambda text: _NUMBER.sub("0", text),
}
"""What is left of a text where two are compared that need not be equal to the last character."""


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """Which rules apply.

    Attributes:
        max_word_chars: longer words are dropped.
        max_line_chars: longer lines are dropped, after the words.
        tukey: drop documents whose number of characters, after the line rules, lies below
            Q1 - 1.5 IQR or above Q3 + 1.5 IQR of all documents that are not empty.
        max_bytes: drop documents with more bytes of UTF-8 before the line rules.
        empty: whether a document without text is an error or dropped.
        duplicates: of documents that are left with equal text after the line rules, keep all, or
            the first; ``masked`` compares the masked text, ``numbers`` all but the numbers, those
            within words too. Labels are not looked at.
    """

    max_word_chars: int | None = None
    max_line_chars: int | None = None
    tukey: bool = False
    max_bytes: int | None = None
    empty: Literal["refuse", "drop"] = "refuse"
    duplicates: Duplicates = "keep"

    def __post_init__(self) -> None:
        """Refuse a limit that would drop everything."""
        for name in ("max_word_chars", "max_line_chars", "max_bytes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"clean: `{name}: {value}` must be at least 1, or left out")


@dataclass(slots=True)
class _Measured:
    """What the first pass learns about one document."""

    id: str
    group: str | None
    raw_chars: int = 0
    raw_bytes: int = 0
    raw_blank: bool = True
    chars: int = 0
    blank: bool = True
    digest: bytes = b""
    like: bytes = b""


def clean(
    documents: Iterable[Document], rules: Cleaning, folder: Path, *, group: str | None = None
) -> dict[str, Any]:
    """Clean documents and write `documents.parquet` into a folder.

    Args:
        documents: the documents, each read once, in order.
        rules: what to remove.
        folder: an existing folder; its `spool.parquet` exists only while this runs.
        group: the field that holds a document's group.

    Returns:
        The corpus card: counts per rule, replaced characters, lengths before and after.

    Raises:
        InputError: an empty document (unless they are dropped), two documents with one id, or no
            document left.
    """
    from corpora.storage import DOCUMENTS

    spool = folder / "spool.parquet"
    counts: Counter[str] = Counter()
    try:
        measured = _spool(documents, rules, spool, group, counts)
        removed = _judge(measured, rules)
        kept = [row for row in measured if row.id not in removed]
        if not kept:
            raise InputError(_nothing_left(Counter(removed.values())))
        _copy(spool, folder / DOCUMENTS, {row.id for row in kept})
    finally:
        spool.unlink(missing_ok=True)
    gone = Counter(removed.values())
    card = _card(measured, kept, gone, counts)
    if rules.duplicates != "keep":  # the cards of all others stay as they always were
        card["removed"]["duplicates"] = gone["duplicates"]
    return card


def _spool(
    documents: Iterable[Document],
    rules: Cleaning,
    spool: Path,
    group: str | None,
    counts: Counter[str],
) -> list[_Measured]:
    from corpora.storage import DocumentWriter

    measured = []
    with DocumentWriter(spool) as writer:
        for document in unique(documents, "corpus"):
            value = None if group is None else document.fields.get(group)
            row = _Measured(document.id, None if missing(value) else str(value))
            writer.add(row.id, _cleaned(document.parts, rules, row, counts), row.group)
            if row.blank and rules.empty == "refuse":
                raise InputError(_without_text(row))
            measured.append(row)
    return measured


def _cleaned(
    parts: Iterable[str], rules: Cleaning, row: _Measured, counts: Counter[str]
) -> Iterator[str]:
    stream = _storable(parts, row, counts)
    if rules.max_word_chars is not None:
        stream = without_long_words(stream, rules.max_word_chars, counts)
    if rules.max_line_chars is not None:
        stream = without_long_lines(stream, rules.max_line_chars, counts)
    digest, like = sha256(), sha256()
    for block in blocks(stream):
        row.chars += len(block)
        row.blank = row.blank and block.isspace()
        digest.update(block.encode())
        if rules.duplicates in _LIKE:
            like.update(_LIKE[rules.duplicates](block).encode())
        yield block
    row.digest, row.like = digest.digest(), like.digest()


def _storable(parts: Iterable[str], row: _Measured, counts: Counter[str]) -> Iterator[str]:
    """Replace what UTF-8 text cannot hold, count it, and measure the raw text."""
    for part in parts:
        counts["replacement_chars"] += part.count("\ufffd")
        counts["nul_chars"] += (nuls := part.count("\x00"))
        text, replaced = UNSTORABLE.subn("\ufffd", part)
        counts["surrogate_chars"] += replaced - nuls
        row.raw_chars += len(text)
        row.raw_bytes += len(text.encode())
        row.raw_blank = row.raw_blank and (not text or text.isspace())
        yield text


def _judge(measured: list[_Measured], rules: Cleaning) -> dict[str, str]:
    """Return the id of each document that goes, with the first rule that removes it."""
    removed = {row.id: "empty" for row in measured if row.blank}
    rest = [row for row in measured if not row.blank]
    if rules.tukey and rest:
        low, high = tukey_fences([row.chars for row in rest])
        for row in rest:
            if not low <= row.chars <= high:
                removed[row.id] = "tukey"
    if rules.max_bytes is not None:
        for row in rest:
            if row.raw_bytes > rules.max_bytes:
                removed.setdefault(row.id, "max_bytes")
    if rules.duplicates != "keep":
        left = [row for row in measured if row.id not in removed]
        removed |= dict.fromkeys(_repeated(left, rules.duplicates), "duplicates")
    return removed


def _repeated(rows: list[_Measured], kind: Duplicates) -> Iterator[str]:
    """Yield the ids of documents whose text one before them has."""
    seen: set[bytes] = set()
    for row in rows:
        digest = row.like if kind in _LIKE else row.digest
        if digest in seen:
            yield row.id
        seen.add(digest)


def tukey_fences(lengths: list[int]) -> tuple[float, float]:
    """Return Q1 - 1.5 IQR and Q3 + 1.5 IQR (Tukey 1977; quartiles interpolated linearly)."""
    import numpy as np

    q1, q3 = np.percentile(lengths, [25, 75])
    reach = 1.5 * (q3 - q1)
    return float(q1 - reach), float(q3 + reach)


def _copy(spool: Path, target: Path, ids: set[str]) -> None:
    from corpora.storage import DocumentWriter, read_documents

    with DocumentWriter(target) as writer:
        for document in read_documents(spool, ids):
            writer.add(document.id, document.parts, document.group)


def _card(
    measured: list[_Measured], kept: list[_Measured], removed: Counter[str], counts: Counter[str]
) -> dict[str, Any]:
    return {
        "documents_read": len(measured),
        "documents_kept": len(kept),
        "removed": {rule: removed[rule] for rule in ("empty", "tukey", "max_bytes")},
        "dropped": {"words": counts["words_dropped"], "lines": counts["lines_dropped"]},
        "characters": {
            "replacement": counts["replacement_chars"],
            "nul": counts["nul_chars"],
            "surrogate": counts["surrogate_chars"],
        },
        "duplicates_exact": len(kept) - len({row.digest for row in kept}),
        "lengths": {
            "edges": list(HISTOGRAM_EDGES),
            "before": _lengths([row.raw_chars for row in measured]),
            "after": _lengths([row.chars for row in kept]),
        },
    }


def _lengths(lengths: list[int]) -> dict[str, Any]:
    """Return histogram counts and five-number summary of document lengths in characters."""
    import numpy as np

    counts, _ = np.histogram(lengths, HISTOGRAM_EDGES)
    names = ("min", "q1", "median", "q3", "max")
    values = np.percentile(lengths, [0, 25, 50, 75, 100])
    return {"counts": counts.tolist(), **dict(zip(names, values.tolist(), strict=True))}


def _without_text(row: _Measured) -> str:
    what = "is empty" if row.raw_blank else "has no text left after the line rules of `clean:`"
    return (
        f"corpus: document {row.id!r} {what}; set `clean: {{empty: drop}}` to leave such documents "
        "out and have them counted"
    )


def _nothing_left(removed: Counter[str]) -> str:
    if not removed:
        return "corpus: there are no documents; check `path:` and `where:`"
    rules = ", ".join(f"{rule} {count}" for rule, count in sorted(removed.items()))
    return f"corpus: cleaning leaves no document (removed: {rules}); loosen `clean:`"
