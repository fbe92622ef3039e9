"""`alter`: lines of test documents change, and nothing else does."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from corpora.altering import OPERATIONS
from corpora.document import PART_CHARS, blocks
from corpora.storage import DocumentWriter, StoredDocument, read_documents
from jobs import alter
from jobs.job import Context
from results.errors import InputError

TESTS = ("d1", "d4")
LINE = "unit {} of the line says that step {} is done\n"
TEXTS = {
    f"d{n}": "".join(LINE.format(n, i) for i in range(30 if n != 4 else 3000)) for n in range(6)
}


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    """Six documents in two groups; one has several parts, one is on no side."""
    folders = {name: tmp_path / name for name in ("corpus", "split")}
    for one in folders.values():
        one.mkdir()
    with DocumentWriter(folders["corpus"] / "documents.parquet") as writer:
        for name, text in TEXTS.items():
            writer.add(name, blocks([text]), f"g{name in TESTS}")
    sides = ["test" if name in TESTS else "train" for name in list(TEXTS)[:5]]
    split = pd.DataFrame({"id": list(TEXTS)[:5], "side": sides})
    split.to_parquet(folders["split"] / "split.parquet")
    return folders


def run(inputs: dict[str, Path], share: float) -> tuple[dict[str, StoredDocument], dict[str, Any]]:
    out = inputs["corpus"].parent / f"out-{share}"
    out.mkdir()
    params = {"share": share, "seed": 3}
    assert alter.run(params, inputs, out, Context(scratch=out)) == {}
    card = json.loads((out / "card.json").read_text())
    return {one.id: one for one in read_documents(out / "documents.parquet")}, card


def original(inputs: dict[str, Path]) -> dict[str, StoredDocument]:
    return {one.id: one for one in read_documents(inputs["corpus"] / "documents.parquet")}


def test_test_documents_change_and_all_others_stay(inputs: dict[str, Path]) -> None:
    before, (after, card) = original(inputs), run(inputs, 0.2)
    assert list(before) == list(after)
    assert {name for name in before if before[name] != after[name]} == set(TESTS)
    assert [one.group for one in before.values()] == [one.group for one in after.values()]
    altered = 0
    for name in TESTS:
        pairs = zip(*("".join(one[name].parts).split("\n") for one in (before, after)), strict=True)
        altered += sum(old != new for old, new in pairs)
        assert list(after[name].parts) == list(blocks(after[name].parts))
    assert len(before["d4"].parts) > 1 and max(map(len, after["d4"].parts)) <= PART_CHARS
    assert card == {
        "share": 0.2, "seed": 3, "documents": 2, "lines": 3030, "altered_lines": altered,
        "operations": card["operations"],
    }  # fmt: skip
    assert sum(card["operations"].values()) == altered and 500 < altered < 710
    assert list(card["operations"]) == list(OPERATIONS)


def test_a_share_of_nothing_is_the_corpus_itself(inputs: dict[str, Path]) -> None:
    after, card = run(inputs, 0.0)
    assert after == original(inputs) and card["altered_lines"] == 0
    same = (
        (folder / "documents.parquet").read_bytes()
        for folder in (inputs["corpus"], inputs["corpus"].parent / "out-0.0")
    )
    assert len(set(same)) == 1


def test_an_impossible_share_is_refused(inputs: dict[str, Path]) -> None:
    with pytest.raises(InputError, match=r"`share: 1.5` must lie between 0 and 1"):
        run(inputs, 1.5)
