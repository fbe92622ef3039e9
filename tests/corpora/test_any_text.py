"""Masking of whatever text: how long it may get, how long it may take, what stays as it is.

That masking twice is masking once, and that the fast way is the plain definition, is held in
`test_masking.py` and `test_mask_words.py`.
"""

import re
import time

from effort import drawn
from hypothesis import example, given
from hypothesis import strategies as st

from corpora.mask_words import Words
from corpora.masking import SPECIAL_TOKENS, TextView, drop_numbers, mask

MOST = len("<newline>")
"""Characters that one character may become: a line end. A number in a line becomes five."""

ODD = st.sampled_from(
    [
        *"0157afxXeE.:-+()[]{}<>%_ \t\r\n\x00\x0b\x1b\x85\u2028\ud800\udfff\u0301\ufeff٣²é",
        "0x",
        "::",
    ]
)
TEXTS = st.lists(ODD, max_size=30).map("".join) | st.text(max_size=30)
PLAIN = st.from_regex(r"[g-zG-Z][A-Za-z_]{0,8}[0-9]{0,6}", fullmatch=True)
NUMBERS = st.sampled_from(["7", "12.5", "0x1f", "10.0.0.1", "deadbeef00", "1e-05", "12:00:01"])


@drawn(25)
@given(TEXTS)
def test_masked_text_is_at_most_nine_times_as_long_and_without_numbers_no_longer(text) -> None:
    masked = mask(text)
    assert len(masked) <= MOST * len(text)
    assert "\n" not in masked
    line = text.replace("\n", " ")
    assert len(mask(line)) <= 5 * len(line)
    assert len(drop_numbers(text)) <= len(text)


@drawn(10)
@given(TEXTS)
def test_views_of_any_text_are_the_same_again(text: str) -> None:
    for view in (TextView(text="masked"), TextView(text="masked", drop_numbers=True)):
        assert view.apply(view.apply(text)) == view.apply(text)
    assert text.count("\n") == TextView(drop_numbers=True).apply(text).count("\n")


@drawn(10)
@given(st.lists(st.tuples(PLAIN | st.sampled_from(SPECIAL_TOKENS), NUMBERS), min_size=1))
def test_words_and_tokens_stay_between_what_is_masked(pairs: list[tuple[str, str]]) -> None:
    masked = mask(" ".join(f"{word} {number}" for word, number in pairs)).split(" ")
    assert masked[::2] == [word for word, _ in pairs]
    kinds = re.compile(r"<num>|<hex>|<ipaddr>|<num>:<num>:<num>")
    assert all(kinds.fullmatch(number) for number in masked[1::2])


UNITS = st.text(st.sampled_from(list("019afxe.:-+([{<%_ \tgé/=,T")), min_size=1, max_size=7)


@drawn(2)
@example("(")
@example("0x")
@example(":")
@example("::")
@example("9")
@example("1.1.1.1:")
@example("aa:")
@example("f8 ")
@example("2015-10-17T")
@given(UNITS)
def test_four_times_the_text_takes_about_four_times_as_long(unit: str) -> None:
    assert _seconds(unit, 1 << 16) < 12 * _seconds(unit, 1 << 14) + 0.02


def _seconds(unit: str, chars: int) -> float:
    """Mask one line of so many characters, with nothing known from before; best of three."""
    text, found = (unit * chars)[:chars], []
    for _ in range(3):
        words = Words(lambda kind, match: f"<{kind}>")
        started = time.process_time()
        words.rewrite(text)
        found.append(time.process_time() - started)
    return min(found)
