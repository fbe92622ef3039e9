"""Test labels cannot reach training: whatever they are, the predictions stay the same."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from embedders import vectors
from embedders.shard import Coverage, Rows
from jobs import classify
from jobs.cells import Outcome, read_normals, read_sides, spread, write_cell
from jobs.job import Context
from results.records import Cell

CLASSES = ("a", "b", "c")
PARAMS = {"settings": {}, "tune": True, "folds": 2, "seed": 0}


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    """90 documents in three overlapping clouds; every third one is a test document."""
    folders = {name: tmp_path / name for name in ("vectors", "labels", "split")}
    for folder in folders.values():
        folder.mkdir()
    ids = [f"d{number:02}" for number in range(90)]
    labels = [CLASSES[number % 3] for number in range(90)]
    centre = np.array([CLASSES.index(label) for label in labels])[:, None] * 1.5
    points = centre + np.random.default_rng(0).normal(size=(90, 4))
    coverage = [Coverage(name, 1, 1, 1, 1.0) for name in ids]
    rows = Rows(coverage=coverage, vectors=points.astype(np.float32))
    vectors.write(folders["vectors"], [rows])
    nothing = pd.Series([None] * 90, dtype="str")
    frame = {"id": ids, "label": labels, "group": nothing, "time": nothing, "given": nothing}
    pd.DataFrame(frame).to_parquet(folders["labels"] / "labels.parquet")
    sides = ["test" if number // 3 % 3 == 0 else "train" for number in range(90)]
    pd.DataFrame({"id": ids, "side": sides}).to_parquet(folders["split"] / "split.parquet")
    (folders["split"] / "card.json").write_text(json.dumps({"by": "stratified"}))
    return folders


@pytest.mark.parametrize("name", ["random_forest", "xgboost", "logistic_regression"])
def test_test_labels_do_not_reach_training(
    inputs: dict[str, Path], tmp_path: Path, name: str
) -> None:
    params, predicted = {**PARAMS, "classifier": name}, []
    for attempt in range(2):
        out = tmp_path / str(attempt)
        out.mkdir()
        classify.run(params, inputs, out, Context(scratch=tmp_path))
        cell = Cell.model_validate_json((out / "cell.json").read_bytes())
        predicted.append((pd.read_parquet(out / "predictions.parquet"), cell))
        path = inputs["labels"] / "labels.parquet"
        labels = pd.read_parquet(path)
        sides = pd.read_parquet(inputs["split"] / "split.parquet")["side"]
        test = labels.loc[sides == "test", "label"]
        labels.loc[sides == "test", "label"] = np.roll(test.to_numpy(), 1)
        labels.to_parquet(path)
    (first, cell_1), (second, cell_2) = predicted
    assert list(first["label"]) != list(second["label"])
    pd.testing.assert_frame_equal(first.drop(columns="label"), second.drop(columns="label"))
    assert cell_1.best_params == cell_2.best_params and cell_1.cv_macro_f1 == cell_2.cv_macro_f1
    assert cell_1.scores.accuracy > 0.6 > cell_2.scores.accuracy


def test_a_network_of_the_matrix_brings_its_curves(inputs: dict[str, Path], tmp_path: Path) -> None:
    settings = {"epochs": 3, "channels": 4, "dense": 8}
    params = {**PARAMS, "classifier": "embedding_cnn", "settings": settings, "tune": False}
    classify.run({**params, "folds": 0}, inputs, tmp_path, Context(scratch=tmp_path))
    cell = Cell.model_validate_json((tmp_path / "cell.json").read_bytes())
    names = {"train_loss", "valid_loss", "valid_accuracy", "valid_macro_f1"}
    assert {curve.name for curve in cell.curves} == names
    assert cell.parameters is not None and cell.parameters > 100


def test_sides_hold_no_test_label_and_no_document_twice(inputs: dict[str, Path]) -> None:
    sides = read_sides(inputs)
    assert not set(sides.train_ids) & set(sides.test_ids)
    assert len(sides.train_labels) == len(sides.train_ids) == 60
    assert sides.train_groups is None


def test_one_class_is_told_from_all_others_whatever_they_are_called(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    sides = read_sides(inputs, normal="b")
    assert sides.classes == ["anomaly", "normal"]
    assert [(sides.train_labels == name).sum() for name in sides.classes] == [40, 20]
    guessed = np.array(["normal", "anomaly"] * 15)
    outcome = Outcome(
        predicted=guessed, scores=None, best_params={}, cv_macro_f1=None, cv_reason="none"
    )
    write_cell(inputs, tmp_path, sides, outcome)
    told = pd.read_parquet(tmp_path / "predictions.parquet").set_index("id")["label"]
    labels = pd.read_parquet(inputs["labels"] / "labels.parquet").set_index("id")["label"]
    assert ((told == "normal") == (labels[told.index] == "b")).all()
    cell = Cell.model_validate_json((tmp_path / "cell.json").read_bytes())
    assert cell.scores.per_class["anomaly"].support == 20
    assert cell.scores.accuracy == (told.to_numpy() == guessed).mean()


def test_the_train_side_is_divided_by_what_is_normal(inputs: dict[str, Path]) -> None:
    sides, normals = read_sides(inputs), read_normals(inputs, "a", 0.3)
    assert sorted([*normals.fit, *normals.valid]) == sorted(sides.train_ids)
    label = dict(zip(sides.train_ids, sides.train_labels, strict=True))
    assert {label[name] for name in normals.fit} == {"a"}
    assert sum(label[name] != "a" for name in normals.valid) == 40


def test_a_class_the_classifier_never_met_is_never_the_most_likely() -> None:
    scores = spread(np.array([[-2.0, -1.0]]), ["a", "c"], ["a", "b", "c"])
    assert scores is not None and scores.tolist() == [[-2.0, -2.0, -1.0]]
    assert scores.argmax() == 2
