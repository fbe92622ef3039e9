"""What a table is: columns, blocks of rows, values with shown text, raw numbers and footnotes.

Builders (`results/tables.py`, `results/costs.py`) fill these; renderers (`results/plain.py`,
`results/latex.py`, `results/page.py`) draw them and know nothing of records.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

Raw = str | int | float | None

DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Piece:
    """A run of shown text, bold or not."""

    text: str
    bold: bool = False


@dataclass(frozen=True)
class Value:
    """One place in a table.

    Attributes:
        pieces: what a reader sees.
        raw: what a CSV holds, one item per field of the column.
        notes: footnotes, in full.
    """

    pieces: tuple[Piece, ...]
    raw: tuple[Raw, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The shown text without its emphasis."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: its heading; empty for a column that only the CSV has.
        fields: CSV headings of the raw items.
        group: heading that it shares with its neighbours, or empty.
        number: aligned as a number.
    """

    title: str
    fields: tuple[str, ...] = ()
    group: str = ""
    number: bool = True


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        values: one per column.
        spans: there is but a label, and one value across the rest.
        follows: it says more of the row above and is never parted from it.
    """

    values: tuple[Value, ...]
    spans: bool = False
    follows: bool = False


@dataclass(frozen=True)
class Block:
    """Rows under one heading."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A table ready to be drawn.

    Attributes:
        name: file name and label.
        caption: what it shows.
        marks: caveats that hold for every number in it.
        labels: how many columns in front name the row.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    marks: tuple[str, ...] = ()
    labels: int = 1

    @property
    def rows(self) -> list[Row]:
        """All rows, without their blocks."""
        return [row for block in self.blocks for row in block.rows]

    @cached_property
    def footnotes(self) -> dict[str, str]:
        """Footnote text -> its letter, in order of appearance."""
        notes = (note for row in self.rows for value in row.values for note in value.notes)
        return {note: _letter(i) for i, note in enumerate(dict.fromkeys(notes))}


def shown(text: str, *raw: Raw, notes: Iterable[str] = ()) -> Value:
    """Make a plain value; without `raw`, the CSV holds the text."""
    return Value((Piece(text),), raw or (text,), tuple(notes))


def number(value: float | None, form: str, *, reason: str = "") -> Value:
    """Make a number in a format, or an en dash with its reason as a footnote."""
    if value is None:
        return shown(DASH, None, notes=[reason] if reason else [])
    raw = value if isinstance(value, int) else round(value, 6)
    return shown(format(value, form), raw)


def _letter(index: int) -> str:
    """Count a, b, ..., z, aa, ab, ..."""
    letters = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        letters = chr(ord("a") + digit) + letters
    return letters
