from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from results.anomalies import detection, study_detection
from results.anomaly_figures import detectors
from results.assessment import assess
from results.detection import measured
from results.grid import Row, Table
from results.plain import to_csv, to_markdown

CLASSES = ["anomaly", "normal"]
Make = Callable[..., Any]


@pytest.fixture
def make(invent: Make, sketch: Make) -> Make:
    """Invent a run with two detectors, a classifier of the same classes, and one without scores."""

    def build(*more: Any, seeds: tuple[int, ...] = (1,), **kwargs: Any) -> Any:
        rows = (
            sketch("trivial", "majority", "majority", 0.0),
            sketch("matrix", "minilm", "xgboost-tuned", 0.9),
            sketch("anomaly", "minilm", "top_k", 0.8, marks=("synthetic data", "few")),
            sketch("anomaly", "text", "line_count", 0.2),
        )
        run = invent((*rows, *more), seeds=seeds, classes=CLASSES, **kwargs)
        for i, record in enumerate(run.records):
            if record.cell is not None:
                run.records[i] = _chosen(record, {"k": 9, "threshold": 0.91 + record.seed / 100})
            if record.cell is not None and record.model != "majority":
                frame = run.frames[record.name]
                noise = np.random.default_rng(i).random(len(frame))
                run.frames[record.name] = frame.assign(
                    **{"score:anomaly": (frame["predicted"] == "anomaly") + noise}
                )
        return run

    return build


def _chosen(record: Any, params: dict[str, Any]) -> Any:
    cell = record.cell.model_copy(update={"best_params": params})
    return record.model_copy(update={"cell": cell})


def texts(row: Row) -> list[str]:
    return [value.text for value in row.values]


def test_detectors_stand_first_and_every_other_row_that_knows_the_classes_below(make: Make) -> None:
    run = make()
    table = detection(run, assess(run))
    assert {block.title: [texts(row)[:4] for row in block.rows] for block in table.blocks} == {
        "Anomaly detectors": [
            ["minilm", "top k", "9", "0.92"],
            ["text", "line count", "9", "0.92"],
        ],
        "Models and classifiers": [["minilm", "XGBoost, tuned", "–", "–"]],
        "Trivial rows": [["majority", "majority", "–", "–"]],
    }
    assert table.blocks[0].title == "Anomaly detectors"
    assert "95 % bootstrap intervals over documents within each class" in table.caption
    assert table.rows[0].values[0].notes == ("few",)


def test_one_seed_shows_intervals_and_the_csv_holds_their_ends(make: Make) -> None:
    run = make()
    row = detection(run, assess(run)).rows[0]
    found = measured(run, run.records[2])
    for value, one in zip(row.values[4:], found.values(), strict=True):
        assert value.text == f"{one.value:.3f} [{one.interval.low:.3f}, {one.interval.high:.3f}]"
        assert value.raw == (
            *(round(x, 6) for x in (one.value, *vars(one.interval).values())),
            None,
        )


def test_several_seeds_show_mean_and_deviation_and_each_chosen_value_once(make: Make) -> None:
    run = make(seeds=(1, 2, 3))
    table = detection(run, assess(run))
    values = [measured(run, record)["f1"].value for record in run.records[6:9]]
    assert texts(table.rows[0])[2:4] == ["9", "0.92, 0.93, 0.94"]
    assert table.rows[0].values[4].text == f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
    assert "mean and standard deviation over seeds" in table.caption


def test_what_is_undefined_has_a_dash_and_its_reason(make: Make) -> None:
    run = make()
    table = detection(run, assess(run))
    values = table.blocks[-1].rows[0].values
    assert values[-1].text == "–" and values[-1].notes == ("predictions without scores",)
    assert "predictions without scores" in table.footnotes
    run.frames["text/line_count/1"]["predicted"] = "normal"
    silent = detection(run, assess(run)).rows[1].values
    assert silent[4].text == "0.000 [0.000, 0.000]"
    assert silent[5].text == "–"
    assert silent[5].notes == ("no test document was called an anomaly",)


def test_a_seed_without_a_value_is_left_out_and_that_is_said(make: Make) -> None:
    run = make(seeds=(1, 2, 3))
    run.frames["text/line_count/2"]["predicted"] = "normal"
    precision = detection(run, assess(run)).rows[1].values[5]
    assert precision.notes == (
        "mean over 2 of 3 seeds; no test document was called an anomaly",
    )  # fmt: skip


