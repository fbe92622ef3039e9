"""The fast masking is the plain one, whatever the text and whatever was masked before."""

import gzip
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpora import mask_words
from corpora.document import blocks
from corpora.mask_grammar import Rewrite, plainly, token, without_numbers
from corpora.mask_words import Words
from corpora.masking import drop_numbers, mask

PIECES = [
    *"0147afxgeE:.-+,<>[]%_TZ/=(é²٣",
    *("12", "255", "256", "999", "05", "be", "::", "dead", "deadbeef", "0x", "10.0.0.1", "fe80"),
    *("aa:bb:cc:dd:ee:ff", "aa-bb", "2015-10-17", "T15:37:56", "15:37:56", ",250", "+02:00"),
    *("550e8400-e29b-41d4-a716-446655440000", "1:", ".1", "::[", "[::]:80", "\x1b[0m", "\t"),
    *(" ", "\n", "\r", "<num>", "<hex>", " 8b 8b 8b 8b 8b 8b 8b", " 48", "8b ", "x" * 130),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


def held_to_the_definition(text: str) -> None:
    assert mask(text) == plainly(token, text)
    assert drop_numbers(text) == plainly(without_numbers, text)


@example("15:37:56 8b 8b 8b 8b 8b 8b 8b")
@example("2015-10-17 8b 8b 8b 8b 8b 8b 8b")
@example("fe80::[::]:80")
@example("10.0.0.255 10.0.0.256 10.0.0.1")
@example("10.0.0.256 10.0.0.255 10.256.0.1:256")
@example("=" * 300 + "7=" * 100)
@example("\ud800 7\ud800 8")
@given(TEXTS)
def test_pieces_that_meet_are_masked_as_defined(text: str) -> None:
    held_to_the_definition(text)


@given(st.text())
def test_any_text_is_masked_as_defined(text: str) -> None:
    held_to_the_definition(text)


@given(TEXTS, st.integers(1, 40))
def test_the_parts_of_a_document_are_masked_as_defined(text: str, limit: int) -> None:
    for part in blocks([text], limit):
        held_to_the_definition(part)


@pytest.mark.parametrize("rule", [token, without_numbers])
@given(words=st.lists(st.lists(st.sampled_from(PIECES), max_size=4).map("".join), max_size=30))
def test_what_was_masked_before_changes_nothing(rule: Rewrite, words: list[str]) -> None:
    kept = Words(rule)

    for word in [*words, *words]:
        assert kept.rewrite(word) == Words(rule).rewrite(word)


@pytest.mark.parametrize("rule", [token, without_numbers])
@given(text=TEXTS)
def test_whole_texts_and_words_come_to_the_same(rule: Rewrite, text: str) -> None:
    whole = Words(rule)
    whole._known._learned = 10**9  # looking up does not pay

    assert whole.rewrite(text) == Words(rule).rewrite(text)


@pytest.mark.parametrize(
    "unit", ["a", "1", "1.", "aa:", "8b ", "1:", "::", "::[", "[:", "ab-", "="]
)
def test_no_line_makes_whole_texts_slow(unit: str) -> None:
    words = Words(token)
    words._known._learned = 10**9
    started = time.process_time()

    words.rewrite((unit * 65_536)[:65_535] + "x")

    assert time.process_time() - started < 1


@pytest.mark.parametrize("first", ["1", "9"])
def test_digits_of_an_address_are_never_taken_for_each_other(first: str) -> None:
    octets = [f"{first}{rest}" for rest in ("", "0", "00", "99")] + ["0", "05", "255", "256"]

    for octet in octets:
        for text in (f"{octet}.1.1.1", f"1.1.1.{octet}", f"::{octet}.1.1.1", f"/1.1.{octet}.1:80"):
            held_to_the_definition(text)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_words, "MOST", 50)
    words = Words(token)

    for number in range(300):
        text = f"{number} a{number:b} {'y' * number} {'z=7' * number}"
        assert words.rewrite(text) == plainly(token, text)
        assert len(words._known) <= 50 and len(words._known._forms) <= 50
        assert max(map(len, words._known)) <= mask_words.LONGEST


def test_threads_share_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_words, "MOST", 50)
    texts = [" ".join(f"t{n % 7}={n} {n:#x}" for n in range(k, k + 100)) for k in range(200)]
    words = Words(token)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(words.rewrite, texts)) == [plainly(token, text) for text in texts]


def texts_in(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        for _, line in zip(range(3000), stream, strict=False):
            row = json.loads(line)
            yield row["text"] if "text" in row else json.dumps(row)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "file",
    [
        "hdfs_v1_sessions/raw_sessions_2pct.jsonl.gz",
        "hadoop_runs/containers.jsonl.gz",
        "syzkaller_kernel_crashes/docs.jsonl.gz",
        "loghub_2k/lines.jsonl.gz",
        "openstack_failures_dev/NET.jsonl.gz",
        "logdx_ci_root_cause/docs.jsonl.gz",
    ],
)
def test_real_logs_are_masked_as_defined(shared_data: Path, file: str) -> None:
    left = 1_000_000
    for text in texts_in(shared_data / file):
        held_to_the_definition(text[:left])
        left -= len(text)
        if left <= 0:
            return
    assert left < 1_000_000
