import pytest

from results.assessment import assess
from results.costs import costs, total_s


def rows_of(table) -> dict[tuple[str, str], list[str]]:
    return {
        (row.values[0].text, row.values[1].text): [v.text for v in row.values[2:]]
        for row in table.rows
    }


def test_total_counts_upstream_work_but_not_what_all_cells_share(judged) -> None:
    entry = next(e for e in judged.entries if e.model == "minilm-adapted")
    assert total_s(entry) == pytest.approx(3.1 + 24.0 + 180.0)


def test_every_entry_has_its_costs(judged) -> None:
    rows = rows_of(costs(judged))
    assert rows["minilm-adapted", "xgboost"] == [
        "3", "180.0", "–", "24.0", "–", "14.0", "218.0", "6,800", "2,000", "–", "22,713,216", "–",
        "16.02", "sdpa", *["–"] * 5,
    ]  # fmt: skip
    assert rows["residual_cnn", "residual_cnn"][-8] == "790,000"


def test_an_entry_that_failed_has_dashes(judged) -> None:
    rows = rows_of(costs(judged))
    assert rows["minilm-adapted", "random_forest-tuned"] == ["0", *["–"] * 18]


def test_a_column_in_which_nothing_is_known_is_left_to_the_csv(judged) -> None:
    hidden = [column.fields[0] for column in costs(judged).columns if not column.title]
    assert hidden == [
        "steps_s", "peak_device_mb", "train_s", "epochs", "model_mb", "latency_1_ms",
        "latency_8_ms",
    ]  # fmt: skip


def test_a_character_model_counts_to_its_reference(judged, small) -> None:
    entry = next(e for e in judged.entries if e.section == "reference")
    assert total_s(entry) == pytest.approx(320.0 + 60.0)
    assert rows_of(costs(judged))["residual_cnn", "residual_cnn"][2] == "60.0"
    hidden = {c.fields[0] for c in costs(assess(small)).columns if not c.title}
    assert {"char_lm_s", "adapt_s"} <= hidden


def test_a_sample_takes_its_embedding_and_its_classification(invent, sketch) -> None:
    run = invent((sketch("matrix", "m", "xgboost", 0.7),), seeds=(1,))
    (record,) = run.records
    extra = {"train_s": 3.0, "model_bytes": 5e6, "latency_1_s": 0.002, "latency_8_s": 0.001}
    vectors = {"model_bytes": 9e7, "latency_1_s": 0.03, "latency_8_s_missing": "too slow"}
    vectors |= {"shards_rss_bytes": 5_000_000_000, "shards_device_bytes": 7_000_000_000}
    made = {
        role: record.costs[role].model_copy(update={"extra": some})
        for role, some in (("cell", extra), ("vectors", vectors))
    }
    run.records[0] = record.model_copy(update={"costs": made})
    table = costs(assess(run))
    assert [v.text for v in table.rows[0].values[-5:]] == ["3.00", "–", "95", "32", "–"]
    assert [v.text for v in table.rows[0].values[10:12]] == ["5,000", "7,000"]
    fields = [column.fields[0] for column in table.columns[-5:]]
    assert fields == ["train_s", "epochs", "model_mb", "latency_1_ms", "latency_8_ms"]
    assert [bool(column.title) for column in table.columns[-5:]] == [True, False, True, True, False]


def test_a_pruned_model_costs_all_that_led_to_it(compressed) -> None:
    entries = {entry.classifier: entry for entry in assess(compressed).entries}
    assert total_s(entries["pruned-50"]) == pytest.approx(100 + 5 * 50 + 100)
    assert rows_of(costs(assess(compressed)))["bert-qlora", "pruned-50"][4] == "350.0"


def test_points_of_studies_have_rows_only_where_asked(judged) -> None:
    points = [point for study in judged.studies for point in study.points]
    assert len(costs(judged, studies=True).rows) == len(costs(judged).rows) + len(points)
