"""Does the reference CNN beat the best linear row on real logs?

    python benchmarks/network_quality.py [--quick] [--workdir DIR]

Runs suites/networks.yaml (kernel console logs, 14 classes, five seeds with a split each;
LOGMARK_SHARED must name their folder) and compares the row `cnn` with the linear row that
cross-validation on train chose under each seed, on the same test documents. The interval is a
bootstrap over the corpus's documents, drawn within classes: a document that is a test document
under several seeds is drawn for all of them at once, since it is the same document. `--quick` runs
a small synthetic corpus with one seed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from figures import emit, unmeasured

from results.assessment import LINEAR_BASELINES
from results.evidence import Evidence
from results.outcomes import Reader
from results.records import Record
from results.run import Run

SUITE = Path(__file__).parents[1] / "suites" / "networks.yaml"
FIGURE = "macro-F1 of the CNN minus the best linear row by cross-validation on train"
GOAL = "paired 95 % interval above 0"
QUICK = """
name: networks
seeds: [0]
corpus: {loader: tm500, num_documents: 160, median_chars: 500, seed: 1}
references: [{name: cnn, context: 2000, epochs: 4, refit: false}]
compute: {threads: 2}
"""


def measure(*, quick: bool, workdir: Path | None = None) -> None:
    """Emit the figure, and the same for each seed."""
    if not quick and "LOGMARK_SHARED" not in os.environ:
        unmeasured(FIGURE, goal=GOAL, reason="LOGMARK_SHARED does not name the folder of the logs")
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder, suite = (workdir or Path(scratch)).absolute(), SUITE
        if quick:
            suite = Path(scratch) / "quick.yaml"
            suite.write_text(QUICK)
        command = [sys.executable, "-m", "suite.cli", "run", str(suite), "--workdir", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            unmeasured(FIGURE, goal=GOAL, reason=(done.stderr or done.stdout).strip())
            return
        run = Run.open(folder / "networks")
        rows, reader = _rows(run), Reader(run)
        evidence = Evidence({one.name: reader.read(one) for row in rows for one in row})
        _emit(evidence, rows)


def _seeds(run: Run) -> list[int]:
    return sorted({record.seed for record in run.records})


def _linear(run: Run, seed: int) -> Record:
    """Return the linear row that did best in cross-validation on train."""
    cells = {(r.model, r.classifier): r for r in run.records if r.seed == seed and r.cell}
    return max((cells[name] for name in LINEAR_BASELINES), key=lambda r: r.cell.cv_macro_f1)


def _rows(run: Run) -> list[tuple[Record, Record]]:
    """Return the CNN and the linear row of each seed."""
    cnns = {r.seed: r for r in run.records if (r.model, r.classifier) == ("reference", "cnn")}
    return [(cnns[seed], _linear(run, seed)) for seed in _seeds(run)]


def _emit(evidence: Evidence, rows: Sequence[tuple[Record, Record]]) -> None:
    for row in rows:
        _emit_gain(evidence, [row], f"{FIGURE}, seed {row[0].seed}", goal=None)
    _emit_gain(evidence, rows, FIGURE, goal=GOAL)


def _emit_gain(
    evidence: Evidence, rows: Sequence[tuple[Record, Record]], figure: str, *, goal: str | None
) -> None:
    found = evidence.compare([(cnn.name, linear.name) for cnn, linear in rows])
    interval = found.gain_interval
    emit(
        figure,
        round(found.gain, 4),
        goal=goal,
        met=interval.low > 0 if goal else None,
        interval_95=[round(interval.low, 4), round(interval.high, 4)],
        cnn=[round(cnn.cell.scores.macro_f1, 4) for cnn, _ in rows],
        linear=[round(linear.cell.scores.macro_f1, 4) for _, linear in rows],
        linear_rows=[f"{linear.model}/{linear.classifier}" for _, linear in rows],
        test_documents=[cnn.cell.test_documents for cnn, _ in rows],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small synthetic corpus")
    parser.add_argument("--workdir", type=Path, help="keep the run here, and reuse it")
    arguments = parser.parse_args()
    measure(quick=arguments.quick, workdir=arguments.workdir)
