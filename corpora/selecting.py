"""Choose which documents count, and what their labels are.

`select` filters documents by their fields (the suite file's `where`), and may keep a sample of
them. `labelled` turns the fields of the documents that are left into the labels table: one row per
document that has a label after relabelling, with its group, its time and the split it was given,
where the corpus has those.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from corpora.document import Document, Field, missing
from corpora.naming import nearest
from results.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which fields of the documents mean what.

    Attributes:
        label: the class.
        group: what must not be torn apart by a split (a run, a machine).
        time: number or ISO 8601 time that orders the documents.
        split_column: the field that says ``train`` or ``test``.
    """

    label: str = "label"
    group: str | None = None
    time: str | None = None
    split_column: str | None = None


@dataclass(frozen=True, kw_only=True)
class Relabel:
    """How raw labels become classes.

    Attributes:
        map: raw label -> class, or `None` to drop its documents; other labels stay.
        min_documents: classes with fewer documents are dropped, counted after `map`.
    """

    map: Mapping[str, str | None] = field(default_factory=dict)
    min_documents: int = 1


@dataclass(frozen=True)
class Labels:
    """The labels table and what it left out.

    Attributes:
        frame: one row per labelled document in document order: ``id``, ``label``, ``group``,
            ``given`` (str, missing where there is none), ``time`` (float64 if every value is a
            number, else str).
        documents: how many documents there were.
        unlabelled: documents without a label.
        mapped_away: documents whose label `Relabel.map` drops.
        rare: class -> documents, for the classes dropped as too rare.
    """

    frame: "pd.DataFrame"
    documents: int
    unlabelled: int
    mapped_away: int
    rare: Mapping[str, int]


def select(
    documents: Iterable[Document],
    where: Mapping[str, Field | list[Field]],
    sample: float = 1.0,
) -> Iterator[Document]:
    """Keep the documents whose fields have the wanted values, or a share of them.

    Args:
        documents: all documents.
        where: field -> the value, or the list of values, that are kept. Values are compared as
            text, so that 3 finds ``"3"`` in a CSV file and true finds ``"True"``.
        sample: share of those that is kept, above 0 and at most 1; a hash of its id decides about
            each, so that a smaller sample lies within every larger one.

    Raises:
        InputError: a field that no document has, a share that is none, or no document is left.
    """
    if not 0 < sample <= 1:
        raise InputError(f"corpus: `sample: {sample}` must lie above 0 and be at most 1")
    wanted = {name: _texts(value) for name, value in where.items()}
    fields: set[str] = set()
    matching = kept = 0
    for document in documents:
        fields.update(document.fields)
        if all(_text(document.fields.get(name)) in texts for name, texts in wanted.items()):
            matching += 1
            if sample == 1 or turn(document.id) < sample:
                kept += 1
                yield document
    for name in where:
        _require(name, "where", fields)
    if where and not matching:
        raise InputError(f"corpus: `where: {dict(where)}` keeps no document; loosen it")
    if matching and not kept:
        raise InputError(f"corpus: `sample: {sample}` keeps none of {matching} documents; raise it")


def turn(id: str) -> float:
    """Return when a document's turn comes as samples grow: 0 to 1, evenly spread."""
    return int.from_bytes(sha256(f"sample {id}".encode()).digest()[:8]) / 2**64


def labelled(
    rows: Iterable[tuple[str, Mapping[str, Field]]], columns: Columns, relabel: Relabel
) -> Labels:
    """Build the labels table.

    Args:
        rows: id and fields of each document, in document order.
        columns: which fields to read.
        relabel: how labels become classes.

    Raises:
        InputError: a field that no document has, a relabelled label that does not occur, no
            labelled document, or only one class.
    """
    rows = list(rows)
    known = set().union(*(fields for _, fields in rows))
    for setting in ("label", "group", "time", "split_column"):
        name = getattr(columns, setting)
        if name is not None:
            _require(name, setting, known)
    raw = [_label(fields.get(columns.label)) for _, fields in rows]
    _check_map(relabel, raw)
    mapped = [None if label is None else relabel.map.get(label, label) for label in raw]
    sizes = Counter(label for label in mapped if label is not None)
    rare = {label: n for label, n in sorted(sizes.items()) if n < relabel.min_documents}
    kept = [
        (id, label, fields)
        for (id, fields), label in zip(rows, mapped, strict=True)
        if label is not None and label not in rare
    ]
    _check_classes({label for _, label, _ in kept}, columns.label, rare)
    return Labels(
        frame=_frame(kept, columns),
        documents=len(rows),
        unlabelled=raw.count(None),
        mapped_away=mapped.count(None) - raw.count(None),
        rare=rare,
    )


def _frame(kept: list[tuple[str, str, Mapping[str, Field]]], columns: Columns) -> "pd.DataFrame":
    import pandas as pd

    def column(name: str | None) -> list[str | None]:
        values = [None if name is None else fields.get(name) for _, _, fields in kept]
        return [None if missing(value) else str(value) for value in values]

    frame = pd.DataFrame(
        {
            "id": pd.Series([id for id, _, _ in kept], dtype="str"),
            "label": pd.Series([label for _, label, _ in kept], dtype="str"),
            "group": pd.Series(column(columns.group), dtype="str"),
            "time": pd.Series(column(columns.time), dtype="str"),
            "given": pd.Series(column(columns.split_column), dtype="str"),
        }
    )
    numbers = pd.to_numeric(frame["time"], errors="coerce")
    if bool((numbers.notna() == frame["time"].notna()).all()) and bool(numbers.notna().any()):
        frame["time"] = numbers.astype("float64")
    return frame


def _check_map(relabel: Relabel, raw: list[str | None]) -> None:
    present = {label for label in raw if label is not None}
    for label in relabel.map:
        if label not in present and present:
            raise InputError(
                f"corpus: `relabel: map:` names the label {label!r}, which no document has; "
                f"{nearest(label, present)}"
            )


def _check_classes(classes: set[str], name: str, rare: Mapping[str, int]) -> None:
    dropped = f" ({len(rare)} rare classes were dropped by `relabel: min_documents`)" * bool(rare)
    if not classes:
        raise InputError(
            f"corpus: no document has a label in the field {name!r}{dropped}; "
            "name another field with `label:`, or drop fewer with `relabel:`"
        )
    if len(classes) == 1:
        raise InputError(
            f"corpus: every labelled document is of the class {next(iter(classes))!r}{dropped}; "
            "a classifier needs at least two (see `label:`, `where:` and `relabel:`)"
        )


def _require(name: str, setting: str, known: set[str]) -> None:
    if name not in known:
        raise InputError(
            f"corpus: no document has a field {name!r} (named by `{setting}:`); "
            f"{nearest(name, known)}"
        )


def _label(value: Field) -> str | None:
    return None if missing(value) else str(value)


def _text(value: Field) -> str | None:
    if missing(value):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    return text.lower() if text in ("True", "False") else text


def _texts(value: Field | list[Field]) -> set[str | None]:
    return {_text(item) for item in (value if isinstance(value, list) else [value])}
