"""The targets of the fuzzer hold on their seeds and on what once was wrong, without the fuzzer."""

from pathlib import Path

import pytest
from fuzz import fuzz_loaders, fuzz_suite
from fuzz.corpus_check import check_shape, shapes
from fuzz.suite_check import check_text

SHAPES = {(shape.loader, Path(shape.varied).suffix): shape for shape in shapes()}
EMPTY_NAME = (  # a zip file whose one member has a name without characters
    b"PK\x01\x02\x14\x03"
    + bytes(40)
    + b"PK\x05\x06"
    + bytes(4)
    + b"\x01\x00\x01\x00\x2e"
    + bytes(9)
)


@pytest.mark.parametrize("target", [fuzz_loaders.target, fuzz_suite.target])
def test_the_seeds_hold(target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpora.sessions._FILES", 2)
    made = target()
    for number, seed in enumerate(made.seeds):
        here = tmp_path / str(number)
        here.mkdir()
        made.check(seed, here)
    assert len(made.seeds) > 40


def test_every_shape_of_corpus_that_is_in_order_gives_documents(tmp_path: Path) -> None:
    for number, shape in enumerate(shapes()):
        assert check_shape(shape, shape.valid, tmp_path / str(number)), shape


@pytest.mark.parametrize(
    ("shape", "content"),
    [
        (("bgl", ".zip"), EMPTY_NAME),
        (("table", ".jsonl"), b'{"text": ' + b"[" * 100_000),
        (("table", ".jsonl"), b'{"text": "a", "n": ' + b"9" * 5000 + b"}"),
        (("table", ".jsonl"), b'{"text": "a", "id": "\\ud800", "label": "\\udfff"}'),
        (("table", ".csv"), b'"te\nxt"\na\n'),
        (("table", ".parquet"), b"PAR1" * 9),
        (("events", ".json"), b"[" * 100_000),
    ],
)
def test_what_once_was_wrong_holds(shape, content: bytes, tmp_path: Path) -> None:
    check_shape(SHAPES[shape], content, tmp_path)


@pytest.mark.parametrize(
    "text",
    ["name: 2024-13-45", "name: 0x_", 'name: "\\U0011FFFF"', "name: !!map [x]", "? [a]\n: b"],
)
def test_what_once_was_no_suite_and_not_refused_is(text: str, tmp_path: Path) -> None:
    assert check_text(text.encode(), tmp_path).refusal
