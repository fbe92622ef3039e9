from pathlib import Path

import pyarrow.parquet as pq
import pytest

from corpora import storage
from corpora.storage import (
    DocumentWriter,
    StoredDocument,
    read_documents,
    read_index,
)

DOCUMENTS = [
    StoredDocument("b", "g1", ("one\n", "two\n", "three")),
    StoredDocument("a", None, ("ü" * 10,)),
    StoredDocument("c", "g2", ("x\n", "y\n")),
]


def write(path: Path) -> Path:
    with DocumentWriter(path) as writer:
        for document in DOCUMENTS:
            writer.add(document.id, iter(document.parts), document.group)
    return path


@pytest.fixture(params=[1, 2, 4096])
def stored(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Documents within, across and at the edges of row groups."""
    monkeypatch.setattr(storage, "ROW_GROUP_ROWS", request.param)
    return write(tmp_path / "documents.parquet")


def test_documents_come_back_whole_and_in_order(stored: Path) -> None:
    assert list(read_documents(stored)) == DOCUMENTS


def test_chosen_documents_come_back_in_stored_order(stored: Path) -> None:
    assert [d.id for d in read_documents(stored, {"c", "b"})] == ["b", "c"]
    assert list(read_documents(stored, ["c"])) == [DOCUMENTS[2]]


def test_an_id_that_is_not_stored_is_noticed(stored: Path) -> None:
    with pytest.raises(AssertionError, match="lacks 1 ids"):
        list(read_documents(stored, ["a", "z"]))


def test_the_index_has_one_row_per_document(stored: Path) -> None:
    index = read_index(stored)

    assert index["id"].tolist() == ["b", "a", "c"]
    assert index["group"].isna().tolist() == [False, True, False]
    assert index["group"].dropna().tolist() == ["g1", "g2"]


def test_the_same_documents_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name).read_bytes() for name in ("1", "2"))

    assert first == second


def test_row_groups_hold_a_bounded_number_of_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "ROW_GROUP_CHARS", 100)
    with DocumentWriter(tmp_path / "d") as writer:
        writer.add("long", ("x" * 40 for _ in range(10)), None)

    metadata = pq.read_metadata(tmp_path / "d")

    rows = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert rows == [3, 3, 3, 1]
