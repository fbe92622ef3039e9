"""How long does `logmark report` take: 1,000 cells of 10,000 predictions each, and what weighs.

    python benchmarks/report.py [--quick]

The run is invented (`tests/written_runs.py`) but lies on disk like a real one: 20 models by 10
classifiers by 5 seeds, each seed with a test set of its own out of 33,333 documents of four
classes, scores, texts and dense vectors. The command runs in a process of its own,
which tells the CPU seconds of its steps. `--quick` has
40 cells of 1,000 predictions.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from figures import emit, peak_bytes

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from written_runs import Artifact, RunWriter

CLASSES = ["Pass", "L0_L1", "L2", "L3"]
SHARES = [0.679, 0.17, 0.096, 0.055]
_DIMENSION = 32
_TEST_SHARE = 0.3
_WORDS = np.array(
    [
        "RRC",
        "setup",
        "complete",
        "lost",
        "retry",
        "measurement",
        "of",
        "cell",
        "attach",
        "12",
        "0x3f",
        "ms",
    ]
)


@dataclass(frozen=True)
class Size:
    """How much there is to report.

    Attributes:
        documents: on the test side of each seed.
    """

    models: int
    classifiers: int
    seeds: int
    documents: int

    @property
    def cells(self) -> int:
        """Records of the run."""
        return self.models * self.classifiers * self.seeds


FULL = Size(models=20, classifiers=10, seeds=5, documents=10_000)
QUICK = Size(models=5, classifiers=4, seeds=2, documents=1_000)


def measure(size: Size) -> None:
    """Emit what the report of an invented run takes."""
    with tempfile.TemporaryDirectory() as name:
        run_dir = write_run(Path(name), size)
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "--report", str(run_dir)],
            capture_output=True,
            text=True,
            check=False,
        )
        wall_s = time.perf_counter() - started
        assert done.returncode == 0, done.stderr
        page_bytes = (run_dir / "report" / "report.html").stat().st_size
    used = json.loads(done.stdout.splitlines()[-1])
    told = {"cells": size.cells, "predictions_each": size.documents}
    emit(
        "seconds of `logmark report`",
        round(wall_s, 1),
        goal="< 60 (1,000 cells of 10,000 predictions)",
        met=wall_s < 60 and size == FULL,
        cpu_s=used["cpu_s"],
        steps_cpu_s=used["steps"],
        **told,
    )
    emit("peak memory of `logmark report`, MB", round(used["peak_bytes"] / 1e6), **told)
    emit("size of report.html, MB", round(page_bytes / 1e6, 2), **told)


def _report(run_dir: str) -> None:
    """Run the command here; print what it took, and the CPU seconds of its steps."""
    from results import drawing, page, report
    from suite.cli import main

    steps: dict[str, float] = {}
    for module, name in (
        (report, "assess"),
        (report, "make_tables"),
        (report, "make_figures"),
        (page, "render"),
        (drawing, "save"),
    ):
        setattr(module, name, _timed(getattr(module, name), name, steps))
    assert main(["report", run_dir]) == 0
    cpu_s = time.process_time()
    rounded = {name: round(value, 1) for name, value in steps.items()}
    print(json.dumps({"cpu_s": round(cpu_s, 1), "steps": rounded, "peak_bytes": peak_bytes()}))


def _timed(step: Callable[..., Any], name: str, steps: dict[str, float]) -> Callable[..., Any]:
    """Add the CPU seconds of a step to `steps`."""

    def timed(*values: Any, **named: Any) -> Any:
        before = time.process_time()
        result = step(*values, **named)
        steps[name] = steps.get(name, 0.0) + time.process_time() - before
        return result

    return timed


def write_run(folder: Path, size: Size) -> Path:
    """Invent a run of this size and return its folder."""
    rng = np.random.default_rng(8)
    writer = RunWriter(folder, "thousand")
    ids = np.array([f"run-{i:06d}" for i in range(round(size.documents / _TEST_SHARE))])
    labels = rng.choice(CLASSES, len(ids), p=SHARES)
    table = pd.DataFrame({"id": ids, "label": labels, "group": None})
    texts = {name: " ".join(rng.choice(_WORDS, 60)) for name in ids}
    shared = {
        "corpus": writer.corpus(texts, {"documents_read": len(ids), "documents_kept": len(ids)}),
        "labels": writer.publish("labels", card={}, frames={"labels": table}),
    }
    tests = [np.sort(rng.permutation(len(ids))[: size.documents]) for _ in range(size.seeds)]
    splits = [writer.split(table, ids[test], by="stratified") for test in tests]
    for number in range(size.models):
        of_model = {**shared, "vectors": _vectors(writer, ids, labels, rng)}
        skills = 0.5 + 0.4 * rng.random(size.classifiers)
        for classifier, skill in enumerate(skills):
            for seed, test in enumerate(tests):
                frame = predictions(ids[test], labels[test], skill, rng)
                _add(writer, {**of_model, "split": splits[seed]}, frame, (number, classifier, seed))
    return writer.finish(report={"baseline": "model-00/classifier-0"})


def predictions(
    ids: np.ndarray, labels: np.ndarray, skill: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Invent what a classifier says, right for about this share, with scores as probabilities."""
    scores = rng.dirichlet(np.ones(len(CLASSES)), len(labels)).astype(np.float32)
    place = np.array([CLASSES.index(name) for name in labels])
    scores[np.arange(len(labels)), place] += (rng.random(len(labels)) < skill) * 1.0
    scores /= scores.sum(axis=1, keepdims=True)
    predicted = np.array(CLASSES)[scores.argmax(axis=1)]
    columns = {f"score:{name}": scores[:, i] for i, name in enumerate(CLASSES)}
    return pd.DataFrame({"id": ids, "label": labels, "predicted": predicted, **columns})


def _vectors(
    writer: RunWriter, ids: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> Artifact:
    centres = {name: rng.normal(size=_DIMENSION) for name in CLASSES}
    noise = rng.normal(size=(len(ids), _DIMENSION))
    matrix = (np.array([centres[name] for name in labels]) + noise).astype(np.float32)
    return writer.publish(
        "embed",
        card={"dimension": _DIMENSION},
        frames={"ids": pd.DataFrame({"id": ids})},
        vectors=[matrix],
        wall_s=float(rng.uniform(10, 1000)),
    )


def _add(
    writer: RunWriter,
    artifacts: dict[str, Artifact],
    frame: pd.DataFrame,
    place: tuple[int, int, int],
) -> None:
    model, classifier, seed = place
    own, cell = writer.cell(
        "classify",
        frame,
        CLASSES,
        train_documents=round(len(frame) * (1 - _TEST_SHARE) / _TEST_SHARE),
        cv_macro_f1=0.5 + 0.01 * classifier,
        wall_s=1.0 + classifier,
    )
    writer.add(
        {**artifacts, "cell": own},
        section="matrix",
        model=f"model-{model:02d}",
        classifier=f"classifier-{classifier}",
        seed=seed,
        text="cleaned",
        status="ok",
        cell=cell,
        marks=["synthetic data"],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="40 cells of 1,000 predictions")
    parser.add_argument("--report", metavar="RUN_DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.report:
        _report(options.report)
    else:
        measure(QUICK if options.quick else FULL)
