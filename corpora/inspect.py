"""Look at a corpus before anything is computed on it: what is in there, and what is wrong with it.

In: the documents as the suite's corpus section chooses them, before cleaning. Out: `Findings`.
One pass, in bounded memory. Every document is counted and its fields are read; the text of a share
of them is read, too: a hash of its id decides about each (as for `sample`), but at least
`LEAST_PER_CLASS` documents of every class are read. Once `LOOK_CHARS` characters are read, the
share is quartered, and again after a quarter as many, so that no corpus takes more than minutes.
Of each of these documents all is measured and compared, but only its beginning is searched for
leaks (`SEARCH_CHARS`).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from corpora.document import Document, Field, missing
from corpora.inspect_fields import Columns as FieldColumns
from corpora.inspect_findings import Encoding, Findings, Lengths, Twins
from corpora.inspect_leaks import Evidence
from corpora.masking import mask
from corpora.naming import printable
from corpora.selecting import (
    Columns,
    Labels,
    Relabel,
    labelled,
    turn,  # who is read first is who is sampled first
)
from results.errors import InputError

LOOK_CHARS: Final = 32_000_000
SEARCH_CHARS: Final = 1 << 15
MASK_CHARS: Final = 1 << 20
"""Characters of a document that are masked to find twins; the rest has to be the same."""

LEAST_PER_CLASS: Final = 50
MOST_CLASSES: Final = 1000
NO_TEXT: Final = 0.3
"""A document of which more than this share is NUL or not UTF-8 is no text."""

_UTF16 = 0.2
_KEPT_NAMES = 3


@dataclass(slots=True)
class _Read:
    """What one document's text was like."""

    label: str
    chars: int = 0
    undecodable: int = 0
    nul: int = 0
    blank: bool = True
    exact: bytes = b""
    masked: bytes = b""


@dataclass
class _Look:
    """What has been seen so far."""

    columns: Columns
    relabel: Relabel
    share: float
    fields: FieldColumns
    rows: list[tuple[str, dict[str, Field]]] = field(default_factory=list)
    read: list[_Read] = field(default_factory=list)
    per_class: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)
    chars: int = 0
    limit: int = field(default_factory=lambda: LOOK_CHARS)


def inspect(
    documents: Iterable[Document],
    *,
    columns: Columns,
    relabel: Relabel,
    share: float = 1.0,
    counts: Mapping[str, int] | None = None,
    progress: Callable[[int], None] = lambda number: None,
) -> Findings:
    """Look at documents.

    Args:
        documents: as the loader yields them and `where` chooses them.
        columns: which fields mean what.
        relabel: how labels become classes.
        share: of the documents whose text is read, to begin with.
        counts: what the loader counts while it is read from.
        progress: is told how many documents have been seen.

    Raises:
        InputError: the documents cannot be read, hold no text, or have no or one class, or more
            than `MOST_CLASSES`.
    """
    taken = {columns.label, "file", columns.split_column, "synthetic", "lines", "alerts"}
    look = _Look(columns, relabel, share, FieldColumns(name for name in taken if name))
    for number, document in enumerate(documents, start=1):
        _take(look, document)
        progress(number)
    if not look.rows:
        raise InputError("corpus: there are no documents; check `path:` and `where:`")
    labels = labelled(look.rows, columns, relabel)
    return _findings(look, labels, dict(counts or {}))


def _take(look: _Look, document: Document) -> None:
    fields = document.fields
    raw = fields.get(look.columns.label)
    label = None if missing(raw) else look.relabel.map.get(str(raw), str(raw))
    needed = ("label", "group", "time", "split_column")
    names = {getattr(look.columns, key) for key in needed} if look.rows else set(fields)
    look.rows.append((document.id, {name: fields[name] for name in names if name in fields}))
    if label is None:
        return
    look.fields.add(label, fields)
    look.per_class[label] += 1
    if len(look.per_class) > MOST_CLASSES:
        raise InputError(
            f"corpus: more than {MOST_CLASSES:,} classes in the field {look.columns.label!r}: that "
            "is an id rather than a class; name another with `label:`, or join them with `relabel:`"
        )
    if look.per_class[label] > LEAST_PER_CLASS and turn(document.id) >= look.share:
        return
    name = str(fields.get("file", ""))
    row = _read(label, document.parts, lambda text: look.evidence.add(label, text, _name(name)))
    look.read.append(row)
    if row.undecodable + row.nul > NO_TEXT * row.chars:
        look.odd.append(document.id)
    look.chars += row.chars
    if look.chars > look.limit:
        look.share /= 4
        look.limit += LOOK_CHARS // 4


