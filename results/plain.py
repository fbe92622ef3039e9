"""Tables as plain text: CSV for machines, Markdown for reading."""

import csv
import io
import re

from results.grid import Block, Column, Table, Value


def to_csv(table: Table) -> str:
    """Write the raw numbers of a table as RFC 4180 has it; what is missing is an empty field."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([field for column in table.columns for field in column.fields])
    for row in table.rows:
        writer.writerow([item for value in row.values for item in value.raw])
    return stream.getvalue()


def to_markdown(table: Table) -> str:
    """Write a table as a reader sees it, with its caption, marks and footnotes."""
    lines = [f"**{mark.upper()}**" for mark in map(escape, table.marks)]
    lines += [escape(table.caption)]
    together = [block for block in table.blocks if not _spans(block)]
    if together:
        lines += [_grid(table, together)]
    lines += [_pairs(table, block) for block in table.blocks if _spans(block)]
    notes = [f"- [{letter}] {escape(note)}" for note, letter in table.footnotes.items()]
    lines += ["\n".join(notes)] if notes else []
    return "\n\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Keep any text within one Markdown table cell and free of markup."""
    text = re.sub(r"\s+", " ", text)
    return re.sub(r"([\\`*_{}\[\]<>#|&$~])", r"\\\1", text)


def _spans(block: Block) -> bool:
    return all(row.spans for row in block.rows)


def _grid(table: Table, blocks: list[Block]) -> str:
    shown = [i for i, column in enumerate(table.columns) if column.title]
    columns = [table.columns[i] for i in shown]
    lines = [_line([_heading(column) for column in columns]), _rule(columns)]
    for block in blocks:
        if block.title and len(blocks) > 1:
            lines.append(_line([f"*{escape(block.title)}*", *[""] * (len(columns) - 1)]))
        lines += [_line([_text(table, row.values[i]) for i in shown]) for row in block.rows]
    return "\n".join(lines)


def _pairs(table: Table, block: Block) -> str:
    """Write rows of one value each as a table of their own."""
    lines = [_line([escape(block.title), ""]), "| :--- | ---: |"]
    lines += [_line([_text(table, value) for value in row.values]) for row in block.rows]
    return "\n".join(lines)


def _heading(column: Column) -> str:
    return escape(f"{column.group}: {column.title}" if column.group else column.title)


def _rule(columns: list[Column]) -> str:
    return "| " + " | ".join("---:" if column.number else ":---" for column in columns) + " |"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _text(table: Table, value: Value) -> str:
    text = "".join(f"**{escape(p.text)}**" if p.bold else escape(p.text) for p in value.pieces)
    notes = ",".join(table.footnotes[note] for note in value.notes)
    return f"{text} \\[{notes}\\]" if notes else text
