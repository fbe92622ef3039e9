r"""Tables as LaTeX (booktabs), ready to be `\input` into a paper that pdflatex compiles.

The output is pure ASCII whatever the names are: accents become LaTeX accents, Greek and Cyrillic
letters are transliterated, what is left is named by its code point (U+4E2D). A table too wide or
too long for a page is continued in further floats. Needs the packages booktabs and graphicx.
"""

import bisect
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from results.grid import Block, Column, Row, Table, Value

if TYPE_CHECKING:
    from results.drawing import Drawn

MAX_CHARACTERS = 150
MAX_ROWS = 42
_FOLLOWING = 0.8  # of a row's height
_NOTE_LINE = 70  # characters of footnotes that take the height of a row
_FLOAT = "table"
_FIGURE = "figure"
_WAITING = 16  # floats; LaTeX gives up on more than 52 that wait for their page

_Chunk = TypeVar("_Chunk")

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",  # \textquotedbl does not exist in the default font encoding
    "`": r"\textasciigrave{}",
}  # fmt: skip
_SYMBOLS = {
    "\N{EN DASH}": "--",
    "\N{EM DASH}": "---",
    "\N{MINUS SIGN}": "$-$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\le$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\ge$",
    "\N{RIGHTWARDS ARROW}": r"$\to$",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{LEFT SINGLE QUOTATION MARK}": "`{}",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'{}",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``{}",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''{}",
    "\N{DAGGER}": r"$\dagger$",
    "\N{BULLET}": r"\textbullet{}",
    "\N{DEGREE SIGN}": r"$^\circ$",
    "\N{MICRO SIGN}": r"$\mu$",
    "\N{LATIN SMALL LETTER SHARP S}": r"{\ss}",
    "\N{LATIN SMALL LETTER AE}": r"{\ae}",
    "\N{LATIN CAPITAL LETTER AE}": r"{\AE}",
    "\N{LATIN SMALL LETTER O WITH STROKE}": r"{\o}",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": r"{\O}",
    "\N{LATIN SMALL LIGATURE OE}": r"{\oe}",
    "\N{LATIN CAPITAL LIGATURE OE}": r"{\OE}",
    "\N{LATIN SMALL LETTER L WITH STROKE}": r"{\l}",
    "\N{LATIN CAPITAL LETTER L WITH STROKE}": r"{\L}",
    "\N{LATIN SMALL LETTER DOTLESS I}": r"{\i}",
}
_ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING MACRON}": "=",
    "\N{COMBINING BREVE}": "u ",
    "\N{COMBINING DOT ABOVE}": ".",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING RING ABOVE}": "r ",
    "\N{COMBINING DOUBLE ACUTE ACCENT}": "H ",
    "\N{COMBINING CARON}": "v ",
    "\N{COMBINING CEDILLA}": "c ",
    "\N{COMBINING DOT BELOW}": "d ",
}
_ALPHABETS = """
    αa βb γg δd εe ζz ηe θth ιi κk λl μm νn ξx οo πp ρr σs ςs τt υy φf χch ψps ωo
    аa бb вv гg дd еe жzh зz иi кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щshch
    ыy эe юyu яya
"""
_LETTERS = {pair[0]: pair[1:] for pair in _ALPHABETS.split()}


def escape(text: str) -> str:
    """Write any text so that LaTeX prints it and does nothing else.

    Args:
        text: any Unicode text, control characters and lone surrogates included.

    Returns:
        ASCII on one line. Doubled hyphens, commas and quotes are kept apart; a bracket or star in
        front is shielded, since after the end of a row LaTeX would read it as an option.
    """
    text = re.sub(r"\s+", " ", text)
    joined = "".join(
        ("{}" if one == before and one in "-,'" else "") + _character(one)
        for before, one in itertools.pairwise(f" {text}")
    )
    return f"{{}}{joined}" if joined.lstrip().startswith(("[", "*")) else joined


def _character(one: str) -> str:
    if one in _SPECIAL:
        return _SPECIAL[one]
    if " " <= one <= "~":
        return one
    if one in _SYMBOLS:
        return _SYMBOLS[one]
    parts = list(unicodedata.normalize("NFD", one))
    base, marks = parts[0], parts[1:]
    if base.lower() in _LETTERS:
        latin = _LETTERS[base.lower()]
        return latin if base.islower() else latin.capitalize()
    if base.isascii() and base.isalpha() and marks and marks[0] in _ACCENTS:
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    plain = unicodedata.normalize("NFKD", one)
    if plain != one and plain.isascii() and plain.isalnum():
        return plain
    return f"\\texttt{{U+{ord(one):04X}}}"


def render(table: Table, *, digest: str) -> str:
    r"""Write a table as one or more floats.

    Args:
        table: what to draw.
        digest: of the results behind it, kept as a comment.

    Returns:
        LaTeX that ends with a newline; nothing but comments where the table is empty.
    """
    head = (
        f"% {table.name}: results {digest}\n"
        "% needs \\usepackage{booktabs,graphicx}\n"
    )  # fmt: skip
    floats = [_float(part, first=i == 0) for i, part in enumerate(_parts(table))]
    pages = ["".join(floats[i : i + _WAITING]) for i in range(0, len(floats), _WAITING)]
    return head + "\\clearpage\n".join(pages)


def standalone(
    title: str, marks: Sequence[str], inputs: Sequence[str], figures: Sequence["Drawn"]
) -> str:
    r"""Write a small document that shows every table and figure, for `pdflatex report.tex`.

    Args:
        title: name of the suite.
        marks: caveats that hold for every number.
        inputs: names of the table files beside it, without `.tex`.
        figures: drawn figures, saved as `figures/NAME.pdf` beside it.
    """
    warning = "".join(f"\\textbf{{{_mark(mark)}.}} " for mark in marks)
    lines = [
        "\\documentclass[10pt]{article}",
        "\\usepackage[T1]{fontenc}",
        "\\usepackage[a4paper,margin=20mm]{geometry}",
        "\\usepackage{lmodern,booktabs,graphicx}",
        "\\begin{document}",
        f"\\section*{{{escape(title)}}}",
        f"{warning}Tables and figures as they can be put into a paper: each table is a file of its",
        "own, each figure a PDF and a PNG.",
        *(f"\\input{{{name}.tex}}\n\\clearpage" for name in inputs),
    ]
    for i, drawn in enumerate(figures):
        lines += ["\\clearpage"] if i and i % _WAITING == 0 else []
        lines += [
            f"\\begin{{{_FIGURE}}}[htbp]",
            "\\centering",
            "\\includegraphics[width=\\linewidth,height=0.42\\textheight,keepaspectratio]"
            f"{{figures/{drawn.name}.pdf}}",
            f"\\caption{{{escape(drawn.caption)}}}",
            f"\\end{{{_FIGURE}}}",
        ]
    return "\n".join([*lines, "\\end{document}"]) + "\n"


@dataclass(frozen=True)
class _Part:
    """The columns and rows of a table that go into one float."""

    table: Table
    places: tuple[int, ...]
    blocks: tuple[Block, ...]

    @property
    def columns(self) -> list[Column]:
        return [self.table.columns[i] for i in self.places]


def _parts(table: Table) -> Iterator[_Part]:
    shown = [i for i, column in enumerate(table.columns) if column.title]
    labels, values = shown[: table.labels], shown[table.labels :]
    for columns in _column_chunks(table, labels, values):
        for blocks in _row_chunks(table.blocks):
            yield _Part(table, (*labels, *columns), blocks)


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


def _float(part: _Part, *, first: bool) -> str:
    table = part.table
    star = "*" if len(part.places) > 5 else ""
    caption = " ".join(
        [*(f"\\textbf{{{_mark(mark)}.}}" for mark in table.marks), escape(table.caption)]
    )
    head = (
        [f"\\caption{{{caption}}}", f"\\label{{tab:{table.name}}}"]
        if first
        else [f"\\addtocounter{{{_FLOAT}}}{{-1}}", "\\caption{(continued)}"]
    )
    lines = [
        f"\\begin{{{_FLOAT}{star}}}[htbp]",
        "\\centering\\small",
        "\\setlength{\\belowcaptionskip}{6pt}",
        *head,
        "\\setlength{\\tabcolsep}{4pt}",
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
        f"\\begin{{tabular}}{{@{{}}{_alignment(part.columns)}@{{}}}}",
        "\\toprule",
        *_header(part),
        *_body(part),
        "\\bottomrule",
        "\\end{tabular}}",
        *_footnotes(part),
        f"\\end{{{_FLOAT}{star}}}",
    ]
    return "\n".join(lines) + "\n"


def _mark(mark: str) -> str:
    return escape(mark[:1].upper() + mark[1:])


def _alignment(columns: Sequence[Column]) -> str:
    return "".join("r" if column.number else "l" for column in columns)


def _header(part: _Part) -> list[str]:
    titles = " & ".join(escape(column.title) for column in part.columns) + r" \\"
    if not any(column.group for column in part.columns):
        return [titles, "\\midrule"]
    cells, rules, at = [], [], 1
    for group, columns in itertools.groupby(part.columns, lambda column: column.group):
        width = len(list(columns))
        if group:
            cells.append(f"\\multicolumn{{{width}}}{{c}}{{{_stacked(group)}}}")
            rules.append(f"\\cmidrule(lr){{{at}-{at + width - 1}}}")
        else:
            cells += [""] * width
        at += width
    return [" & ".join(cells) + r" \\", "".join(rules), titles, "\\midrule"]


def _stacked(heading: str) -> str:
    """Break a heading shared by several columns at its plus sign, lest it stretch the last one."""
    lines = r" +\\".join(escape(line) for line in heading.split(" + "))
    return f"\\shortstack{{{lines}}}" if " + " in heading else lines


def _body(part: _Part) -> list[str]:
    lines = []
    for i, block in enumerate(part.blocks):
        lines += ["\\midrule"] if i else []
        if block.title and len(part.table.blocks) > 1:
            title = f"\\textit{{{escape(block.title)}}}"
            lines.append(f"\\multicolumn{{{len(part.places)}}}{{@{{}}l}}{{{title}}} \\\\")
        lines += [_row(part, row) + _gap(row, after) for row, after in _with_next(block.rows)]
    return lines


def _with_next(rows: Sequence[Row]) -> Iterator[tuple[Row, Row | None]]:
    return zip(rows, (*rows[1:], None), strict=True)


def _gap(row: Row, after: Row | None) -> str:
    """Move a row that follows another up to it, and the next one away from both."""
    if after is None or row.follows == after.follows:
        return ""
    return "[-2pt]" if after.follows else "[2pt]"


def _row(part: _Part, row: Row) -> str:
    if not row.spans:
        values = [_value(part, row.values[i]) for i in part.places]
        if row.follows:
            values = [f"{{\\scriptsize {value}}}" for value in values]
        return " & ".join(values) + r" \\"
    label, value = (_value(part, value) for value in row.values)
    width = len(part.places) - 1
    return (
        f"{label} & \\multicolumn{{{width}}}{{l}}{{{value}}} \\\\"
        if width
        else f"{label} {value} \\\\"
    )


def _value(part: _Part, value: Value) -> str:
    text = "".join(
        f"\\textbf{{{escape(p.text)}}}" if p.bold else escape(p.text) for p in value.pieces
    )
    letters = ",".join(part.table.footnotes[note] for note in value.notes)
    return f"{text}\\rlap{{\\textsuperscript{{{letters}}}}}" if letters else text


def _footnotes(part: _Part) -> list[str]:
    used = {
        note
        for block in part.blocks
        for row in block.rows
        for i, value in enumerate(row.values)
        if row.spans or i in part.places
        for note in value.notes
    }
    notes = [
        f"\\textsuperscript{{{letter}}}~{escape(note)}"
        for note, letter in part.table.footnotes.items()
        if note in used
    ]
    if not notes:
        return []
    text = "\\quad ".join(notes)
    return [f"\\par\\smallskip\\parbox{{\\linewidth}}{{\\footnotesize\\raggedright {text}}}"]
