"""Which files a report's tables go to, and that every CSV comes back as it went."""

import csv
import io

import pandas as pd
import pytest

from results.assessment import assess
from results.table_files import make_tables


@pytest.fixture(scope="module")
def tables(many_models):
    return make_tables(many_models, assess(many_models))


ALWAYS = {"table1", "table2", "quality", "classes", "studies", "costs"}


def test_what_every_run_has_is_always_written(invent, sketch) -> None:
    run = invent((sketch("matrix", "m", "xgboost", reason="no memory"),))
    made = make_tables(run, assess(run))
    assert {one.name for one in made.printed} == ALWAYS
    assert set(made.latex("d")) == {f"{name}.tex" for name in ALWAYS}
    assert all(text.startswith("% ") for text in made.latex("d").values())


def test_what_some_runs_have_is_written_where_it_is(tables) -> None:
    some = {"table2-published", "significance", "factors", "agreement"}
    assert {one.name for one in tables.printed} == ALWAYS | some
    assert {f"{name}.csv" for name in some} <= set(tables.csv())


def test_every_table_is_shown_once_by_name(tables, compressed) -> None:
    for made in (tables, make_tables(compressed, assess(compressed))):
        names = [table.name for table in made.shown]
        assert len(set(names)) == len(names)


def test_every_row_has_what_its_columns_promise(tables, judged, run) -> None:
    for made in (tables, make_tables(run, judged)):
        for one in made.printed:
            for table in (one.rows,) if one.rows else ():
                widths = [len(column.fields) for column in table.columns]
                assert all([len(v.raw) for v in row.values] == widths for row in table.rows)


def test_every_csv_comes_back_through_pandas(tables, judged, run) -> None:
    for made in (tables, make_tables(run, judged)):
        rows = {one.name: one.rows for one in made.printed if one.rows}
        for name, text in made.csv().items():
            frame = pd.read_csv(io.StringIO(text), keep_default_na=False, dtype=str)
            assert len(frame) == len(rows[name.removesuffix(".csv")].rows)
            assert list(frame.columns) == next(csv.reader(io.StringIO(text)))
            assert frame.columns.is_unique
            assert not frame.isin(["nan", "inf", "None"]).any(axis=None)


def test_markdown_parts_what_tells_times(tables) -> None:
    quality, costs = (tables.markdown("# t", times=one) for one in (False, True))
    assert "against each other, document by document" in quality and "cost, from" not in quality
    assert "cost, from text to score" in costs
