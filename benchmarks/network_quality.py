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
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from figures import emit, unmeasured

from results.assessment import LINEAR_BASELINES
from results.records import Record
from results.run import Run
from results.statistics import generator, macro_f1, percentile_interval

SUITE = Path(__file__).parents[1] / "suites" / "networks.yaml"
FIGURE = "macro-F1 of the CNN minus the best linear row by cross-validation on train"
GOAL = "paired 95 % interval above 0"
DRAWS = 4000
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
        _emit([_pair(run, seed) for run in [Run.open(folder / "networks")] for seed in _seeds(run)])


def _seeds(run: Run) -> list[int]:
    return sorted({record.seed for record in run.records})


@dataclass(frozen=True)
class _Pair:
    """Both rows' predictions of one seed's test documents, by id."""

    seed: int
    classes: list[str]
    label: dict[str, int]
    cnn: dict[str, int]
    linear: dict[str, int]
    linear_name: str


def _pair(run: Run, seed: int) -> _Pair:
    cells = {(r.model, r.classifier): r for r in run.records if r.seed == seed and r.cell}
    cnn = cells["reference", "cnn"]
    linear = max(
        (cells[name] for name in LINEAR_BASELINES),
        key=lambda record: record.cell.cv_macro_f1,
    )
    classes = cnn.cell.classes
    label, predicted = _told(run, cnn, classes)
    same, by_linear = _told(run, linear, classes)
    assert label == same, "both rows were scored on the same documents"
    name = f"{linear.model}/{linear.classifier}"
    return _Pair(seed, classes, label, predicted, by_linear, name)


def _told(run: Run, record: Record, classes: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    frame = run.predictions(record).set_index("id")
    label, predicted = (frame[name].map(classes.index) for name in ("label", "predicted"))
    return label.to_dict(), predicted.to_dict()


def _emit(pairs: Sequence[_Pair]) -> None:
    for pair in pairs:
        _emit_gain([pair], f"{FIGURE}, seed {pair.seed}", goal=None)
    _emit_gain(pairs, FIGURE, goal=GOAL)


def _emit_gain(pairs: Sequence[_Pair], figure: str, *, goal: str | None) -> None:
    once = {name: 1.0 for pair in pairs for name in pair.label}
    cnn, linear = (np.array([_scores(p, once)[i] for p in pairs]) for i in (0, 1))
    gains = _resampled(pairs)
    interval = percentile_interval(gains)
    emit(
        figure,
        round(float((cnn - linear).mean()), 4),
        goal=goal,
        met=interval.low > 0 if goal else None,
        interval_95=[round(interval.low, 4), round(interval.high, 4)],
        cnn=[round(float(value), 4) for value in cnn],
        linear=[round(float(value), 4) for value in linear],
        linear_rows=[pair.linear_name for pair in pairs],
        test_documents=[len(pair.label) for pair in pairs],
    )


def _resampled(pairs: Sequence[_Pair]) -> np.ndarray:
    """Mean gain over seeds in each bootstrap draw of documents."""
    by_class: dict[int, list[str]] = defaultdict(list)
    for name, label in sorted({item for pair in pairs for item in pair.label.items()}):
        by_class[label].append(name)
    rng, gains = generator(FIGURE), []
    for _ in range(DRAWS):
        weight: dict[str, float] = {}
        for names in by_class.values():
            counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)))
            weight |= zip(names, counts.tolist(), strict=True)
        scores = [_scores(pair, weight) for pair in pairs]
        gains.append(np.mean([cnn - linear for cnn, linear in scores]))
    return np.array(gains)


def _scores(pair: _Pair, weight: dict[str, float]) -> tuple[float, float]:
    """Macro-F1 of the CNN and of the linear row, documents counted by weight."""
    size, names = len(pair.classes), list(pair.label)
    weights = np.array([weight[name] for name in names])
    labels = np.array([pair.label[name] for name in names])
    found = []
    for row in (pair.cnn, pair.linear):
        cells = labels * size + np.array([row[name] for name in names])
        confusion = np.bincount(cells, weights=weights, minlength=size * size)
        found.append(float(macro_f1(confusion.reshape(1, size, size))[0]))
    return found[0], found[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small synthetic corpus")
    parser.add_argument("--workdir", type=Path, help="keep the run here, and reuse it")
    arguments = parser.parse_args()
    measure(quick=arguments.quick, workdir=arguments.workdir)
