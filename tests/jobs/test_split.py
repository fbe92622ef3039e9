"""`split` with a thinned train side: what is written, and what its readers make of it."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from corpora.storage import DocumentWriter
from jobs import split
from jobs.cells import Sides, read_sides
from jobs.job import Context
from results.errors import InputError

PARAMS = {"by": "stratified", "test_share": 0.3, "seed": 3, "leaks": "count"}


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    """60 documents of two classes, in groups of four; `d00` and its like say the same."""
    folders = {name: tmp_path / name for name in ("corpus", "labels")}
    for folder in folders.values():
        folder.mkdir()
    ids = [f"d{number:02}" for number in range(60)]
    groups = [f"g{number // 4}" for number in range(60)]
    with DocumentWriter(folders["corpus"] / "documents.parquet") as writer:
        for number, (name, group) in enumerate(zip(ids, groups, strict=True)):
            writer.add(name, [f"text {'abcdefghij'[number % 10]}\n"], group)
    nothing = pd.Series([None] * 60, dtype="str")
    labels = {"id": ids, "label": ["a", "b"] * 30, "group": groups, "time": nothing}
    frame = pd.DataFrame({**labels, "given": nothing})
    frame.to_parquet(folders["labels"] / "labels.parquet")
    return folders


def _split(inputs: dict[str, Path], **params: Any) -> tuple[dict[str, Any], Sides]:
    out = inputs["corpus"].parent / json.dumps(params, sort_keys=True)
    out.mkdir()
    split.run({**PARAMS, **params}, inputs, out, Context(scratch=out))
    card = json.loads((out / "card.json").read_text())
    return card, read_sides({**inputs, "split": out})


@pytest.mark.parametrize("by", ["stratified", "group"])
def test_less_is_learnt_from_and_the_test_side_stays(inputs: dict[str, Path], by: str) -> None:
    whole, sides = _split(inputs, by=by)
    part, fewer = _split(inputs, by=by, train_share=0.5)
    assert fewer.test_ids == sides.test_ids and fewer.classes == sides.classes
    assert set(fewer.train_ids) < set(sides.train_ids)
    train, unused = len(fewer.train_ids), len(sides.train_ids) - len(fewer.train_ids)
    assert part["documents"] == {**whole["documents"], "train": train, "unused": unused}
    assert part["train_share"] == 0.5 and "train_share" not in whole
    assert part["hash"] != whole["hash"]


def test_duplicates_are_those_of_what_is_learnt_from(inputs: dict[str, Path]) -> None:
    whole, sides = _split(inputs)
    part, fewer = _split(inputs, train_share=0.5)
    assert whole["duplicates"]["exact"]["train"] == len(sides.train_ids) - 10
    assert part["duplicates"]["exact"]["train"] < len(fewer.train_ids)
    assert part["duplicates"]["exact"]["test"] == whole["duplicates"]["exact"]["test"]


def test_a_twin_in_what_is_left_out_is_no_leak(inputs: dict[str, Path]) -> None:
    labels = pd.read_parquet(inputs["labels"] / "labels.parquet")
    train, others = labels.iloc[:10], labels.iloc[10:20]  # each of the others has a twin in train

    def divide(test: pd.DataFrame, **params: Any) -> Sides:
        given = [train.assign(given="train"), test.assign(given="test")]
        pd.concat(given).to_parquet(inputs["labels"] / "labels.parquet")
        return _split(inputs, by="column", train_share=0.4, **params)[1]

    kept = train["id"].isin(divide(others).train_ids).to_numpy()
    assert kept.sum() == 4
    assert len(divide(others[~kept], leaks="refuse").test_ids) == 6
    with pytest.raises(InputError, match="has a twin in train"):
        divide(others, leaks="refuse", seed=PARAMS["seed"])
