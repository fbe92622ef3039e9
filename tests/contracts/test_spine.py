"""From logs to records through every kind of job, on a tiny random checkpoint named in a suite."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import Inline, run_in_process, write_logs

from adapters.tiny import build_tiny
from embedders import vectors
from jobs.registry import KINDS, PIECES

SUITE = """
name: spine
seeds: [3]
corpus: {loader: folder, path: logs}
models:
  - {name: plain, checkpoint: ./tiny, context: 24}
  - name: adapted
    checkpoint: ./tiny
    context: 24
    adapt: {epochs: 2, batch_size: 8, block: 24, learning_rate: 1.0e-3}
  - name: normals
    checkpoint: ./tiny
    context: 24
    adapt: {objective: masked_sentences, epochs: 1, batch_size: 8, block: 24}
    adapt_on: normal
  - name: whole
    checkpoint: ./tiny
    context: 24
    finetune: {epochs: 2, batch_size: 8}
    prune: {levels: [0.5], step: 0.5, epochs: 1, final_epochs: 1}
classifiers: [{name: decision_tree, variants: [default, tuned]}, xgboost]
references:
  - name: cnn
    context: 400
    epochs: 3
    patience: 3
    char_lm: {units: 8, epochs: 1, sequence: 32, max_chars: 2000}
anomaly: {normal: ok, detectors: [{name: guess, detector: top_k, model: normals}]}
studies: [{name: altered, rows: [text/unseen_templates], vary: {altered_lines: [0.5]}}]
compute: {threads: 1, precision: fp32}
"""


def _build(folder: Path) -> Inline:
    write_logs(folder / "logs")
    texts = [path.read_text() for path in sorted((folder / "logs").rglob("*.log"))]
    build_tiny(folder / "tiny", texts)
    return run_in_process(folder, SUITE)


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Inline:
    return _build(tmp_path_factory.mktemp("spine"))


def test_every_kind_of_job_runs(spine: Inline) -> None:
    assert set(spine.reasons.values()) == {"ok"}
    assert {path.name for path in spine.store.root.iterdir()} == set(KINDS | PIECES)


def test_every_number_of_an_untrained_model_is_marked(spine: Inline) -> None:
    marks = {record.name: record.marks for record in spine.records}
    assert marks["plain/decision_tree/3"] == marks["adapted/xgboost/3"] == ["random weights"]
    assert marks["whole/finetuned/3"] == marks["whole/pruned-50/3"] == ["random weights"]
    assert marks["normals/guess/3"] == ["random weights"]
    assert marks["tfidf-char/logistic_regression/3"] == marks["reference/cnn/3"] == []


def test_adaptation_is_recorded_and_reaches_the_vectors(spine: Inline) -> None:
    by_name = {record.name: record for record in spine.records}
    folder = spine.store.root / by_name["adapted/xgboost/3"].artifacts["adapted"].path
    content = json.loads((folder / "card.json").read_text())
    assert content["heldout_loss_after"] < content["heldout_loss_before"]
    roles = [
        spine.store.root / by_name[f"{model}/xgboost/3"].artifacts["vectors"].path
        for model in ("plain", "adapted")
    ]
    plain, adapted = (vectors.load(folder) for folder in roles)
    assert plain.ids == adapted.ids
    assert not np.allclose(plain.matrix, adapted.matrix)


def test_an_adapted_model_has_one_id_per_special_token(spine: Inline) -> None:
    from transformers import AutoTokenizer

    folder, *_ = spine.store.root.glob("adapt/*/attempts/*/checkpoint")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for token in ("<hex>", "<num>", "<ipaddr>", "<newline>", "<endsample>"):
        assert len(tokenizer(token, add_special_tokens=False)["input_ids"]) == 1


def test_the_same_suite_gives_the_same_bytes_elsewhere(spine: Inline, tmp_path: Path) -> None:
    again = _build(tmp_path)
    first, second = (
        {(r.name, role): ref.digest for r in run.records for role, ref in r.artifacts.items()}
        for run in (spine, again)
    )
    assert first == second


def test_records_survive_json(spine: Inline) -> None:
    for record in spine.records:
        assert type(record).model_validate_json(record.model_dump_json()) == record
