import csv
import io
import json

import pytest

from results.assessment import assess
from results.plain import to_csv
from results.studies import long_form, setting, table


def rows_of(judged, name: str) -> list[list[str]]:
    study = next(study for study in judged.studies if study.name == name)
    return [[value.text for value in row.values] for row in table(judged, study).rows]


def test_every_point_has_its_settings_documents_and_scores(judged, run) -> None:
    rows = rows_of(judged, "train-size")
    assert [row[:2] for row in rows[:3]] == [["0.1", "47"], ["0.3", "140"], ["1.0", "467"]]
    name = "minilm/train-size:xgboost@train_share=1.0/"
    scores = [r.cell.scores.accuracy for r in run.records if r.name.startswith(name)]
    assert len(scores) == 3
    assert rows[5][2].startswith(f"{100 * sum(scores) / 3:.1f} ± ")


def test_rows_stand_under_their_names(judged) -> None:
    study = next(study for study in judged.studies if study.name == "train-size")
    assert [block.title for block in table(judged, study).blocks] == [
        "residual_cnn", "minilm/xgboost",
    ]  # fmt: skip


def test_a_failed_point_is_shown_as_failed_with_its_reason(judged) -> None:
    study = judged.studies[0]
    last = table(judged, study).rows[-1].values
    assert [value.text for value in last] == ["50,000", "masked", "–", "failed", "failed"]
    assert last[3].notes == ("failed: no memory for context 50,000",)


def test_a_study_of_one_seed_shows_intervals_and_says_so(invent, point) -> None:
    results = assess(invent((point("s", "cnn", 0.7, x=1),), seeds=(7,)))
    made = table(results, results.studies[0])
    assert "95 % bootstrap intervals over documents within each class" in made.caption
    assert "[" in made.rows[0].values[2].text


def test_some_seeds_failing_is_told(invent, point) -> None:
    run = invent((point("s", "cnn", 0.7, x=1),))
    run.records[1] = run.records[1].model_copy(
        update={"cell": None, "status": "failed", "reason": "no memory"}
    )
    results = assess(run)
    value = table(results, results.studies[0]).rows[0].values[2]
    assert value.notes == ("mean over 2 of 3 seeds; failed: no memory",)


def test_odd_names_are_data(judged) -> None:
    study = next(study for study in judged.studies if study.name == "L0_L1 50% é")
    made = table(judged, study)
    assert "Study L0_L1 50% é of made-up & odd" in made.caption
    assert made.name.isascii() and made.name.startswith("study-L0_L1-50-")
    assert [block.title for block in made.blocks] == [
        "residual_cnn", r"odd_$name^{\x}/decision_tree",
    ]  # fmt: skip


def test_long_form_holds_every_point_with_its_settings_as_json(judged) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(long_form(judged)), newline="")))
    assert len(rows) == sum(len(study.points) for study in judged.studies)
    assert json.loads(rows[0]["vary"]) == {"context": 1000, "padding": "paper"}
    assert list(json.loads(rows[0]["vary"])) == ["context", "padding"]
    assert rows[5]["accuracy"] == "" and rows[5]["reason"].startswith("failed: ")
    assert (rows[5]["seeds"], rows[5]["seeds_ok"]) == ("3", "0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (None, "none"),
        (200_000, "200,000"),
        (0.3, "0.3"),
        (1e-4, "0.0001"),
        ("L0_L1", "L0_L1"),
        ({"epochs": 2, "x": True}, "epochs=2, x=yes"),
        ([1, 2], "[1,2]"),
    ],
)
def test_a_setting_reads_as_in_the_suite_file(value, text: str) -> None:
    assert setting(value) == text
