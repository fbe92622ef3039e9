import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from results import numbers
from results.assessment import assess
from results.breakdowns import classes
from results.cell_tables import cells
from results.grid import Block, Column, Piece, Row, Table, Value, shown
from results.latex import render, standalone
from results.latex_text import escape
from results.table_files import make_tables
from results.tables import quality

ANY_TEXT = st.text(st.characters(), max_size=30)  # lone surrogates and control characters too

PREAMBLE = r"""\documentclass{article}
\usepackage[ENCODING]{fontenc}
\usepackage{booktabs,graphicx}
\begin{document}
"""
END = "\n\\end{document}\n"

needs_pdflatex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed"
)


def compile_latex(folder: Path, body: str, *, encoding: str = "T1") -> str:
    """Compile a document and return what pdflatex said."""
    head = PREAMBLE.replace("ENCODING", encoding)
    (folder / "t.tex").write_text(head + body + END, encoding="ascii")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "t.tex"],
        cwd=folder, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-3000:]
    return log


def one_table(texts: list[str]) -> Table:
    rows = tuple(
        Row((shown(t), Value((Piece(t, bold=True),), notes=(t,)), shown(t))) for t in texts
    )
    columns = (Column(texts[0] or "x", number=False), Column("b", group=texts[-1]), Column("c"))
    return Table("odd", texts[0], columns, (Block("one", rows), Block(texts[-1], rows)), ("mark",))


@given(ANY_TEXT)
def test_escaped_text_is_ascii_on_one_line_with_balanced_braces(text: str) -> None:
    escaped = escape(text)
    assert escaped.isascii() and escaped.isprintable()
    bare = re.sub(r"\\[{}$&#%_^~`'\"=.]", "", escaped)
    assert bare.count("{") == bare.count("}")
    assert not set("$&#%^~_") & set(re.sub(r"\$(-|\\[a-z]+|\^\\circ)\$", "", bare))


@given(ANY_TEXT)
def test_only_commands_of_ours_remain(text: str) -> None:
    known = (
        "textbackslash|textasciicircum|textasciitilde|textless|textgreater|textbar|textasciigrave|"
        "texttt|textbullet|char|ldots|pm|times|le|ge|to|circ|mu|ss|ae|AE|oe|OE|o|O|l|L|i|"
        "u|r|H|v|c|d"
    )
    for command in re.findall(r"\\([A-Za-z]+)", escape(text)):
        assert re.fullmatch(known, command)


@needs_pdflatex
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(ANY_TEXT, min_size=20, max_size=60))
def test_any_text_compiles_in_captions_cells_headings_and_footnotes(
    texts: list[str], tmp_path_factory
) -> None:
    folder = tmp_path_factory.mktemp("latex")
    compile_latex(folder, render(one_table(texts), digest="0"))


@needs_pdflatex
@pytest.mark.parametrize("encoding", ["T1", "OT1"])
def test_every_character_with_a_form_of_its_own_compiles(tmp_path: Path, encoding: str) -> None:
    texts = [chr(i) for i in range(0x530)] + [chr(i) for i in range(0x1E00, 0x2300)]
    body = "\n\n".join(escape("".join(texts[i : i + 40])) for i in range(0, len(texts), 40))
    compile_latex(tmp_path, body, encoding=encoding)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L0_L1", r"L0\_L1"),
        ("50%", r"50\%"),
        ("A&B", r"A\&B"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("a--b", "a-{}-b"),
        ("[x]", "{}[x]"),
        ("*", "{}*"),
        ("\r[", "{} ["),
        ("Größe", r"Gr\"{o}{\ss}e"),
        ("Ž", r"\v {Z}"),
        ("Щука", "Shchuka"),
        ("Ψ", "Ps"),
        ("ﬁ²", r"fi2"),
        ("中", r"\texttt{U+4E2D}"),
        ("\ud800", r"\texttt{U+D800}"),
        ("a\n\n b", "a b"),
        ("", ""),
    ],
)
def test_escape(text: str, expected: str) -> None:
    got = escape(text)
    assert got == expected or got == expected.replace("fi2", r"\texttt{U+FB01}2")


@needs_pdflatex
def test_every_table_and_number_of_a_run_compiles_in_a_two_column_paper(
    run, judged, many_models, tmp_path: Path
) -> None:
    found = [(run, judged), (many_models, assess(many_models))]
    files = [make_tables(one, results).latex("d").values() for one, results in found]
    macros = [f"\\{name}" for name in numbers.macros(judged)]
    body = "\n".join(
        ["\\twocolumn", *(text for some in files for text in some), numbers.to_tex(judged), *macros]
    )
    log = compile_latex(tmp_path, body, encoding="OT1")
    assert not re.findall(r"Overfull \\hbox.*in alignment|Float too large", log)


