"""The reference network as a job: a cell with a card, whatever the documents hold."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import cell_inputs

from classifiers.char_lm import CharLm
from classifiers.residual_cnn import load
from jobs import reference
from jobs.job import Context
from results.errors import InputError
from results.records import Cell

SETTINGS = {"context": 200, "embedding": 8, "channels": 16, "dense": 16, "stem_stride": 1}
SETTINGS |= {"layers": 2, "epochs": 8, "learning_rate": 0.01, "refit": False}
PARAMS = {
    "reference": "cnn",
    "settings": SETTINGS,
    "view": {"text": "cleaned", "drop_numbers": False},
    "seed": 0,
    "device": "cpu",
    "precision": "fp32",
    "threads": 1,
}
SIGNS = {"a": "fault", "b": "faint", "c": "fail"}


def corpus(train: str = "abc") -> tuple[pd.DataFrame, list[str]]:
    """90 documents, every third for testing; of the train documents those of classes `train`.

    One test document holds a character that no other has, another is longer than the context.
    """
    generator = np.random.default_rng(0)
    rows, sides = [], []
    for number in range(90):
        label, side = "abc"[number % 3], "test" if number // 3 % 3 == 0 else "train"
        said = " ".join(generator.choice(["link", "setup", "timer", "ok"], 12).tolist())
        extra = {0: "\u00e9", 1: "k" * 400}.get(number, "")
        if side == "test" or label in train:
            row = {"id": f"d{number:02}", "label": label, "text": f"{SIGNS[label]} {said}{extra}"}
            rows.append(row)
            sides.append(side)
    return pd.DataFrame(rows), sides


def run(inputs: dict[str, Path], out: Path, **changes: Any) -> tuple[Cell, dict[str, Any]]:
    out.mkdir()
    settings = {**SETTINGS, **changes}
    context = Context(scratch=out.with_suffix(".scratch"))
    reference.run({**PARAMS, "settings": settings}, inputs, out, context)
    cell = Cell.model_validate_json((out / "cell.json").read_bytes())
    return cell, json.loads((out / "card.json").read_text())


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    return cell_inputs(tmp_path, *corpus())


def test_cell_has_curves_and_the_card_says_what_was_read(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    cell, card = run(inputs, tmp_path / "out")
    assert cell.scores.accuracy > 0.6
    names = {"train_loss", "valid_loss", "valid_accuracy", "valid_macro_f1"}
    assert {curve.name for curve in cell.curves} == names
    assert cell.parameters == card["parameters"] == card["bytes"] / 4
    test = card["coverage"]["test"]
    assert (test["documents"], test["cut"], test["unknown"]) == (30, 1, 1)
    assert test["chars"] - test["read"] > 200
    assert test["share"] == test["read"] / test["chars"]
    assert card["coverage"]["train"]["cut"] == card["coverage"]["train"]["unknown"] == 0


def test_costs_tell_of_training_and_use_and_the_payload_does_not(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    settings = {**SETTINGS, "epochs": 2}
    context = Context(scratch=tmp_path / "scratch")
    found = reference.run({**PARAMS, "settings": settings}, inputs, tmp_path / "out", context)
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert (found["epochs"], found["model_bytes"]) == (2.0, card["bytes"])
    assert 0 < found["latency_8_s"] < found["latency_1_s"] * 2 < 2  # type: ignore[operator]
    assert found["train_s"] > 0 and found["train_rss_bytes"] > 10_000_000  # type: ignore[operator]
    assert not set(found) & set(card)


def test_a_class_absent_from_train_scores_zero(tmp_path: Path) -> None:
    inputs = cell_inputs(tmp_path, *corpus(train="ab"))
    cell, _ = run(inputs, tmp_path / "out")
    assert cell.classes == ["a", "b", "c"]
    assert cell.scores.per_class["c"].support == 10
    assert cell.scores.per_class["c"].f1 == 0.0


def test_all_of_train_may_be_learnt_from(inputs: dict[str, Path], tmp_path: Path) -> None:
    cell, card = run(inputs, tmp_path / "out", validation_share=0.0)
    assert [curve.name for curve in cell.curves] == ["train_loss"]
    assert card["best_epoch"] is None


def test_embedding_starts_from_char_lm_where_the_job_is_given_one(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    found = []
    for name, seed in (("x", 0), ("y", 1)):
        folder = tmp_path / name
        (folder / "work").mkdir(parents=True)
        lm = CharLm(embedding=8, units=8, epochs=1, sequence=16, max_chars=2000)
        lm.fit([["fault faint fail"] * 9] * 4, seed=seed, workdir=folder / "work").save(folder)
        run({**inputs, "char_lm": folder}, tmp_path / f"out-{name}", epochs=1)
        found.append(load(tmp_path / f"out-{name}").network.embedding.weight)
    run(inputs, tmp_path / "out", epochs=1)
    found.append(load(tmp_path / "out").network.embedding.weight)
    assert not any((one == other).all() for one, other in zip(found, found[1:], strict=False))
    with pytest.raises(InputError, match="embedding is 4 wide and char_lm's 8"):
        run({**inputs, "char_lm": tmp_path / "x"}, tmp_path / "bad", embedding=4)


def test_precision_of_the_suite_holds_unless_the_network_says_its_own(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    run(inputs, tmp_path / "auto", epochs=1)
    run(inputs, tmp_path / "own", epochs=1, precision="bf16")
    assert load(tmp_path / "auto").settings.precision == "fp32"
    assert load(tmp_path / "own").settings.precision == "bf16"
