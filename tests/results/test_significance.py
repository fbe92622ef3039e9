import csv
import io

import pytest

from results.assessment import assess
from results.plain import to_csv
from results.scores import p_text, without_zero
from results.significance import matrix, pairs


@pytest.fixture(scope="module")
def results(invent, sketch):
    skills = {"good": 0.95, "near": 0.94, "poor": 0.3}
    sketches = tuple(sketch("matrix", name, "xgboost", skill) for name, skill in skills.items())
    return assess(invent(sketches, seeds=(1,), classes=["a", "b", "c"]))


def test_gains_stand_above_the_diagonal_and_p_below(results) -> None:
    found = results.significance()
    rows = [[value.text for value in row.values] for row in matrix(results).rows]
    assert [row[0] for row in rows] == [
        "1. good + XGBoost",
        "2. near + XGBoost",
        "3. poor + XGBoost",
    ]
    assert [rows[i][2 + i] for i in range(3)] == ["", "", ""]
    gain = 100 * found.comparisons[0, 2].accuracy_gain
    assert rows[0][4] == f"+{gain:.1f}*†"
    assert rows[2][2] == "<.001*"
    assert rows[1][2] == f"{found.p_holm[0, 1]:.3f}".removeprefix("0")


def test_p_is_adjusted_for_all_pairs(invent, sketch) -> None:
    skills = {"a": 0.90, "b": 0.86, "c": 0.82, "d": 0.78}
    sketches = tuple(sketch("matrix", name, "xgboost", skill) for name, skill in skills.items())
    results = assess(invent(sketches, seeds=(1,), classes=["x", "y"]))
    found, rows = results.significance(), matrix(results).rows
    printed = {place: rows[place[1]].values[2 + place[0]].text for place in found.comparisons}
    expected = {place: without_zero(p_text(p)) for place, p in found.p_holm.items()}
    raw = {place: without_zero(p_text(one.p)) for place, one in found.comparisons.items()}
    assert {place: text.removesuffix("*") for place, text in printed.items()} == expected != raw


def test_what_is_significant_is_marked_in_black_and_white(results) -> None:
    rows = matrix(results).rows
    assert [piece.bold for piece in (*rows[0].values[4].pieces, *rows[2].values[2].pieces)] == [
        True, True,
    ]  # fmt: skip
    assert not any(piece.bold for piece in rows[0].values[3].pieces)
    assert "Bold with *: p < 0.05" in matrix(results).caption


def test_the_csv_has_every_pair_with_intervals(results) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(pairs(results)), newline="")))
    assert [(row["first_model"], row["second_model"]) for row in rows] == [
        ("good", "near"), ("good", "poor"), ("near", "poor"),
    ]  # fmt: skip
    one = results.significance().comparisons[0, 1]
    assert float(rows[0]["gain_low"]) == pytest.approx(one.gain_interval.low, abs=1e-6)
    assert rows[0]["test"] == "exact McNemar"


def test_more_than_twenty_models_are_cut_and_the_caption_says_so(invent, sketch) -> None:
    many = tuple(sketch("matrix", f"m{i}", "xgboost", 0.7) for i in range(23))
    table = matrix(assess(invent(many, seeds=(1,), classes=["a", "b"])))
    assert len(table.rows) == 20 and len(table.columns) == 22
    assert "3 more models are left out" in table.caption


def test_one_model_alone_has_no_matrix(invent, sketch) -> None:
    results = assess(invent((sketch("matrix", "m", "xgboost", 0.8),)))
    assert matrix(results).rows == [] and pairs(results).rows == []


def test_a_model_tested_on_other_documents_is_not_compared(invent, sketch) -> None:
    run = invent(tuple(sketch("matrix", name, "xgboost", 0.7) for name in "abc"), seeds=(1,))
    other = run.records[2].provenance.model_copy(update={"split_hash": "b2" * 32})
    run.records[2] = run.records[2].model_copy(update={"provenance": other})
    last = matrix(assess(run)).rows[2].values
    assert last[0].notes == ("not compared: other split than a/xgboost/1",)
    assert [value.text for value in last[2:]] == ["–", "–", ""]
