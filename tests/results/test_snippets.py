from pathlib import Path

import pytest

from corpora.document import PART_CHARS
from corpora.storage import DOCUMENTS, DocumentWriter
from results import snippets


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Some documents of several parts, more than a row group holds."""
    with DocumentWriter(tmp_path / DOCUMENTS) as writer:
        for i in range(150):
            parts = [f"\n\n\t{i} begins   here\u2028", "x" * PART_CHARS, "the end"]
            writer.add(f"doc-{i}", parts, None)
        writer.add("short", ["a b"], None)
        writer.add("empty", [""], None)
        writer.add("blank", [" " * 5_000 + "late"], None)
    return tmp_path


def test_the_beginning_is_read_with_blanks_collapsed(corpus: Path) -> None:
    found = snippets.read(corpus, ["doc-3", "doc-149", "short", "empty", "blank", "nobody"], 100)
    assert found == {
        "doc-3": "3 begins here", "doc-149": "149 begins here", "short": "a b", "empty": "",
        "blank": "",
    }  # fmt: skip


def test_a_long_text_is_cut_where_it_says(corpus: Path) -> None:
    assert snippets.read(corpus, ["doc-3"], 9) == {"doc-3": "3 begins…"}
    assert snippets.read(corpus, ["doc-3"], 13) == {"doc-3": "3 begins here"}


def test_no_document_is_asked_for_and_none_is_read(corpus: Path) -> None:
    assert snippets.read(corpus, [], 100) == {}


def test_a_corpus_without_its_documents_has_no_texts(corpus: Path, tmp_path: Path) -> None:
    assert snippets.has_texts(corpus)
    assert not snippets.has_texts(tmp_path / "elsewhere") and not snippets.has_texts(None)


@pytest.mark.parametrize(
    ("documents", "expected"),
    [(0, (0, 300)), (10, (10, 300)), (40_000, (40_000, 150)), (1_000_000, (75_000, 80))],
)
def test_room_is_shared_and_never_overdrawn(documents: int, expected: tuple[int, int]) -> None:
    kept, chars = snippets.room(documents, 6_000_000)
    assert (kept, chars) == expected and kept * chars <= 6_000_000
