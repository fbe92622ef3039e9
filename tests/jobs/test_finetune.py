"""Fine-tuning as a job: a cell, honest about what was read, deaf to the test labels."""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import cell_inputs

from adapters.tiny import build_twin
from classifiers.sequence import FittedSequence
from jobs import finetune
from jobs.job import Context
from results.errors import InputError
from results.records import Cell

SIGNS = {"a": "fault", "b": "faint", "c": "fail"}
SETTINGS = {"epochs": 8, "patience": 8, "learning_rate": 3e-3}
PARAMS = {
    "adapter": "bert",
    "settings": {"context": 64},
    "identity": {},
    "code": {},
    "view": {"text": "cleaned", "drop_numbers": False},
    "finetune": SETTINGS,
    "seed": 0,
    "device": "cpu",
    "precision": "fp32",
    "attention": "sdpa",
    "threads": 1,
}


def corpus() -> pd.DataFrame:
    """75 documents whose first words tell the class; every fifth one is long."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(75):
        label = "abc"[number % 3]
        said = generator.choice(["link", "setup", "timer", "ok"], 10 + 90 * (number % 5 == 0))
        text = " ".join([SIGNS[label]] * 3 + said.tolist())
        rows.append({"id": f"d{number:02}", "label": label, "text": text})
    return pd.DataFrame(rows)


@pytest.fixture(autouse=True)
def _measured_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finetune, "latency", partial(finetune.latency, budget_s=0.2))


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    """The corpus with a third of it as test documents, which take every class alike."""
    frame = corpus()
    sides = ["test" if number // 3 % 3 == 0 else "train" for number in range(len(frame))]
    return cell_inputs(tmp_path, frame, sides)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_twin(tmp_path_factory.mktemp("bert"), {"model_type": "bert"}, corpus()["text"])


def run(inputs: dict[str, Path], checkpoint: Path, out: Path, **changes: Any) -> Cell:
    out.mkdir()
    context = Context(scratch=out.with_suffix(".scratch"), local={"checkpoint": str(checkpoint)})
    finetune.run({**PARAMS, **changes}, inputs, out, context)
    return Cell.model_validate_json((out / "cell.json").read_bytes())


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def relabel(inputs: dict[str, Path], side: str, change: Any) -> None:
    path = inputs["labels"] / "labels.parquet"
    labels = pd.read_parquet(path)
    rows = pd.read_parquet(inputs["split"] / "split.parquet")["side"] == side
    labels.loc[rows, "label"] = change(labels.loc[rows, "label"].to_numpy())
    labels.to_parquet(path)


def test_the_cell_has_scores_curves_and_what_was_read(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path
) -> None:
    cell = run(inputs, checkpoint, tmp_path / "out")
    assert cell.scores.accuracy > 0.8
    assert (cell.train_documents, cell.test_documents) == (48, 27)
    assert {curve.name for curve in cell.curves} >= {"train_loss", "valid_loss"}
    assert cell.cv_reason == "chosen on a validation part of train"
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["audit"]["random_weights"] is True
    assert card["trained_parameters"] == cell.parameters
    both = [card["coverage"][side] for side in ("train", "test")]
    assert [side["documents"] for side in both] == [48, 27]
    assert sum(side["cut"] for side in both) == 15
    assert all(0.5 < side["share"] < 1.0 for side in both)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "cell.json",
        "card.json",
        "checkpoint",
        "predictions.parquet",
    }
    predictions = pd.read_parquet(tmp_path / "out" / "predictions.parquet")
    scores = predictions[["score:a", "score:b", "score:c"]].to_numpy()
    assert scores.sum(axis=1) == pytest.approx(np.ones(27))
    assert [cell.classes[i] for i in scores.argmax(axis=1)] == predictions["predicted"].tolist()


def test_windows_read_more_of_long_documents(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path
) -> None:
    settings = {**SETTINGS, "epochs": 1, "windows": 3, "overlap": 0}
    run(inputs, checkpoint, tmp_path / "out", finetune=settings)
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    both = [card["coverage"][side] for side in ("train", "test")]
    assert [(side["cut"], side["share"]) for side in both] == [(0, 1.0), (0, 1.0)]
    told = json.loads((tmp_path / "out" / "checkpoint" / "finetuned.json").read_text())
    assert (told["settings"]["windows"], told["settings"]["overlap"]) == (3, 0)


def test_test_labels_do_not_reach_training(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path
) -> None:
    first = run(inputs, checkpoint, tmp_path / "a")
    relabel(inputs, "test", lambda labels: np.roll(labels, 1))
    second = run(inputs, checkpoint, tmp_path / "b")
    assert hashes(tmp_path / "a" / "checkpoint") == hashes(tmp_path / "b" / "checkpoint")
    assert first.scores.accuracy > 0.8 > 0.2 > second.scores.accuracy
    told = [pd.read_parquet(tmp_path / n / "predictions.parquet") for n in ("a", "b")]
    pd.testing.assert_frame_equal(*(frame.drop(columns="label") for frame in told))


def test_same_seed_gives_the_same_bytes_and_another_one_others(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path
) -> None:
    settings = {**SETTINGS, "epochs": 2}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(inputs, checkpoint, tmp_path / name, seed=seed, finetune=settings)
    found = [hashes(tmp_path / name) for name in ("a", "b", "c")]
    assert found[0] == found[1]
    assert found[0]["model.safetensors"] != found[2]["model.safetensors"]


def test_a_class_absent_from_train_scores_zero(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path
) -> None:
    relabel(inputs, "train", lambda labels: np.where(labels == "c", "b", labels))
    cell = run(inputs, checkpoint, tmp_path / "out", finetune={**SETTINGS, "epochs": 2})
    assert cell.classes == ["a", "b", "c"]
    assert cell.scores.per_class["c"].f1 == 0.0
    assert cell.scores.per_class["c"].support == 9
    assert "c" not in set(pd.read_parquet(tmp_path / "out" / "predictions.parquet")["predicted"])


def test_adapted_checkpoint_is_what_is_trained(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path
) -> None:
    adapted = build_twin(
        tmp_path / "adapted" / "checkpoint", {"model_type": "bert"}, corpus()["text"], seed=5
    )
    tokens = {"version": 1, "objective": "mlm", "special_tokens": ["<hex>"]}
    settings = {**SETTINGS, "epochs": 1}
    run(inputs, checkpoint, tmp_path / "plain", finetune=settings)
    more = {**inputs, "adapted": tmp_path / "adapted"}
    run(more, checkpoint, tmp_path / "out", finetune=settings)
    weights = [hashes(tmp_path / name)["model.safetensors"] for name in ("plain", "out")]
    assert weights[0] != weights[1]
    (adapted / "logmark.json").write_text(json.dumps(tokens))
    masked = {"text": "masked", "drop_numbers": False}
    with pytest.raises(InputError, match="adapted with the special tokens <hex>, masking puts in"):
        run(more, checkpoint, tmp_path / "refused", view=masked, finetune=settings)


def test_divergence_is_one_line(inputs: dict[str, Path], checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="training diverged: .*lower learning_rate"):
        run(inputs, checkpoint, tmp_path / "out", finetune={"learning_rate": 1e30})


def test_a_model_can_predict_as_it_was_trained_or_merged_with_the_same_scores(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged = []
    whole = FittedSequence.whole
    monkeypatch.setattr(FittedSequence, "whole", lambda one: merged.append(one) or whole(one))
    settings = {**SETTINGS, "method": "lora", "epochs": 1, "patience": 1}
    scores = []
    for merge in (True, False):
        out = tmp_path / f"merge-{merge}"
        run(inputs, checkpoint, out, finetune={**settings, "merge": merge})
        frame = pd.read_parquet(out / "predictions.parquet")
        scores.append(frame[["score:a", "score:b", "score:c"]].to_numpy())
        assert len(merged) == 1
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)
