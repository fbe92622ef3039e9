import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.document import Document, blocks, unique
from results.errors import InputError

TEXTS = st.text(alphabet="ab\n", max_size=60)


@given(st.lists(TEXTS), st.integers(1, 9))
def test_blocks_do_not_depend_on_how_the_text_was_cut(chunks: list[str], limit: int) -> None:
    text = "".join(chunks)

    cut = list(blocks(chunks, limit))

    assert cut == list(blocks([text], limit)) == list(blocks(text, limit))
    assert "".join(cut) == text
    assert all(1 <= len(block) <= limit for block in cut)


@given(TEXTS, st.integers(1, 9))
def test_a_block_ends_at_the_last_newline_within_the_limit(text: str, limit: int) -> None:
    cut = list(blocks([text], limit))

    for number, block in enumerate(cut[:-1]):
        if not block.endswith("\n"):
            assert len(block) == limit and "\n" not in block
        else:  # no later newline could have been reached
            rest = "".join(cut[number:])
            assert rest[:limit].rfind("\n") + 1 == len(block)


def test_text_of_exactly_the_limit_is_one_block() -> None:
    assert list(blocks(["a\nb"], 3)) == ["a\nb"]
    assert list(blocks(["a\n", "b", "c"], 3)) == ["a\n", "bc"]


def test_a_line_of_50_mb_takes_linear_time() -> None:
    started = time.process_time()

    count = sum(1 for _ in blocks(["x" * 50_000_000]))

    assert count == -(-50_000_000 // 65_536)
    assert time.process_time() - started < 2  # copying the rest at each cut would take 20 GB


def test_two_documents_of_one_id_are_refused() -> None:
    documents = [Document("a", [], {}), Document("b", [], {}), Document("a", [], {})]

    with pytest.raises(InputError, match=r"logs\.csv: two documents have the id 'a'.*`id:`"):
        list(unique(documents, "logs.csv"))
