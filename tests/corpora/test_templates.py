import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import templates
from corpora.masking import SPECIAL_TOKENS, mask
from corpora.templates import WILDCARD, Matched, Matcher, Templates, plain_lines
from results.errors import InputError
from results.registry import build_class

LOG = """\
link eth0 up after 12 ms
link eth1 up after 7 ms
link eth2 down after 9 ms

    job alpha started by root
job beta started by nobody
job gamma started by root
"""
LINES = st.lists(
    st.lists(st.sampled_from(["a", "b", "c1", "7", "x=7", "<*>", "<num>"]), max_size=6).map(
        " ".join
    ),
    max_size=30,
)
WORDS = st.lists(st.sampled_from(["a", "b", WILDCARD]), min_size=1, max_size=4).map(tuple)


def matcher_of(*documents: str, **settings: Any) -> Matcher:
    miner = Templates(**settings).miner()
    for text in documents:
        miner.add([text])
    return miner.matcher()


def rewritten(matcher: Matcher, text: str) -> tuple[str, Matched]:
    found = Matched()
    return "".join(matcher.rewrite([text], found)), found


def covers(template: str, line: str) -> bool:
    pairs = list(zip(template.split(), line.split(), strict=True))
    return all(ours in (WILDCARD, theirs) for ours, theirs in pairs)


def test_words_that_vary_become_wildcards_and_lines_stay_where_they_are() -> None:
    text, found = rewritten(matcher_of(LOG), LOG)
    assert text.split("\n") == [
        *["link <*> <*> after <*> ms"] * 3,
        "",
        *["job <*> started by <*>"] * 3,
        "",
    ]
    assert (found.lines, found.unmatched) == (6, 0)
    assert found.counts == {"link <*> <*> after <*> ms": 3, "job <*> started by <*>": 3}


def test_other_lines_are_matched_or_stay_as_they_are_masked() -> None:
    text, found = rewritten(matcher_of(LOG), "link eth9 slow after 3 ms\njob  9 failed\r\n\n")
    assert text == "link <*> <*> after <*> ms\njob <*> failed\n\n"
    assert (found.lines, found.unmatched) == (2, 1)


@given(LINES, LINES)
def test_every_line_learnt_from_has_a_template_and_no_text_a_token_of_ours(
    train: list[str], other: list[str]
) -> None:
    matcher = matcher_of("\n".join(train))
    for lines in (train, other):
        text, found = rewritten(matcher, "\n".join(lines))
        assert found.unmatched == 0 or lines is other
        assert len(text.split("\n")) == len("\n".join(lines).split("\n"))
        for ours, line in zip(text.split("\n"), plain_lines("\n".join(lines)), strict=True):
            assert covers(ours, line)
        assert not any(token in text for token in SPECIAL_TOKENS)


@given(LINES)
def test_how_often_lines_occur_and_what_is_forgotten_loses_no_template(lines: list[str]) -> None:
    text = "\n".join(lines)
    once, thrice = matcher_of(text), matcher_of(text, text, text)
    assert rewritten(once, text)[0] == rewritten(thrice, text)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templates, "MOST_CHARS", 10)
        forgetful = matcher_of(text)
        found = rewritten(forgetful, text)
        assert found[1].unmatched == 0 and rewritten(matcher_of(text), text)[0] == found[0]


def test_each_distinct_line_is_learnt_once() -> None:
    miner = Templates().miner()
    for _ in range(3):
        miner.add([LOG, "\n \n"])
    assert (miner.lines, miner.distinct) == (18, 6)


@given(st.lists(WORDS, max_size=12), st.lists(WORDS, max_size=12))
def test_a_line_has_a_template_exactly_where_one_covers_it(
    known: list[tuple[str, ...]], lines: list[tuple[str, ...]]
) -> None:
    matcher = Matcher(known, str.split)
    for words in lines:
        line = " ".join(words)
        fitting = [
            " ".join(one) for one in known if len(one) == len(words) and covers(" ".join(one), line)
        ]
        found = matcher.match(words)
        assert (found in fitting) if fitting else found is None


def test_the_most_specific_template_from_the_left_is_taken() -> None:
    known = [tuple(text.split()) for text in ("<*> b c", "a <*> c", "a <*> <*>")]
    assert Matcher(known, str.split).match(["a", "b", "c"]) == "a <*> c"
    assert Matcher(known, str.split).match(["a", "b", "d"]) == "a <*> <*>"


def test_a_long_line_of_wildcards_is_matched_in_linear_time() -> None:
    line = [WILDCARD] * 2000
    matcher = Matcher([(*line, "x"), (*line, WILDCARD, "y")], str.split)
    assert matcher.match([*line, "z"]) is None and matcher.match([*line, "x"]) is not None


PIECES = (
    *("10.0.0.1:80", "\n", "\r\n", "::", " ", "7", "<newline>", "<hex>", "ab:cd:", "a"),
    "de ad be ef 01 02 03 04",
)


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_a_part_is_masked_as_its_lines_are(pieces: list[str]) -> None:
    text = "".join(pieces)
    lines = re.split(r"\r?\n", text.replace("<newline>", WILDCARD))
    tokens = "|".join(SPECIAL_TOKENS)
    assert plain_lines(text) == [re.sub(tokens, WILDCARD, mask(line)) for line in lines]


def test_the_settings_are_drains() -> None:
    loose, strict = (matcher_of(LOG, sim_th=value).templates for value in (0.4, 1.0))
    assert (loose, strict) == (2, 6)
    assert matcher_of(LOG, max_clusters=1).templates == 1
    text, _ = rewritten(
        matcher_of("a=1,b=2\n", extra_delimiters=("=", ",")), "a=3,b=4\n==\nno,a=1\n"
    )
    assert text == "a <*> b <*>\n==\nno a <*>\n"
    built = build_class("templates", "templates", Templates, {"extra_delimiters": ["="]})
    assert built == Templates(extra_delimiters=("=",))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sim_th": 0}, "`sim_th: 0` must lie above 0 and be at most 1"),
        ({"depth": 2}, "`depth: 2` must be at least 3"),
        ({"max_children": 1}, "`max_children: 1` must be at least 2"),
        ({"max_clusters": 0}, "`max_clusters: 0` must be at least 1"),
        ({"extra_delimiters": ("",)}, "an empty text in `extra_delimiters` parts no words"),
    ],
)
def test_an_impossible_setting_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Templates(**settings)


def test_without_drain3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "drain3.drain", None)
    with pytest.raises(InputError, match=r"need drain3.*pip install 'logmark\[templates\]'"):
        Templates().miner()
