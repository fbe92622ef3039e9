"""A small real run with cells of every kind, made once for all tests that predict with them."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers import run_in_process, write_logs

from adapters.tiny import build_twin
from jobs.efficiency import latency
from results.run import Run
from suite.spec import read

_SUITE = """
name: all
corpus:
  loader: folder
  path: PATH
  clean: {max_word_chars: 30, max_line_chars: 200, max_bytes: 100000}
models:
  - {name: plain, adapter: bert, checkpoint: TWIN, context: 32}
  - name: whole
    adapter: bert
    checkpoint: TWIN
    context: 32
    finetune: {epochs: 2, learning_rate: 0.001}
    prune: {levels: [0.5], step: 0.5, epochs: 1, final_epochs: 1}
  - name: updates
    adapter: bert
    checkpoint: TWIN
    finetune: {method: lora, epochs: 1, windows: 2, learning_rate: 0.003}
  - name: unmerged
    adapter: bert
    checkpoint: TWIN
    context: 24
    finetune: {method: lora, epochs: 1, merge: false}
  - name: normals
    adapter: bert
    checkpoint: TWIN
    adapt: {objective: masked_sentences, epochs: 1, layer_groups: 1}
    adapt_on: normal
  - {name: mined, adapter: tfidf, analyzer: word, text: templates}
classifiers:
  - {name: random_forest, trees: 10}
  - {name: decision_tree, variants: [default, tuned]}
  - xgboost
  - logistic_regression
  - linear_svc
  - {name: embedding_cnn, epochs: 2}
references:
  - name: cnn
    context: 120
    epochs: 2
    channels: 8
    dense: 8
    char_lm: {units: 8, epochs: 1, max_chars: 2000, sequence: 16}
anomaly:
  normal: ok
  detectors:
    - {name: logfit, detector: top_k, model: normals, thresholds: any}
    - {name: centroid, model: plain}
studies:
  - {name: size, rows: [tfidf-word/linear_svc], vary: {train_share: [0.5]}}
  - {name: noise, rows: [mined/linear_svc], vary: {altered_lines: [0.5]}}
compute: {threads: 1, precision: fp32}
"""


class PredictRun(NamedTuple):
    """Where the logs lie, and the run's folder."""

    logs: Path
    run_dir: Path


@cache
def predict_run() -> PredictRun:
    """Run the suite in this process."""
    folder = Path(tempfile.mkdtemp(prefix="logmark-predict-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    logs = write_logs(folder / "logs")
    texts = [path.read_text() for path in sorted(logs.rglob("*.log"))]
    twin = build_twin(folder / "twin", {"model_type": "bert"}, texts)
    text = _SUITE.replace("PATH", str(logs)).replace("TWIN", str(twin))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(latency.__kwdefaults__, "budget_s", 0.01)  # a run measures for a second each
        done = run_in_process(folder, text)
    assert set(done.reasons.values()) == {"ok"}, done.reasons
    meta = {
        "suite": "all",
        "store": str(done.store.root),
        "resolved": read(folder / "suite.yaml").model_dump(mode="json"),
    }
    Run.write(folder / "run", meta, done.records)
    return PredictRun(logs, folder / "run")
