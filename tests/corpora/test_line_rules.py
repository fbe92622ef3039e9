import re
import time
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from corpora.line_rules import without_long_lines, without_long_words

CHUNKS = st.lists(st.text(alphabet="ab \n\t", max_size=20), max_size=8)


@given(CHUNKS, st.integers(1, 6))
def test_long_words_go_and_blanks_stay_however_the_text_is_cut(
    chunks: list[str], limit: int
) -> None:
    counts: Counter[str] = Counter()
    words = re.split(r"(\s+)", "".join(chunks))

    kept = "".join(without_long_words(chunks, limit, counts))

    assert kept == "".join(word for word in words if word.isspace() or len(word) <= limit)
    assert counts["words_dropped"] == sum(len(w) > limit and not w.isspace() for w in words)


@given(CHUNKS, st.integers(1, 6))
def test_long_lines_go_with_their_newline_however_the_text_is_cut(
    chunks: list[str], limit: int
) -> None:
    counts: Counter[str] = Counter()
    lines = re.findall(r"[^\n]*\n|[^\n]+", "".join(chunks))

    kept = "".join(without_long_lines(chunks, limit, counts))

    assert kept == "".join(line for line in lines if len(line.rstrip("\n")) <= limit)
    assert counts["lines_dropped"] == sum(len(line.rstrip("\n")) > limit for line in lines)


def test_an_endless_line_is_dropped_in_bounded_memory_and_linear_time() -> None:
    counts: Counter[str] = Counter()
    parts = ("x" * 65_536 for _ in range(500))
    started = time.process_time()

    words = without_long_words(parts, 1000, counts)
    kept = list(without_long_lines(words, 1000, counts))

    assert "".join(kept) == "" and counts["words_dropped"] == 1
    assert time.process_time() - started < 2