def _name(file: str) -> str:
    """Drop the folder of the class from the name of a file."""
    return file.partition("/")[2] if "/" in file else file


def _read(label: str, parts: Iterable[str], search: Callable[[str], None]) -> _Read:
    row = _Read(label)
    exact, masked = blake2b(digest_size=16), blake2b(digest_size=16)
    beginning = ""
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        exact.update(data)
        masked.update(
            mask(part).encode("utf-8", "surrogatepass") if row.chars < MASK_CHARS else data
        )
        if len(beginning) < SEARCH_CHARS:
            beginning += part[: SEARCH_CHARS - len(beginning)]
        row.chars += len(part)
        row.undecodable += part.count("\ufffd")
        row.nul += part.count("\x00")
        row.blank = row.blank and part.isspace()
    row.exact, row.masked = exact.digest(), masked.digest()
    search(beginning)
    return row


def _findings(look: _Look, labels: Labels, counted: dict[str, int]) -> Findings:
    sizes = Counter(labels.frame["label"].tolist())
    classes = dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))
    rows = [row for row in look.read if row.label in classes]
    texts = [row for row in rows if not row.blank]
    if not texts:
        raise InputError("corpus: no document holds any text; check `path:` and `text:`")
    _refuse_no_text(look, rows)
    return Findings(
        documents=labels.documents,
        classes=classes,
        unlabelled=labels.unlabelled + labels.mapped_away,
        rare=dict(labels.rare),
        read=len(rows),
        empty=len(rows) - len(texts),
        lengths=_lengths([row.chars for row in rows]),
        lengths_of=_medians(rows),
        encoding=_encoding(look, rows),
        exact=_twins((row.exact, row.label) for row in texts),
        masked=_twins((row.masked, row.label) for row in texts),
        distinct=_distinct(texts),
        leaks=tuple(look.evidence.leaks(classes)),
        telling=tuple(look.evidence.telling(classes)),
        uses=tuple(look.fields.uses()),
        counted=counted,
    )


def _refuse_no_text(look: _Look, rows: list[_Read]) -> None:
    if len(look.odd) > len(rows) / 2:
        way = (
            "convert them to UTF-8 (iconv -f UTF-16 -t UTF-8)"
            if _is_utf16(rows)
            else ("unpack or convert them, or name others with `path:` or `pattern:`")
        )
        raise InputError(
            f"corpus: {len(look.odd):,} of the {len(rows):,} documents read are no text, as "
            f"{printable(look.odd[0], 80)!r}; {way}"
        )


def _is_utf16(rows: list[_Read]) -> bool:
    return sum(row.nul for row in rows) > _UTF16 * sum(row.chars for row in rows)


def _encoding(look: _Look, rows: list[_Read]) -> Encoding:
    return Encoding(
        undecodable=sum(row.undecodable for row in rows),
        nul=sum(row.nul for row in rows),
        documents=sum(bool(row.undecodable or row.nul) for row in rows),
        no_text=tuple(printable(id, 80) for id in look.odd[:_KEPT_NAMES]),
        no_text_documents=len(look.odd),
        is_utf16=_is_utf16(rows),
    )


def _lengths(chars: list[int]) -> Lengths:
    import numpy as np

    if not chars:
        return Lengths(median=0, p95=0, max=0, total=0)
    median, p95, most = np.percentile(chars, [50, 95, 100])
    return Lengths(median=round(median), p95=round(p95), max=round(most), total=sum(chars))


def _medians(rows: list[_Read]) -> dict[str, int]:
    chars = defaultdict(list)
    for row in rows:
        chars[row.label].append(row.chars)
    return {label: _lengths(of_class).median for label, of_class in sorted(chars.items())}


def _twins(texts: Iterator[tuple[bytes, str]]) -> Twins:
    alike: dict[bytes, Counter[str]] = defaultdict(Counter)
    for digest, label in texts:
        alike[digest][label] += 1
    return Twins(
        within=sum(number - 1 for classes in alike.values() for number in classes.values()),
        across=sum(classes.total() for classes in alike.values() if len(classes) > 1),
    )


def _distinct(texts: list[_Read]) -> dict[str, int]:
    seen: set[bytes] = set()
    kept: Counter[str] = Counter()
    for row in texts:
        kept[row.label] += row.exact not in seen
        seen.add(row.exact)
    return dict(kept)
