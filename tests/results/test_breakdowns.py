import pytest

from results.assessment import assess
from results.breakdowns import class_rows, classes, duplicates


def test_long_form_has_every_class_of_every_ok_cell(judged, run) -> None:
    rows = class_rows(judged).rows
    ok = [r for r in run.records if r.cell and not r.study]
    assert len(rows) == sum(len(r.cell.classes) for r in ok)
    first = ok[0].cell.scores.per_class["L0_L1"]
    row = next(r for r in rows if r.values[3].text == "L0_L1")
    raw = [value.raw[0] for value in row.values[4:8]]
    assert raw == pytest.approx([first.precision, first.recall, first.f1, first.support], abs=1e-6)


def test_side_by_side_shows_one_entry_per_model_and_every_class(judged) -> None:
    results = judged
    table = classes(results)
    groups = list(dict.fromkeys(c.group for c in table.columns if c.group))
    assert len(groups) == len(results.chosen)
    assert "minilm + XGBoost" in groups
    assert [row.values[0].text for row in table.rows] == list(results.classes)


def test_caveats_of_a_shown_entry_are_in_the_caption(judged) -> None:
    assert "minilm-adapted + XGBoost: transductive adaptation." in classes(judged).caption


def test_nothing_succeeded_means_no_rows(invent, sketch) -> None:
    results = assess(invent((sketch("matrix", "m", "xgboost", reason="no memory"),)))
    assert classes(results).rows == [] and class_rows(results).rows == []


def test_duplicates_are_listed_per_seed_and_kind(run) -> None:
    table = duplicates({7: run.cards["split"]})
    assert [[v.text for v in row.values] for row in table.rows] == [
        ["7", "same text", "4", "2.0%", "1", "7", "1"],
        ["7", "same once masked", "31", "15.5%", "1", "7", "1"],
    ]


def test_a_card_without_a_report_has_no_duplicates_table() -> None:
    assert duplicates({1: {"by": "random"}}).rows == []
