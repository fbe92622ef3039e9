r"""Tables as LaTeX (booktabs), ready to be `\input` into a paper that pdflatex compiles.

The output is pure ASCII whatever the names are (`results.latex_text`). A table too wide or too long
for a page is continued in further floats (`results.latex_parts`). Needs the packages booktabs and
graphicx.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from results.grid import Column, Row, Table, Value
from results.latex_parts import Part, parts
from results.latex_text import escape

if TYPE_CHECKING:
    from results.drawing import Drawn

_FLOAT = "table"
_FIGURE = "figure"
_WAITING = 16  # floats; LaTeX gives up on more than 52 that wait for their page


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
    floats = [_float(part, first=i == 0) for i, part in enumerate(parts(table))]
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


def _float(part: Part, *, first: bool) -> str:
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


def _header(part: Part) -> list[str]:
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


def _body(part: Part) -> list[str]:
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


def _row(part: Part, row: Row) -> str:
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


def _value(part: Part, value: Value) -> str:
    text = "".join(
        f"\\textbf{{{escape(p.text)}}}" if p.bold else escape(p.text) for p in value.pieces
    )
    letters = ",".join(part.table.footnotes[note] for note in value.notes)
    return f"{text}\\rlap{{\\textsuperscript{{{letters}}}}}" if letters else text


def _footnotes(part: Part) -> list[str]:
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
