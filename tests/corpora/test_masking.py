import gzip
import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpora.masking import SPECIAL_TOKENS, TextView, drop_numbers, mask

LINES = [
    # numbers
    ("[  12.345] pid=123, took 7 of 10", "[  <num>] pid=<num>, took <num> of <num>"),
    (
        "12:00:01,250 -5 50% #294 ver 4.16.0+",
        "<num>:<num>:<num>,<num> -<num> <num>% #<num> ver <num>+",
    ),
    ("clone.go:75 loss 1e-05 and 2.5E+3.", "clone.go:<num> loss <num> and <num>."),
    ("2015-10-17T15:37:56.547Z", "<num>-<num>-<num>T<num>:<num>:<num>Z"),
    ("20151017T153756Z x", "<num>T<num>Z x"),
    # digits that belong to a word
    ("eth0 tm500 L0_L1 blk_12 v4.16.0 12.5ms 3rd x86_64 syslog.1 e1000e", None),
    ("añ1 x² std::string a::b Foo::bad )::Prep :: T5097] 8b", None),
    # hex
    ("0x1f (0xffff8880) +0x12ec/0x1550", "<hex> (<hex>) +<hex>/<hex>"),
    ("deadbeef ffff88003a 0000000000000000", "<hex> <hex> <hex>"),
    ("deadbee 1234567 12345678", "deadbee <num> <num>"),
    ("{550e8400-e29b-41d4-a716-446655440000}", "{<hex>}"),
    ("sha256:9f86d081884c7d659a2feaa0c55ad015", "sha256:<hex>"),
    ("addr:aa:bb:0c:dd:ee:ff AA-BB-0C-DD-EE-FF", "addr:<hex> <hex>"),
    ("Code: 48 8b 05 a1 c3 00 11 22 <0f>", "Code: <hex> <0f>"),
    ("row 10 20 30 40 50 60 70 80", "row" + " <num>" * 8),
    # addresses
    ("10.0.0.1 /10.250.18.114:43996. [127.0.0.1]", "<ipaddr> /<ipaddr>. [<ipaddr>]"),
    ("10.0.0.0/8 10.0.0.1:99999999", "<ipaddr>/<num> <ipaddr>:<num>"),
    ("300.1.1.1 1.2.3.4.5", "<num> <num>"),
    ("::1 fe80::1%eth0/64 2001:db8::8:800:200c:417a", "<ipaddr> <ipaddr>/<num> <ipaddr>"),
    ("1:2:3:4:5:6:7:8 ::ffff:10.0.0.1 addr:fe80::1", "<ipaddr> <ipaddr> addr:<ipaddr>"),
    ("[fe80::1]:443 [::]:80 [::1] fe80::1: up", "<ipaddr> <ipaddr> [<ipaddr>] <ipaddr>: up"),
    # line ends
    ("a\nb\r\n\nc\r", "a<newline>b<newline><newline>c\r"),
]


@pytest.mark.parametrize(("line", "masked"), LINES)
def test_masking_follows_its_grammar(line: str, masked: str | None) -> None:
    assert mask(line) == (line if masked is None else masked)


PIECES = [
    *"0147afxgeE:.-+<>[]%_TZ,é²٣",
    *("12", "255", "be", "::"),
    *("dead", "deadbeef", "0x", "10.0.0.1", "fe80", "aa:bb:cc:dd:ee:ff", "aa-bb", "2015-10-17"),
    *(" ", "\n", "\r", "<num>", "<hex>", " 8b 8b 8b 8b 8b 8b 8b"),
]


@example("7f::deadbeef")
@example("4.::fe80")
@example("deadbeef::a1")
@example("\n::aa:bb:cc:dd:ee:ff")
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.text())
def test_masking_any_text_twice_is_masking_it_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize("token", SPECIAL_TOKENS)
def test_tokens_pass_through(token: str) -> None:
    assert mask(f"{token} x{token}") == f"{token} x{token}"


@pytest.mark.parametrize(
    "unit",
    ["a", "1", "1.", "aa:", "8b ", "f-", "1:", "::", "0x", "1.1.1.1.", "[:", "10.0.0.1:", "ab-"],
)
def test_no_line_makes_masking_slow(unit: str) -> None:
    part = (unit * 65_536)[:65_535] + "x"
    started = time.process_time()

    mask(part)

    assert time.process_time() - started < 1


def test_views_mask_first_and_drop_only_numbers() -> None:
    text = "pid 12 at 0x1f from 10.0.0.1\n2015-10-17T15:37Z eth0 12.5ms\n"
    masked = (
        "pid <num> at <hex> from <ipaddr><newline>"
        "<num>-<num>-<num>T<num>:<num>Z eth0 12.5ms<newline>"
    )
    dropped = "pid  at 0x1f from 10.0.0.1\n--T:Z eth0 12.5ms\n"

    assert TextView().apply(text) == text
    assert TextView(drop_numbers=True).apply(text) == drop_numbers(text) == dropped
    assert TextView(text="masked").apply(text) == masked
    assert TextView(text="masked", drop_numbers=True).apply(text) == masked


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "file", ["syzkaller_kernel_crashes/docs.jsonl.gz", "hadoop_runs/containers.jsonl.gz"]
)
def test_masking_real_logs_leaves_no_standalone_number(shared_data: Path, file: str) -> None:
    with gzip.open(shared_data / file, "rt", encoding="utf-8") as stream:
        texts = [
            json.loads(line)["text"][:20_000] for _, line in zip(range(150), stream, strict=False)
        ]

    masked = [mask(text) for text in texts]

    assert [mask(text) for text in masked] == masked
    assert not any(word.isdecimal() for text in masked for word in text.split())
    assert not any("\n" in text for text in masked)
    assert all(any(token in text for text in masked) for token in ("<num>", "<hex>"))
