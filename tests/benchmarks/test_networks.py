"""The networks' benchmark: how the gain over the linear row is measured."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def quality(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("network_quality", None)
    import network_quality

    monkeypatch.setattr(network_quality, "DRAWS", 200)
    return network_quality


def pair(quality: Any, cnn: list[int], linear: list[int], *, seed: int = 0, first: int = 0) -> Any:
    names = [str(first + i) for i in range(len(cnn))]
    label = {name: int(name) % 2 for name in names}
    rows = (dict(zip(names, row, strict=True)) for row in (cnn, linear))
    return quality._Pair(seed, ["a", "b"], label, *rows, "tfidf-word/linear_svc")


RIGHT = [0, 1] * 20
HALF_RIGHT = [0] * 40


def test_equal_rows_gain_nothing(quality: Any) -> None:
    assert set(quality._resampled([pair(quality, HALF_RIGHT, HALF_RIGHT)])) == {0.0}


def test_gain_is_the_difference_of_macro_f1(quality: Any) -> None:
    once = {str(i): 1.0 for i in range(40)}
    cnn, linear = quality._scores(pair(quality, RIGHT, HALF_RIGHT), once)
    assert cnn == 1.0
    assert linear == pytest.approx((2 / 3) / 2)  # F1 of one class 2/3, of the other 0


def test_document_of_two_seeds_is_drawn_for_both(quality: Any) -> None:
    """Seeds that test the same documents tell no more than one of them."""
    worse = RIGHT[:30] + [0] * 10
    once = pair(quality, RIGHT, worse)
    spread_of_one = quality._resampled([once]).std()
    again = pair(quality, RIGHT, worse, seed=1)
    assert quality._resampled([once, again]).std() == pytest.approx(spread_of_one)
    elsewhere = pair(quality, RIGHT, worse, seed=1, first=40)
    assert quality._resampled([once, elsewhere]).std() < 0.9 * spread_of_one


def test_figure_is_met_only_where_the_whole_interval_lies_above_0(
    quality: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    almost = [*RIGHT[:39], 0]
    for linear, met in ((HALF_RIGHT, True), (almost, False)):
        quality._emit([pair(quality, RIGHT, linear)])
        line = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert line["met"] is met
        assert (line["conditions"]["interval_95"][0] > 0) is met


def test_figure_without_the_logs_is_unmeasured(
    quality: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOGMARK_SHARED", raising=False)
    quality.measure(quick=False)
    line = json.loads(capsys.readouterr().out)
    assert (line["value"], line["met"]) == (None, False)
    assert "LOGMARK_SHARED" in line["reason"]
