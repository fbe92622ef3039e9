"""Anomaly detection as a job: a cell of two classes, chosen on validation, deaf to test labels."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import cell_inputs

from adapters.bert import BertAdapter
from adapters.masked_sentences import MaskedSentences
from adapters.tiny import build_tiny
from classifiers.registry import DETECTORS
from corpora.masking import SPECIAL_TOKENS, TextView
from embedders import vectors
from embedders.shard import Coverage, Rows
from jobs import anomaly
from jobs.cells import read_normals
from jobs.job import Context
from results.errors import InputError
from results.records import Cell
from results.registry import find

STEPS = ["alloc block", "recv packet", "store block", "ack packet", "close block"]
ODD = {"broken": "timeout error retry", "lost": "checksum panic halt"}
VIEW = {"text": "masked", "drop_numbers": False}
PARAMS = {
    "detector_settings": {},
    "normal": "fine",
    "validation_share": 0.3,
    "view": VIEW,
    "seed": 0,
    "device": "cpu",
    "precision": "fp32",
    "threads": 1,
}
READS_MODEL = {
    "adapter": "bert",
    "settings": {"context": 64},
    "identity": {},
    "code": {},
    "attention": "sdpa",
}


def corpus() -> pd.DataFrame:
    """120 runs of the same steps; every fourth goes wrong in one of two ways."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(120):
        label = "fine" if number % 4 else ("broken" if number % 8 else "lost")
        steps = STEPS * int(generator.integers(1, 3))
        if label != "fine":
            steps[1], steps[3] = ODD[label], ODD[label]
        rows.append({"id": f"d{number:03}", "label": label, "text": "\n".join([*steps, ""])})
    return pd.DataFrame(rows)


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    """The corpus, two thirds of it test documents in blocks, which take every class alike."""
    frame = corpus()
    sides = ["test" if number // 8 % 3 else "train" for number in range(len(frame))]
    return cell_inputs(tmp_path, frame, sides)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny random BERT, and what some epochs on the train side's normal documents made of it."""
    folder = tmp_path_factory.mktemp("model")
    frame = corpus()
    tiny = build_tiny(folder / "tiny", frame["text"], mlm_head=True)
    train = frame[[number // 8 % 3 == 0 for number in range(len(frame))]]
    view = TextView(text="masked")
    MaskedSentences(
        epochs=40, stage_epochs=0, batch_size=4, learning_rate=5e-3, block=64, rate_factor=1.0
    ).adapt(
        BertAdapter(checkpoint=str(tiny)),
        [[view.apply(text)] for text in train.loc[train["label"] == "fine", "text"]],
        special_tokens=SPECIAL_TOKENS,
        out=folder / "adapted",
        scratch=folder / "scratch",
    )
    return tiny, folder / "adapted"


@pytest.fixture
def detect(
    inputs: dict[str, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[..., tuple[Cell, dict[str, Any], pd.DataFrame]]:
    """Run a detector; gives the cell, the card and the predictions."""

    def run(name: str, out: str = "out", **changes: Any) -> tuple[Cell, Any, pd.DataFrame]:
        params, own, local = {**PARAMS, "detector": name, **changes}, dict(inputs), {}
        reads = find("detector", name, DETECTORS).reads
        if reads == "model":
            tiny, trained = request.getfixturevalue("adapted")
            params |= READS_MODEL
            own["adapted"], local = trained, {"checkpoint": str(tiny)}
        if reads == "vectors":
            own["vectors"] = write_vectors(tmp_path / f"{out}-vectors")
        folder = tmp_path / out
        folder.mkdir()
        context = Context(scratch=tmp_path / "scratch", local=local)
        costs = anomaly.run(params, own, folder, context)
        assert {"train_s", "model_bytes", "latency_1_s", "latency_8_s"} <= set(costs)
        assert {path.name for path in folder.iterdir()} == {
            "cell.json",
            "card.json",
            "predictions.parquet",
        }
        return (
            Cell.model_validate_json((folder / "cell.json").read_bytes()),
            json.loads((folder / "card.json").read_text()),
            pd.read_parquet(folder / "predictions.parquet"),
        )

    return run


def write_vectors(folder: Path) -> Path:
    """Count each document's odd words and its lines, in another order than the corpus has."""
    folder.mkdir()
    frame = corpus().sort_values("label", ignore_index=True)
    odd = frame["text"].str.count("|".join(" ".join(ODD.values()).split()))
    found = np.stack([odd, frame["text"].str.count("\n")], axis=1).astype(np.float32)
    coverage = [Coverage(name, 1, 1, 1, 1.0) for name in frame["id"]]
    vectors.write(folder, [Rows(coverage=coverage, vectors=found)])
    return folder


def relabel(inputs: dict[str, Path]) -> None:
    """Give the test documents each other's labels."""
    path = inputs["labels"] / "labels.parquet"
    labels = pd.read_parquet(path)
    test = pd.read_parquet(inputs["split"] / "split.parquet")["side"] == "test"
    labels.loc[test, "label"] = np.roll(labels.loc[test, "label"].to_numpy(), 1)
    labels.to_parquet(path)


@pytest.mark.parametrize("name", DETECTORS)
def test_the_cell_has_two_classes_and_what_was_chosen(detect: Any, name: str) -> None:
    cell, card, told = detect(name)
    assert cell.classes == ["anomaly", "normal"]
    assert (cell.train_documents, cell.test_documents) == (40, 80)
    assert set(told["label"]) == {"anomaly", "normal"}
    assert (told["label"] == "anomaly").sum() == 20
    above = told["score:anomaly"] > told["score:normal"]
    assert (above == (told["predicted"] == "anomaly")).all()
    texts = corpus().set_index("id")["text"][told["id"]].to_numpy()
    assert (told.groupby(texts)["score:anomaly"].nunique() == 1).all()  # equal ones score alike
    documents = card["documents"]
    assert documents["test"] == 80 and documents["valid"]["anomaly"] == 10
    assert documents["fit"] + documents["valid"]["normal"] == 30
    assert documents["valid"]["normal"] in (9, 10)
    assert card["choice"]["normal_weight"] == 30 / documents["valid"]["normal"]
    assert card["choice"]["threshold"] == cell.best_params["threshold"]
    assert {"f1", "precision", "recall", "f1_of_alarm", "reason"} <= set(card["choice"])
    assert cell.cv_macro_f1 is None
    assert cell.cv_reason is not None
    assert cell.cv_reason.startswith("chosen on validation documents of train")


@pytest.mark.parametrize("name", ["centroid", "unseen_templates"])
def test_planted_anomalies_are_found_by_vectors_and_lines(detect: Any, name: str) -> None:
    cell, card, _ = detect(name)
    assert cell.scores.per_class["anomaly"].f1 == 1.0
    assert card["choice"]["f1"] == 1.0 and card["choice"]["reason"] is None
    assert "audit" not in card


def test_planted_anomalies_are_guessed_worse_by_a_model_that_knows_normal_ones(detect: Any) -> None:
    cell, card, told = detect("top_k", detector_settings={"thresholds": "any", "ks": [1, 2, 5]})
    by_kind = told.groupby("label")["score:anomaly"].mean()
    assert by_kind["anomaly"] > by_kind["normal"] + 0.2
    assert cell.scores.per_class["anomaly"].f1 > 0.8
    assert cell.best_params["k"] in (1, 2, 5)
    assert card["audit"]["random_weights"] is True
    assert card["coverage"]["share"] == 1.0
    assert card["paragraphs"] == 100  # of validation and test documents
    assert card["distinct_paragraphs"] == 6
    assert card["hidden_tokens"] > 0


def test_a_choice_that_is_worth_nothing_is_told_by_card_and_cell(detect: Any) -> None:
    cell, card, _ = detect("line_count")
    assert card["choice"]["reason"] is not None
    assert card["choice"]["reason"] in (cell.cv_reason or "")


@pytest.mark.parametrize("name", DETECTORS)
def test_test_labels_have_no_influence(detect: Any, inputs: dict[str, Path], name: str) -> None:
    first_cell, first_card, first = detect(name, "a")
    relabel(inputs)
    second_cell, second_card, second = detect(name, "b")
    assert list(first["label"]) != list(second["label"])
    pd.testing.assert_frame_equal(first.drop(columns="label"), second.drop(columns="label"))
    assert first_card == second_card
    assert first_cell.best_params == second_cell.best_params


def test_the_same_run_gives_the_same_bytes_and_another_seed_other_masks(
    detect: Any, tmp_path: Path
) -> None:
    settings = {"thresholds": "any", "ks": [1]}
    for out, seed in (("a", 0), ("b", 0), ("c", 1)):
        detect("top_k", out, seed=seed, detector_settings=settings)
    for name in ("cell.json", "card.json", "predictions.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    scores = [pd.read_parquet(tmp_path / n / "predictions.parquet") for n in ("a", "c")]
    assert (scores[0]["score:anomaly"] != scores[1]["score:anomaly"]).any()


def test_nothing_is_learnt_from_validation_documents(inputs: dict[str, Path]) -> None:
    normals = read_normals(inputs, "fine", 0.3)
    labels = corpus().set_index("id")["label"]
    assert set(labels[normals.fit]) == {"fine"}
    assert not set(normals.fit) & set(normals.valid)
    assert set(normals.fit) | set(normals.valid) == {
        name for number, name in enumerate(labels.index) if number // 8 % 3 == 0
    }


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("line_count", {"normal": "good"}, "`normal: good` is no class"),
        ("line_cuont", {}, "unknown detector 'line_cuont': did you mean 'line_count'"),
        ("top_k", {"detector_settings": {"k": 5}}, "detector 'top_k' has no setting 'k'"),
        ("top_k", {"detector_settings": {"ks": ["x"]}}, "detector 'top_k', setting 'ks.0'"),
    ],
)
def test_impossible_requests_are_refused(
    detect: Any, name: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        detect(name, **changes)


def test_a_model_without_a_head_is_refused(inputs: dict[str, Path], tmp_path: Path) -> None:
    headless = build_tiny(tmp_path / "tiny", corpus()["text"])
    context = Context(scratch=tmp_path, local={"checkpoint": str(headless)})
    params = {**PARAMS, **READS_MODEL, "detector": "top_k"}
    with pytest.raises(InputError, match="no trained masked-language-model head"):
        anomaly.run(params, inputs, tmp_path, context)
