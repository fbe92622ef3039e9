"""The second run of a finished suite: everything is cached, and nothing should take time.

    python benchmarks/scheduler_cached.py FOLDER     (runs FOLDER/suite.yaml, tells its time)

A seed of this suite has 12 cells (eight of two TF-IDF rows, four trivial ones), on 24 short logs.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import emit

_CELLS_OF_A_SEED = 12
_SUITE = """
name: cached
seeds: {seeds}
corpus: {{loader: folder, path: logs}}
models:
  - {{name: words, adapter: tfidf, analyzer: word, ngram: [1, 1]}}
  - {{name: pairs, adapter: tfidf, analyzer: word, ngram: [2, 2]}}
classifiers:
  - decision_tree
  - majority
  - linear_svc
  - {{name: logistic_regression, variants: [default]}}
compute: {{threads: 1}}
"""


def second_run(cells: int) -> None:
    """Emit the time of a finished suite's second run, after the imports."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(folder, seeds=-(-cells // _CELLS_OF_A_SEED))
        first = _run(folder)
        second = min((_run(folder) for _ in range(2)), key=lambda told: told["seconds"])
    assert second["computed"] == 0, second
    emit(
        "seconds of the second run of a finished suite, after imports",
        round(second["seconds"], 2),
        goal="<= 3 (1,000 cells)",
        met=second["seconds"] <= 3 and second["cells"] >= 1000,
        cells=second["cells"],
        jobs=second["cached"],
        first_run_s=round(first["seconds"], 1),
    )


def _prepare(folder: Path, seeds: int) -> None:
    for number in range(24):
        label = ("disk", "net", "ok")[number % 3]
        path = folder / "logs" / label / f"{number}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"line {number} begins\n{label} unit {number % 5} reports {label}\nend\n")
    (folder / "suite.yaml").write_text(_SUITE.format(seeds=list(range(seeds))))


def _run(folder: Path) -> dict[str, float]:
    """Run the suite in a process of its own, which tells how long it took."""
    done = subprocess.run(
        [sys.executable, __file__, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _timed(folder: Path) -> dict[str, float]:
    """Run the suite here; everything is imported before the clock starts."""
    import results.report  # noqa: F401 - a run imports it when it reports
    from results.run import Run
    from suite.command import Output
    from suite.running import run_suite
    from suite.waiting import Waiting

    said: list[str] = []
    started = time.perf_counter()
    status = run_suite(
        folder / "suite.yaml",
        workdir=folder / "runs",
        store=None,
        address=None,
        tiny=False,
        command="logmark run",
        out=Output("text", True, Waiting("", quiet=True), said.append),
    )
    seconds = time.perf_counter() - started
    assert status == 0, said
    counts = dict(part.rsplit(" ", 1) for part in said[-1].split(", "))
    cells = len(Run.open(folder / "runs" / "cached").records)
    return {"seconds": seconds, "cells": cells, **{k: int(v) for k, v in counts.items()}}


if __name__ == "__main__":
    print(json.dumps(_timed(Path(sys.argv[1]))))
