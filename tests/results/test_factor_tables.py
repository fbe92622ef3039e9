import csv
import io

import pytest

from results.assessment import assess
from results.factor_tables import table
from results.plain import to_csv

MODELS = [
    {"name": "plain", "adapter": "x", "context": 512, "text": "masked"},
    {"name": "adapted", "adapter": "x", "context": 512, "text": "masked", "adapt": {"epochs": 1}},
    {"name": "wide", "adapter": "x", "context": 1024, "text": "masked"},
]


@pytest.fixture(scope="module")
def results(invent, sketch):
    cells = [(m["name"], name) for m in MODELS for name in ("xgboost", "random_forest-tuned")]
    run = invent(
        tuple(sketch("matrix", *cell, 0.6 + i / 20) for i, cell in enumerate(cells)), seeds=(1, 2)
    )
    run.meta["resolved"] = {"models": MODELS}
    return assess(run)


def test_each_factor_is_a_block_of_pairs(results) -> None:
    made = table(results)
    titles = [block.title for block in made.blocks]
    assert [title.partition(":")[0] for title in titles] == ["Adapted", "Window"]
    assert titles[1] == "Window: 512 tokens → 1024 tokens"
    assert [[v.text for v in row.values[1:4]] for row in made.blocks[0].rows] == [
        ["adapted", "plain", "XGBoost"], ["adapted", "plain", "Random forest, tuned"],
    ]  # fmt: skip


def test_gains_have_intervals_and_p_after_holm(results) -> None:
    delta = results.factors()[0]
    rows = list(csv.DictReader(io.StringIO(to_csv(table(results)), newline="")))
    row = next(r for r in rows if (r["model"], r["classifier"]) == ("adapted", "xgboost"))
    assert float(row["gain_high"]) == pytest.approx(delta.comparison.gain_interval.high, abs=1e-6)
    assert float(row["p_holm"]) == pytest.approx(delta.p_holm, abs=1e-6)
    assert (row["factor"], row["seeds"]) == ("adapted", "2")


def test_without_pairs_there_is_no_table(judged) -> None:
    assert table(judged).rows == []
