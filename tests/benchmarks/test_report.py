"""The report's benchmark: an invented run of the size asked for, and every figure of it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from results.run import Run

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import report

        yield report
        sys.modules.pop("report", None)


def test_the_invented_run_has_the_size_asked_for(benchmark: Any, tmp_path: Path) -> None:
    size = benchmark.Size(models=2, classifiers=3, seeds=2, documents=40)
    run = Run.open(benchmark.write_run(tmp_path, size))
    assert len(run.records) == size.cells == 12
    frames = [run.predictions(record) for record in run.records]
    assert {len(frame) for frame in frames} == {40}
    columns = ["id", "label", "predicted", *(f"score:{name}" for name in benchmark.CLASSES)]
    assert all(list(frame.columns) == columns for frame in frames)
    assert len({tuple(frame["id"]) for frame in frames}) == size.seeds


@pytest.mark.slow
def test_every_figure_is_measured(benchmark: Any, capfd: pytest.CaptureFixture[str]) -> None:
    benchmark.measure(benchmark.Size(models=2, classifiers=1, seeds=1, documents=30))
    time, memory, page = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert not time["met"], "a smaller run does not meet the goal"
    steps = time["conditions"]["steps_cpu_s"]
    assert set(steps) == {"assess", "make_tables", "make_figures", "render", "save"}
    assert sum(steps.values()) <= time["conditions"]["cpu_s"]
    assert memory["value"] > 50 and page["value"] > 0.01
