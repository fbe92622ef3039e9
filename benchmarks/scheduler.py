"""What the scheduler costs: time per job beside bare Ray tasks, and whole plans beside their ideal.

    python benchmarks/scheduler.py [--quick]

The jobs are synthetic (`benchmarks/synthetic`), but for the second run of a finished suite, which
is one of TF-IDF rows on generated logs. Both sides of a ratio are measured in turn, and the best of
each counts.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from figures import emit
from scheduler_cached import second_run
from scheduler_runs import CPUS, bare, plan, ray_of_two_cpus, run

from suite.cluster import Joined


class Figure(NamedTuple):
    """What `figures.emit` prints, kept until standard output is there again."""

    figure: str
    value: float
    goal: str
    met: bool
    conditions: dict[str, Any]


_HERE = Path(__file__).parents[1]
_SHARED = {"max_calls": 200, "runtime_env": {"env_vars": {"OMP_NUM_THREADS": "1"}}}
_FRESH = {"max_calls": 1}


def measure(*, quick: bool) -> None:
    """Emit all figures."""
    with ray_of_two_cpus() as joined:  # which takes standard output to its log
        figures = [
            _added_in_shared_workers(joined, 100 if quick else 1000),
            _ratio_in_fresh_workers(joined, 8 if quick else 1000),
            _short_cells(joined, 40 if quick else 1000),
            _long_jobs(joined, 6 if quick else 40),
        ]
    for figure, value, goal, met, conditions in figures:
        emit(figure, value, goal=goal, met=met, **conditions)
    second_run(cells=24 if quick else 1000)
    _commands(times=1 if quick else 3)


def _best(times: int, *sides: Callable[[], float]) -> list[float]:
    """Measure several things in turn; the least of each."""
    rounds = [[side() for side in sides] for _ in range(times)]
    return [min(side) for side in zip(*rounds, strict=True)]


def _added_in_shared_workers(joined: Joined, count: int) -> Figure:
    jobs = plan("nothing", count, light=True)
    run(joined, jobs[:4])  # the workers are there
    ours, theirs = _best(2, lambda: run(joined, jobs), lambda: bare(joined, count, **_SHARED))
    added_ms = 1000 * (ours - theirs) / count
    return Figure(
        figure="milliseconds added per no-op job in shared workers",
        value=round(added_ms, 2),
        goal="<= 5",
        met=added_ms <= 5,
        conditions={"jobs": count, "ours_s": round(ours, 2), "bare_s": round(theirs, 2)},
    )


def _ratio_in_fresh_workers(joined: Joined, count: int) -> Figure:
    jobs = plan("nothing", count, light=False)
    ours, theirs = _best(1, lambda: run(joined, jobs), lambda: bare(joined, count, **_FRESH))
    return Figure(
        figure="time of no-op jobs in fresh workers / bare Ray tasks in fresh workers",
        value=round(ours / theirs, 3),
        goal="<= 1.05",
        met=ours / theirs <= 1.05,
        conditions={"jobs": count, "ours_s": round(ours, 2), "bare_s": round(theirs, 2)},
    )


def _short_cells(joined: Joined, count: int) -> Figure:
    """Cells that compute; as bare tasks they show what the machine had left for them."""
    jobs = plan("spin", count, seconds=0.05, light=True)
    took_s = run(joined, jobs)
    bare_s = bare(joined, count, seconds=0.05, **_SHARED)
    ideal_s = count * 0.05 / CPUS
    return _beside_ideal("1,000 cells of 50 ms", took_s, ideal_s, 2.0, cells=count, bare_s=bare_s)


def _long_jobs(joined: Joined, count: int) -> Figure:
    """Jobs that wait: what the scheduler adds between them."""
    took_s = run(joined, plan("sleep", count, seconds=1.0, light=True))
    return _beside_ideal("40 jobs of 1 s", took_s, count / CPUS, 1.15, jobs=count)


def _beside_ideal(
    what: str, took_s: float, ideal_s: float, goal: float, **conditions: float
) -> Figure:
    return Figure(
        figure=f"time of {what} on {CPUS} CPUs / ideal",
        value=round(took_s / ideal_s, 3),
        goal=f"<= {goal:g}",
        met=took_s / ideal_s <= goal,
        conditions={
            "isolation": "shared workers",
            "took_s": round(took_s, 2),
            "ideal_s": ideal_s,
            **conditions,
        },
    )


def _commands(times: int) -> None:
    """Emit how long the command line takes to answer."""
    for words, goal in ((["--help"], 0.5), (["plan", "suites/paper.yaml"], 2.0)):
        (took_s,) = _best(times, lambda words=words: _command(words))
        emit(
            f"seconds of logmark {' '.join(words)}",
            round(took_s, 2),
            goal=f"<= {goal:g}",
            met=took_s <= goal,
        )


def _command(words: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "suite.cli", *words], cwd=_HERE, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    measure(quick=parser.parse_args().quick)
