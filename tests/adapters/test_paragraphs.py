"""Paragraphs: whole lines, counted, in blocks that no other document shares."""

from pathlib import Path

import numpy as np
import pytest

from adapters.encoder import Tokenizer
from adapters.loading import load_tokenizer
from adapters.paragraphs import NO_SENTENCE, paragraphs
from adapters.tiny import build_tiny
from results.errors import InputError

PLAIN = [
    "radio 1 failed\nport  up\n\n  cell a started at 7\n",
    "link down\nradio 2 failed at cell b\r\nport up",
]
MASKED = [part.replace("\r", "").replace("\n", "<newline>") for part in PLAIN]


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    tokenizer = load_tokenizer(build_tiny(tmp_path_factory.mktemp("tiny"), PLAIN))
    tokenizer.add_tokens(["<newline>"], special_tokens=True)
    return Tokenizer.of(tokenizer)


@pytest.mark.parametrize("parts", [PLAIN, MASKED], ids=["cleaned", "masked"])
@pytest.mark.parametrize("size", [4, 9, 24, 400])
def test_the_tokens_are_those_of_the_parts_and_none_is_lost(
    parts: list[str], size: int, framed: Tokenizer
) -> None:
    made = paragraphs(parts, framed, size=size)
    inner = np.concatenate([p.ids[p.sentences != NO_SENTENCE] for p in made])
    assert inner.tolist() == [token for ids in framed.encode(parts) for token in ids]
    for paragraph in made:
        assert len(paragraph) == len(paragraph.sentences) <= size
        assert paragraph.ids.tolist() == framed.wrap(paragraph.ids[1:-1].tolist())
        assert np.flatnonzero(paragraph.sentences == NO_SENTENCE).tolist() == [
            0,
            len(paragraph) - 1,
        ]


@pytest.mark.parametrize("parts", [PLAIN, MASKED], ids=["cleaned", "masked"])
def test_every_token_knows_its_line(parts: list[str], framed: Tokenizer) -> None:
    lines = [line for part in PLAIN for line in part.replace("\r", "").splitlines(keepends=True)]
    if parts is MASKED:
        lines = [line.replace("\n", "<newline>") for line in lines]
    expected = [n for n, ids in enumerate(framed.encode(lines)) for _ in ids]
    (paragraph,) = paragraphs(parts, framed, size=400)
    assert paragraph.sentences[1:-1].tolist() == expected


def test_a_line_that_fits_a_block_is_never_cut(framed: Tokenizer) -> None:
    made = paragraphs(MASKED, framed, size=12)
    assert len(made) > 2
    holders: dict[int, int] = {}
    for number, paragraph in enumerate(made):
        for line in set(paragraph.sentences.tolist()) - {NO_SENTENCE}:
            assert holders.setdefault(line, number) == number


def test_a_block_is_begun_only_where_the_next_line_does_not_fit(framed: Tokenizer) -> None:
    lengths = [len(ids) for ids in framed.encode(["radio failed<newline>", "up<newline>"])]
    size = 2 + lengths[0] + lengths[1]
    parts = ["radio failed<newline>up<newline>radio failed<newline>radio failed<newline>"]
    assert [len(p) - 2 for p in paragraphs(parts, framed, size=size)] == [
        lengths[0] + lengths[1],
        lengths[0],
        lengths[0],
    ]


def test_a_longer_line_is_cut_and_the_next_one_follows_its_rest(framed: Tokenizer) -> None:
    made = paragraphs(["up up up up up\nup up\nup\n"], framed, size=2 + 4)
    assert [p.sentences[1:-1].tolist() for p in made] == [[0, 0, 0, 0], [0, 1, 1, 2]]


def test_a_document_without_tokens_has_no_paragraph(framed: Tokenizer) -> None:
    assert paragraphs([], framed, size=8) == paragraphs([" \n\n"], framed, size=8) == []


def test_a_block_without_room_is_refused(framed: Tokenizer) -> None:
    with pytest.raises(InputError, match="block 2 leaves no room beside the special tokens"):
        paragraphs(PLAIN, framed, size=2)


def test_any_tokenizer_of_ours_gets_whole_lines(tmp_path: Path) -> None:
    """Byte-level BPE may write blanks around a line's end otherwise; nothing else is promised."""
    from adapters.tiny import build_twin

    folder = build_twin(tmp_path / "modern", {"model_type": "modernbert"}, PLAIN)
    plain = Tokenizer.of(load_tokenizer(folder))
    made = paragraphs(["radio 1 failed\nport up\n"], plain, size=64)
    assert [p.ids[1:-1].tolist() for p in made] == plain.encode(["radio 1 failed\nport up\n"])
