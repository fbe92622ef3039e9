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
        "3", "180.0", "–", "24.0", "14.0", "218.0", "6,800", "2,000", "–", "22,713,216", "–",
        "16.02", "sdpa",
    ]  # fmt: skip
    assert rows["residual_cnn", "residual_cnn"][-3] == "790,000"


def test_an_entry_that_failed_has_dashes(judged) -> None:
    rows = rows_of(costs(judged))
    assert rows["minilm-adapted", "random_forest-tuned"] == ["0", *["–"] * 12]


def test_a_column_in_which_nothing_is_known_is_left_to_the_csv(judged) -> None:
    hidden = [column.fields[0] for column in costs(judged).columns if not column.title]
    assert hidden == ["peak_device_mb"]


def test_a_character_model_counts_to_its_reference(judged, small) -> None:
    entry = next(e for e in judged.entries if e.section == "reference")
    assert total_s(entry) == pytest.approx(320.0 + 60.0)
    assert rows_of(costs(judged))["residual_cnn", "residual_cnn"][2] == "60.0"
    hidden = {c.fields[0] for c in costs(assess(small)).columns if not c.title}
    assert {"char_lm_s", "adapt_s"} <= hidden


def test_points_of_studies_have_rows_only_where_asked(judged) -> None:
    points = [point for study in judged.studies for point in study.points]
    assert len(costs(judged, studies=True).rows) == len(costs(judged).rows) + len(points)
