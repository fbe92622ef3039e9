from dataclasses import replace

import pytest

from results.assessment import assess
from results.networks import coverage, table_one


def test_table_one_has_size_scores_and_classes_of_every_network(invent, sketch) -> None:
    pair = tuple(sketch("reference", "reference", name, 0.8) for name in ("cnn", "bilstm"))
    run = invent((*pair, sketch("matrix", "bert", "finetuned", 0.7),
                  sketch("matrix", "bert", "xgboost", 0.9)),
                 classes=["Pass", "L0_L1", "L2", "L3"])  # fmt: skip
    (table,) = table_one(assess(run))
    assert [[v.text for v in row.values[:3]] for row in table.rows] == [
        ["cnn", "790,000", "3.16"], ["bilstm", "790,000", "3.16"], ["bert", "22,713,216", "91"],
    ]  # fmt: skip
    assert [block.title for block in table.blocks] == ["Reference networks", "Fine-tuned models"]
    assert [c.title for c in table.columns[5:8]] == ["F1", "P", "R"]
    assert [c.group for c in table.columns[5:-1:3]] == ["Pass", "L0_L1", "L2", "L3"]
    expected = sum(c.scores.per_class["L2"].f1 for c in assess(run).entries[0].cells) / 3
    value = table.rows[0].values[11]
    assert value.raw[0] == pytest.approx(expected, abs=1e-6)
    assert value.text == f"{expected:.3f}".removeprefix("0")


def test_many_classes_stand_as_rows_and_stay_in_the_csv(judged) -> None:
    main, classes = table_one(judged)
    assert [column.title for column in main.columns if column.title] == [
        "Network", "Weights", "MB", "Accuracy, %", "Macro-F1",
    ]  # fmt: skip
    assert len(main.columns) == 5 + 3 * len(judged.classes) + 1  # which source
    assert [row.values[0].text for row in classes.rows] == list(judged.classes)
    assert {column.group for column in classes.columns[1:]} == {"residual_cnn"}


def test_a_network_that_failed_says_so(invent, sketch) -> None:
    run = invent((sketch("reference", "reference", "cnn", reason="loss is NaN"),))
    (table,) = table_one(assess(run))
    values = table.rows[0].values
    assert [v.text for v in values[:4]] == ["cnn", "–", "–", "failed"]
    assert values[3].notes == ("failed: loss is NaN",)


def test_without_networks_table_one_is_empty(small) -> None:
    assert all(not table.rows for table in table_one(assess(small)))


def test_coverage_tells_what_was_cut_and_unknown(run, judged) -> None:
    (row,) = coverage(run, judged).rows
    assert [v.text for v in row.values] == [
        "residual_cnn", "characters", "467", "12", "90.0%", "0", "200", "3", "95.5%", "17",
    ]  # fmt: skip


def test_tokens_have_no_unknown_and_cards_without_coverage_no_row(run, judged) -> None:
    card = {"coverage": {"test": {"documents": 9, "cut": 1, "tokens": 50, "share": 0.5}}}
    (row,) = coverage(replace(run, cards={"cell": card}), judged).rows
    assert [v.text for v in row.values] == [
        "residual_cnn", "tokens", "–", "–", "–", "–", "9", "1", "50.0%", "–",
    ]  # fmt: skip
    assert coverage(replace(run, cards={"cell": {}}), judged).rows == []
