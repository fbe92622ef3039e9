"""Does domain adaptation teach the model anything, and do the classifiers notice?

Runs a suite with the same model un-adapted and adapted on the same text, then, as a control, trains
the prediction head alone for as many steps. Without `--quick` the suite is suites/adaptation.yaml
(real kernel logs, LOGMARK_SHARED must name their folder); with it a small synthetic corpus.

    python benchmarks/adaptation.py [--quick] [--workdir DIR]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figures import emit, unmeasured

from jobs.adapt import run as adapt
from jobs.job import Context
from results.evidence import Evidence
from results.hashing import hash_file
from results.outcomes import Reader
from results.records import Record
from results.run import Run
from suite.node import Node
from suite.plan import make_plan
from suite.spec import read

SUITE = Path(__file__).parents[1] / "suites" / "adaptation.yaml"
QUICK = """
name: adaptation
seeds: [0]
corpus: {loader: tm500, num_documents: 60, median_chars: 500, seed: 1}
models:
  - {name: minilm, adapter: minilm, text: masked}
  - name: minilm-adapted
    adapter: minilm
    adapt: {epochs: 1, batch_size: 4, block: 128, max_blocks: 40}
classifiers: [logistic_regression]
report: {baseline: minilm/logistic_regression}
compute: {threads: 2}
"""


def main() -> None:
    """Run the suite and the control, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small synthetic corpus")
    parser.add_argument("--workdir", type=Path, help="keep the run here, and reuse it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        workdir = (options.workdir or Path(scratch)).absolute()
        suite = SUITE
        if options.quick:
            suite = Path(scratch) / "quick.yaml"
            suite.write_text(QUICK)
        done = _logmark("run", suite, "--workdir", workdir)
        if done.returncode:
            reason = (done.stderr or done.stdout).strip()
            unmeasured("held-out loss of the adapted model", reason=reason)
            return
        run = Run.open(workdir / "adaptation")
        _losses(run, {node.id: node for node in make_plan(read(suite), hash_file)}, Path(scratch))
        _effects(run)


def _logmark(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "suite.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _losses(run: Run, nodes: dict[str, Node], scratch: Path) -> None:
    """Compare held-out losses, in nats per hidden token, of the same masks."""
    for record in _first_of_each_seed(run):
        card = run.card(record, "adapted")
        control = _head_only(run, record, nodes[f"adapt:{record.model}/{record.seed}"], scratch)
        assert card is not None and control["steps"] == card["steps"]
        conditions = {
            "seed": record.seed,
            "steps": card["steps"],
            "train_tokens": card["train_tokens"],
            "before": round(card["heldout_loss_before"], 4),
            "after": round(card["heldout_loss_after"], 4),
        }
        for name, other in (
            ("head alone, same steps", control["heldout_loss_after"]),
            ("unigram", card["unigram_loss"]),
        ):
            ratio = card["heldout_loss_after"] / other
            figure = f"held-out loss of the adapted model / {name}"
            emit(
                figure,
                round(ratio, 4),
                goal="< 1",
                met=ratio < 1,
                other=round(other, 4),
                **conditions,
            )


def _first_of_each_seed(run: Run) -> Iterator[Record]:
    seen: set[int] = set()
    for record in run.records:
        if record.model == "minilm-adapted" and record.seed not in seen:
            seen.add(record.seed)
            yield record


def _head_only(run: Run, record: Record, node: Node, scratch: Path) -> dict[str, Any]:
    """Train the prediction head alone on the same blocks for as many steps."""
    settings = {**node.params["objective_settings"], "head_only": True}
    inputs = {role: run.folder(record, role) for role in node.needs}
    out = scratch / f"head-only-{record.seed}"
    (out / "scratch").mkdir(parents=True)
    adapt(
        {**node.params, "objective_settings": settings},
        inputs,
        out,
        Context(scratch=out / "scratch"),
    )
    return dict(json.loads((out / "card.json").read_text()))


def _effects(run: Run) -> None:
    """What the classifiers make of it: adapted against un-adapted, paired by document."""
    cells, reader = {record.name: record for record in run.records if record.cell}, Reader(run)
    evidence = Evidence({name: reader.read(record) for name, record in cells.items()})
    for name, record in cells.items():
        if record.model != "minilm-adapted":
            continue
        plain = cells[name.replace("minilm-adapted", "minilm")]
        paired = evidence.compare([(name, plain.name)])
        emit(
            f"macro-F1 adapted - un-adapted: {record.classifier}",
            round(paired.gain, 4),
            interval_95=[round(paired.gain_interval.low, 4), round(paired.gain_interval.high, 4)],
            seed=record.seed,
            adapted=round(record.cell.scores.macro_f1, 4),
            unadapted=round(plain.cell.scores.macro_f1, 4),
            mcnemar_p=round(paired.p, 4),
        )


if __name__ == "__main__":
    main()
