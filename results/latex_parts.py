"""A table in parts that fit a page of LaTeX: no group of columns is cut, notes are counted."""

import bisect
import itertools
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

from results.grid import Block, Column, Row, Table

MAX_CHARACTERS = 150
MAX_ROWS = 42
_FOLLOWING = 0.8  # of a row's height
_NOTE_LINE = 70  # characters of footnotes that take the height of a row

_Chunk = TypeVar("_Chunk")


@dataclass(frozen=True)
class Part:
    """The columns and rows of a table that go into one float.

    Attributes:
        places: of the columns, in the table.
    """

    table: Table
    places: tuple[int, ...]
    blocks: tuple[Block, ...]

    @property
    def columns(self) -> list[Column]:
        """The columns at `places`."""
        return [self.table.columns[i] for i in self.places]


def parts(table: Table) -> Iterator[Part]:
    """Cut a table into the parts that make one float each."""
    shown = [i for i, column in enumerate(table.columns) if column.title]
    labels, values = shown[: table.labels], shown[table.labels :]
    for columns in _column_chunks(table, labels, values):
        for blocks in _row_chunks(table.blocks):
            yield Part(table, (*labels, *columns), blocks)


def _column_chunks(table: Table, labels: Sequence[int], values: Sequence[int]) -> list[list[int]]:
    """Cut the columns into chunks that fit a page, alike in width, never within a group."""
    widths = {i: _characters(table, i) for i in (*labels, *values)}
    room = MAX_CHARACTERS - sum(widths[i] for i in labels)
    grouped = itertools.groupby(values, lambda i: table.columns[i].group or str(i))
    groups = [list(members) for _, members in grouped]

    def cut(room: int) -> list[list[int]]:
        chunks: list[list[int]] = [[]]
        left = room
        for group in groups:
            needed = sum(widths[i] for i in group)
            if chunks[-1] and needed > left:
                chunks.append([])
                left = room
            chunks[-1] += group
            left -= needed
        return chunks

    return _balanced(cut, room)


def _balanced(cut: Callable[[int], list[_Chunk]], room: int) -> list[_Chunk]:
    """Cut with the least room that needs no more chunks, so that none is but a remainder."""
    most = len(cut(room))
    return cut(
        1 + bisect.bisect_left(range(1, max(room, 1)), True, key=lambda r: len(cut(r)) <= most)
    )


def _characters(table: Table, place: int) -> int:
    """Estimate a column's width by its longest text, the space between columns included."""
    texts = [row.values[place].text for row in table.rows if not row.spans]
    return 2 + max(map(len, [table.columns[place].title, *texts]))


def _row_chunks(blocks: Sequence[Block]) -> list[tuple[Block, ...]]:
    """Cut the rows into chunks that fit a page, footnotes included; a cut block keeps its title."""
    rows = [(at, row) for at, block in enumerate(blocks) for row in block.rows]

    def cut(room: int) -> list[list[tuple[int, Row]]]:
        chunks: list[list[tuple[int, Row]]] = []
        noted: set[str] = set()
        left = 0.0
        for pair in _kept_together(rows):
            if not chunks or sum(_height(row, noted) for _, row in pair) > left:
                chunks.append([])
                noted, left = set(), float(room)
            chunks[-1] += pair
            for _, row in pair:
                left -= _height(row, noted)
                noted.update(note for value in row.values for note in value.notes)
        return chunks

    return [_gathered(blocks, chunk) for chunk in _balanced(cut, MAX_ROWS)]


def _kept_together(rows: Sequence[tuple[int, Row]]) -> list[list[tuple[int, Row]]]:
    """Put each row with those that follow it."""
    kept: list[list[tuple[int, Row]]] = []
    for at, row in rows:
        if not row.follows or not kept:
            kept.append([])
        kept[-1].append((at, row))
    return kept


def _height(row: Row, noted: Set[str]) -> float:
    """Estimate what a row adds to a page, in rows: itself and the footnotes that are new there."""
    notes = dict.fromkeys(note for value in row.values for note in value.notes)
    own = _FOLLOWING if row.follows else 1.0
    return own + sum(len(note) / _NOTE_LINE for note in notes if note not in noted)


def _gathered(blocks: Sequence[Block], rows: Sequence[tuple[int, Row]]) -> tuple[Block, ...]:
    groups = itertools.groupby(rows, lambda pair: pair[0])
    return tuple(Block(blocks[at].title, tuple(row for _, row in some)) for at, some in groups)
