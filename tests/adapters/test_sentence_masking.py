"""What LogFiT hides of a paragraph."""

from dataclasses import replace

import numpy as np
import pytest

from adapters.blocks import IGNORED
from adapters.masked_sentences_training import SeededSentences
from adapters.paragraphs import Paragraph
from adapters.sentence_masking import SentenceMasking

OWN = [0, 1, 2]
MASK = 2


@pytest.fixture
def masking() -> SentenceMasking:
    maskable = np.ones(50, dtype=bool)
    maskable[OWN] = False
    return SentenceMasking(maskable=maskable, mask_id=MASK, pad_id=0)


def paragraph(*lengths: int) -> Paragraph:
    """Lines of these lengths between two special tokens."""
    sentences = [-1, *np.repeat(np.arange(len(lengths)), lengths), -1]
    ids = np.arange(len(sentences)) % 47 + 3
    ids[[0, -1]] = 0, 1
    return Paragraph(ids, np.array(sentences))


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_half_of_the_lines_lose_eighty_percent_of_their_tokens(masking: SentenceMasking) -> None:
    lines = paragraph(*[10] * 8)
    for seed in range(20):
        seen, labels = masking.apply(lines, generator(seed))
        hidden = np.bincount(lines.sentences[labels != IGNORED], minlength=8)
        assert sorted(hidden.tolist()) == [0] * 4 + [8] * 4


def test_what_is_hidden_is_asked_and_nothing_else_changes(masking: SentenceMasking) -> None:
    lines = paragraph(3, 9, 4, 30, 1)
    before = lines.ids.copy()
    seen, labels = masking.apply(lines, generator())
    hidden = labels != IGNORED
    assert (seen[hidden] == MASK).all() and (labels[hidden] == lines.ids[hidden]).all()
    assert (seen[~hidden] == lines.ids[~hidden]).all()
    assert (lines.ids == before).all(), "the paragraph itself stays"


def test_the_models_own_tokens_are_never_hidden(masking: SentenceMasking) -> None:
    lines = Paragraph(np.array([0, 7, 1, 8, 1]), np.array([-1, 0, 0, 0, -1]))
    labels = replace(masking, sentence_share=1.0, token_share=1.0).apply(lines, generator())[1]
    assert labels.tolist() == [IGNORED, 7, IGNORED, 8, IGNORED]


@pytest.mark.parametrize(("lines", "picked"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4), (10, 5)])
def test_up_to_half_of_the_lines_are_picked_and_at_least_one(
    masking: SentenceMasking, lines: int, picked: int
) -> None:
    made = paragraph(*[5] * lines)
    labels = masking.apply(made, generator())[1]
    assert len(set(made.sentences[labels != IGNORED].tolist())) == picked


def test_every_line_is_picked_now_and_then(masking: SentenceMasking) -> None:
    lines = paragraph(*[4] * 6)
    asked = [masking.apply(lines, generator(seed))[1] != IGNORED for seed in range(200)]
    often = np.mean(asked, axis=0)[1:-1]
    assert often == pytest.approx(np.full(24, 0.4), abs=0.13)


def test_short_lines_lose_their_share_on_average(masking: SentenceMasking) -> None:
    plain = replace(masking, sentence_share=1.0, token_share=0.15)
    lines = paragraph(*[3] * 40)
    rates = [(plain.apply(lines, generator(seed))[1] != IGNORED).mean() for seed in range(100)]
    assert np.mean(rates) * 122 / 120 == pytest.approx(0.15, abs=0.01)


def test_something_is_always_asked_where_anything_can_be(masking: SentenceMasking) -> None:
    rare = replace(masking, token_share=0.01)
    for seed in range(50):
        assert (rare.apply(paragraph(1), generator(seed))[1] != IGNORED).sum() == 1
    nothing = Paragraph(np.array([0, 1]), np.array([-1, -1]))
    seen, labels = masking.apply(nothing, generator())
    assert seen.tolist() == [0, 1] and (labels == IGNORED).all()


def test_only_the_generator_decides(masking: SentenceMasking) -> None:
    lines = paragraph(8, 8, 8, 8)
    first, again = (masking.apply(lines, generator(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (masking.apply(lines, generator(4))[1] != first[1]).any()


def test_in_training_seed_epoch_and_example_decide(masking: SentenceMasking) -> None:
    lines, hiding = paragraph(8, 8, 8, 8), SeededSentences(masking, 0)
    labels = hiding.apply(lines, epoch=1, example=5)[1]
    np.testing.assert_array_equal(hiding.apply(lines, epoch=1, example=5)[1], labels)
    others = [
        hiding.apply(lines, epoch=2, example=5),
        hiding.apply(lines, epoch=1, example=6),
        SeededSentences(masking, 1).apply(lines, epoch=1, example=5),
    ]
    assert all((other != labels).any() for _, other in others)
