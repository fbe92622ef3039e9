import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from results.breakdowns import class_rows
from results.cell_tables import cells
from results.costs import costs
from results.grid import Block, Column, Row, Table, shown
from results.plain import escape, to_csv, to_markdown
from results.tables import quality


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def expected(table: Table) -> list[dict[str, str]]:
    fields = [field for column in table.columns for field in column.fields]
    return [
        dict(zip(fields, ["" if raw is None else str(raw) for v in row.values for raw in v.raw],
                 strict=True))
        for row in table.rows
    ]  # fmt: skip


def test_csv_comes_back_as_it_went(judged) -> None:
    results = judged
    for table in (cells(results), class_rows(results), costs(results)):
        assert read(to_csv(table)) == expected(table)


def test_csv_numbers_are_the_recorded_ones(judged, run) -> None:
    rows = read(to_csv(cells(judged)))
    by_name = {f"{r['model']}/{r['classifier']}/{r['seed']}": r for r in rows}
    for record in (record for record in run.records if not record.study):
        row = by_name[record.name]
        assert row["status"] == record.status
        if record.cell:
            assert abs(float(row["accuracy"]) - record.cell.scores.accuracy) < 1e-6
            assert abs(float(row["macro_f1"]) - record.cell.scores.macro_f1) < 1e-6
            assert float(row["accuracy_low"]) <= float(row["accuracy"])
        else:
            assert row["accuracy"] == "" and row["reason"]


@given(st.text())
def test_any_text_survives_a_csv(text: str) -> None:
    text = text.replace("\0", "")
    rows = (Row((shown(text, text),)),)
    table = Table("t", "", (Column("a", ("a",)),), (Block("", rows),))
    back = read(to_csv(table))
    assert back == [{"a": text}]


@given(st.text())
def test_any_text_stays_in_its_markdown_cell(text: str) -> None:
    escaped = escape(text)
    assert "\n" not in escaped and "\r" not in escaped
    bare = escaped.replace("\\\\", "").replace("\\|", "").replace("\\<", "").replace("\\`", "")
    assert not set("|<`") & set(bare)


def test_markdown_tables_are_rectangular_and_complete(judged) -> None:
    text = to_markdown(quality(judged))
    grid = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in grid[:5]}) == 1
    for name in (
        "minilm-adapted",
        "tfidf-word + Linear SVC",
        "residual\\_cnn",
        "blocked",
        "failed",
    ):
        assert name in text
    assert "**SYNTHETIC DATA**" in text
    assert "- [b] blocked: adapt of minilm-adapted failed" in text