def test_a_failed_detector_says_so(make: Make, sketch: Make) -> None:
    run = make(
        sketch("anomaly", "bert", "top_k", reason="no head"),
        sketch("matrix", "bert", "finetuned", reason="loss is NaN"),
        seeds=(1, 2),
    )
    table = detection(run, assess(run))
    failed = {texts(row)[0]: row for row in table.rows if "failed" in texts(row)}
    assert failed["bert"].values[4].notes == ("failed: loss is NaN",)
    assert texts(table.blocks[0].rows[2])[4:] == ["failed", *"––––"]


def test_a_run_without_the_two_classes_has_an_empty_table(judged: Any, run: Any) -> None:
    assert detection(run, judged).rows == [] and study_detection(run, judged) == []
    assert detectors(run, judged) == []


def test_rows_of_other_classes_are_not_compared(make: Make, sketch: Make, invent: Make) -> None:
    run, other = make(), invent((sketch("matrix", "bert", "xgboost", 0.5),), seeds=(1,))
    run.records += other.records
    run.frames |= other.frames
    table = detection(run, assess(run))
    assert "bert" not in {texts(row)[0] for row in table.rows} and len(table.rows) == 4


def test_the_share_of_anomalies_stands_beside_pr_auc(make: Make) -> None:
    run = make()
    share = (run.frames["text/line_count/1"]["label"] == "anomaly").mean()
    assert f"a PR-AUC of {share:.3f}, the share" in detection(run, assess(run)).caption


def test_groups_are_drawn_whole_where_the_split_is_grouped(make: Make) -> None:
    plain, grouped = make(), make(grouped=True)
    tables: list[Table] = [detection(run, assess(run)) for run in (plain, grouped)]
    assert "over groups of documents" in tables[1].caption
    one, other = (table.rows[0].values[4].raw for table in tables)
    assert one[0] == other[0] and one[1:3] != other[1:3]


def test_every_renderer_takes_the_table(make: Make) -> None:
    run = make(seeds=(1, 2))
    table = detection(run, assess(run))
    header, *lines = to_csv(table).splitlines()
    fields = header.split(",")
    assert len(lines) == 4 and len(fields) == 5 + 4 * 5 and len(set(fields)) == len(fields)
    assert "Anomaly detectors" in to_markdown(table)


def test_a_study_shows_how_detection_holds_out(make: Make, point: Make) -> None:
    points = [point("unstable", "text/line_count", 0.8 - x, altered_lines=x) for x in (0.0, 0.2)]
    run = make(*points)
    (table,) = study_detection(run, assess(run))
    assert [texts(row)[0] for row in table.rows] == ["0.0", "0.2"]
    assert table.name == "detection-study-unstable" and table.columns[0].title == "altered_lines"
    assert table.rows[1].values[1].raw[0] == pytest.approx(
        measured(run, run.records[-1])["f1"].value, abs=1e-6
    )


def test_the_figure_has_a_line_for_each_detector_and_seed(make: Make) -> None:
    run = make(seeds=(1, 2))
    (drawn,) = detectors(run, assess(run))
    (axes,) = drawn.figure.axes
    steps = [line for line in axes.lines if line.get_drawstyle() == "steps-pre"]
    assert [line.get_label() for line in steps[::2]] == ["minilm + top k", "text + line count"]
    assert len(steps) == 4 and "one line for each of 2 seeds" in drawn.caption
    area = float(np.sum(np.diff(steps[0].get_xdata()) * np.array(steps[0].get_ydata())[1:]))
    assert area == pytest.approx(measured(run, run.records[4])["pr_auc"].value)
    points = [line for line in axes.lines if line.get_linestyle() == "None"]
    found = measured(run, run.records[4])
    assert points[0].get_xdata() == [found["recall"].value]
    assert points[0].get_ydata() == [found["precision"].value]


def test_detectors_without_scores_have_no_curve(make: Make) -> None:
    run = make()
    bare = {name: frame[["id", "label", "predicted"]] for name, frame in run.frames.items()}
    assert detectors(replace(run, frames=bare), assess(run)) == []