@needs_pdflatex
def test_a_thousand_rows_compile_and_fit_their_pages(tmp_path: Path) -> None:
    log = compile_latex(tmp_path, render(noted(2600), digest="d"))
    assert "Float too large" not in log


def test_table_two_looks_like_the_papers(judged) -> None:
    text = render(quality(judged), digest="d1ge57")
    assert text.startswith("% table2: results d1ge57\n")
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:table2}"):
        assert part in text
    assert r"\caption{\textbf{Synthetic data.} Accuracy in percent (macro-F1)" in text
    assert r"\multicolumn{2}{c}{Random forest}" in text and r"\cmidrule(lr){2-3}" in text
    assert re.search(r"blocked\\rlap\{\\textsuperscript\{b\}\}", text)
    assert r"\textsuperscript{b}~blocked: adapt of minilm-adapted failed" in text
    adapted = next(line for line in text.splitlines() if line.startswith("minilm-adapted"))
    assert re.search(r"\\textbf\{\d\d\.\d\} \(\\textbf\{0\.\d{3}\}\)", adapted)


def test_the_user_cannot_reach_latex(judged) -> None:
    for table in (quality(judged), cells(judged), classes(judged)):
        assert r"\input{" not in render(table, digest="d")


def numbered(rows: int, columns: int) -> Table:
    titles = [Column(f"column number {i:02d}", group=f"g{i // 3}") for i in range(columns)]
    row = Row((shown("name"), *(shown("0.123") for _ in titles)))
    return Table("t", "c", (Column("Model"), *titles), (Block("b", (row,) * rows),))


def test_a_wide_table_is_continued_without_cutting_a_group() -> None:
    text = render(numbered(2, 21), digest="d")
    tabulars = re.findall(r"begin\{tabular\}\{@\{\}(r+)@\{\}\}", text)
    assert len(tabulars) > 1
    assert sum(len(one) - 1 for one in tabulars) == 21
    assert all((len(one) - 1) % 3 == 0 for one in tabulars)
    assert text.count(r"\label{tab:t}") == 1
    assert text.count("(continued)") == len(tabulars) - 1


def test_a_long_table_is_continued_and_loses_no_row() -> None:
    text = render(numbered(100, 2), digest="d")
    assert text.count("name & 0.123") == 100
    assert text.count(r"\begin{tabular}") == 3


def noted(rows: int) -> Table:
    """A table in which every row has a footnote of its own."""
    columns = (Column("Model"), *(Column(f"c{i}") for i in range(5)))
    made = tuple(
        Row((shown(f"m{i}", notes=[f"failed: {i} " + "x" * 60]), *[shown("0.123")] * 5))
        for i in range(rows)
    )
    return Table("t", "c", columns, (Block("b", made),))


def test_time_grows_as_the_rows_do() -> None:
    took = {}
    for rows in (200, 1600):
        tables = [noted(rows) for _ in range(3)]
        began = time.process_time()
        for table in tables:
            render(table, digest="d")
        took[rows] = time.process_time() - began
    assert took[1600] < 24 * took[200]  # 8 times the rows; squared it would be 64


def test_chunks_are_alike_in_size() -> None:
    text = render(numbered(50, 2), digest="d")
    parts = text.split("begin{tabular}")[1:]
    assert [part.count("name & 0.123") for part in parts] == [25, 25]


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_row_is_never_parted_from_what_follows_it(before: int) -> None:
    pair = (Row((shown("model"), shown("1"))), Row((shown("±"), shown("0.1")), follows=True))
    rows = (Row((shown("alone"), shown("1"))),) * before + pair * 60
    table = Table("t", "c", (Column("Model"), Column("x")), (Block("b", rows),))
    parts = render(table, digest="d").split("begin{tabular}")[1:]
    assert len(parts) > 1
    assert all(part.count("model & 1") == part.count(r"scriptsize 0.1") for part in parts)


def test_an_empty_table_is_only_a_comment() -> None:
    text = render(Table("t", "c", (Column("a"),), ()), digest="d")
    assert all(line.startswith("%") for line in text.splitlines())


def test_the_document_inputs_every_table_and_figure(judged) -> None:
    text = standalone("50% & more", ["synthetic data"], ["table2", "costs"], [])
    assert r"\input{table2.tex}" in text and r"\input{costs.tex}" in text
    assert r"\section*{50\% \& more}" in text
    assert r"\textbf{Synthetic data.}" in text
