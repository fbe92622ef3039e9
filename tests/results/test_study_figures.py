import numpy as np
import pytest

from results.assessment import assess
from results.drawing import save, svg
from results.study_figures import draw


def study_of(results, name: str):
    return next(study for study in results.studies if study.name == name)


def panels(drawn) -> list:
    return drawn.figure.axes


def words(drawn) -> list[str]:
    return [text.get_text() for text in drawn.figure.findobj(lambda a: hasattr(a, "get_text"))]


def joined(axes) -> list:
    return [line for line in axes.lines if len(line.get_xdata()) > 1]


def ticks(axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def test_numbers_over_more_than_a_decade_stand_on_a_logarithmic_axis(judged) -> None:
    drawn = draw(judged, study_of(judged, "context"))
    assert [axes.get_xscale() for axes in panels(drawn)] == ["log", "log"]
    assert ticks(panels(drawn)[0]) == ["1,000", "5,000", "50,000"]
    assert {"padding=paper", "padding=masked", "failed or blocked", "SYNTHETIC DATA"} <= set(
        words(drawn)
    )


def test_heights_are_the_means_and_bars_the_range_over_seeds(judged) -> None:
    drawn = draw(judged, study_of(judged, "context"))
    points = [p for p in study_of(judged, "context").points if p.vary["padding"] == "paper"]
    accuracy, macro_f1 = (joined(axes)[0].get_ydata() for axes in panels(drawn))
    assert accuracy == pytest.approx([100 * p.entry.accuracy.mean for p in points])
    assert macro_f1 == pytest.approx([p.entry.macro_f1.mean for p in points])
    bar = panels(drawn)[0].collections[0].get_segments()[0][:, 1]
    values = [100 * cell.scores.accuracy for cell in points[0].entry.cells]
    assert bar == pytest.approx([min(values), max(values)])


def test_a_failed_point_is_a_cross_and_breaks_its_line(judged) -> None:
    drawn = draw(judged, study_of(judged, "context"))
    masked = joined(panels(drawn)[0])[1].get_ydata()
    assert np.isnan(masked).tolist() == [False, False, True]
    crosses = [line for line in panels(drawn)[0].lines if line.get_marker() == "x"]
    assert len(crosses) == 1
    assert "Crosses: 1 of 6 points have no score." in drawn.caption


def test_a_training_size_is_drawn_by_documents(judged) -> None:
    drawn = draw(judged, study_of(judged, "train-size"))
    assert ticks(panels(drawn)[0]) == ["47", "140", "467"]
    assert panels(drawn)[0].get_xlabel() == "documents learnt from"


def test_shares_stay_shares_where_a_size_is_unknown(invent, point) -> None:
    points = (point("s", "cnn", 0.7, train_share=0.5), point("s", "cnn", None, train_share=1.0))
    results = assess(invent(points))
    assert panels(draw(results, results.studies[0]))[0].get_xlabel() == "train_share"


def test_yes_and_no_are_categories_without_a_line(judged) -> None:
    drawn = draw(judged, study_of(judged, "L0_L1 50% é"))
    assert ticks(panels(drawn)[0]) == ["yes", "no"]
    assert all(line.get_linestyle() == "None" for line in joined(panels(drawn)[0]))


def test_every_ok_point_tells_its_number_in_both_panels(judged) -> None:
    study = study_of(judged, "context")
    drawn = draw(judged, study)
    assert len(drawn.tips) == 2 * 5
    assert svg(drawn).count("<title>") == 2 * 5


def test_a_seed_that_failed_makes_its_point_hollow(invent, point) -> None:
    run = invent((point("s", "cnn", 0.7, x=1), point("s", "cnn", 0.7, x=2)))
    run.records[1] = run.records[1].model_copy(
        update={"cell": None, "status": "failed", "reason": "no memory"}
    )
    results = assess(run)
    drawn = draw(results, results.studies[0])
    dots = [line for line in panels(drawn)[0].lines if len(line.get_xdata()) == 1]
    faces = [line.get_markerfacecolor() for line in dots if line.get_marker() == "o"]
    assert faces.count("white") == 1
    assert "Hollow: some seeds have no score" in drawn.caption


@pytest.mark.parametrize(
    "values", [(1,), (True,), ("a", "b"), (1, "auto"), (None, 3), (0, 5), (1, 2, 3, 4), ({"e": 1},)]
)
def test_any_kind_of_setting_can_be_drawn(invent, point, values, tmp_path) -> None:
    results = assess(invent(tuple(point("s", "cnn", 0.7, x=v) for v in values), seeds=(7,)))
    drawn = draw(results, results.studies[0])
    assert len(ticks(panels(drawn)[0])) >= len(values)
    assert "95 % bootstrap intervals" in drawn.caption


def test_a_study_in_which_everything_failed_is_drawn(invent, point) -> None:
    results = assess(invent((point("s", "cnn", None, x=1), point("s", "cnn", None, x=2))))
    assert "2 of 2 points have no score" in draw(results, results.studies[0]).caption


def test_more_lines_than_colours_stay_different(invent, point) -> None:
    points = [point("s", f"m{i}/c", 0.7, x=x) for i in range(15) for x in (1, 2)]
    results = assess(invent(tuple(points), seeds=(7,)))
    lines = joined(panels(draw(results, results.studies[0]))[0])
    looks = {(line.get_color(), line.get_linestyle()) for line in lines}
    assert len(lines) == 15 and len(looks) == 15


def test_equal_studies_give_equal_bytes(judged, tmp_path) -> None:
    first, second = (
        save(draw(judged, study_of(judged, "context")), tmp_path / name) for name in "ab"
    )
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
