"""The scheduler's benchmark: every figure is measured, on as little as possible."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.registry import KINDS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark() -> Iterator[Any]:
    names = ("scheduler", "scheduler_runs", "scheduler_cached", "synthetic_jobs", "bare_tasks")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        patch.syspath_prepend(str(BENCHMARKS / "synthetic"))
        known = dict(KINDS)
        import scheduler

        yield scheduler
        KINDS.clear()
        KINDS.update(known)
        for name in names:
            sys.modules.pop(name, None)


@pytest.mark.slow
def test_what_ray_is_measured_on_runs_jobs_and_bare_tasks(benchmark: Any) -> None:
    with benchmark.ray_of_two_cpus() as joined:
        figures = [
            benchmark._added_in_shared_workers(joined, 4),
            benchmark._ratio_in_fresh_workers(joined, 2),
            benchmark._short_cells(joined, 4),
            benchmark._long_jobs(joined, 2),
        ]
    for one in figures:
        assert one.goal.startswith("<= ") and one.met == (one.value <= float(one.goal[3:]))
    assert figures[3].value >= 1, "two jobs of a second on two CPUs take a second at least"
    assert figures[2].conditions["bare_s"] >= 0.1
