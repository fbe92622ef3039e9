"""From documents to blocks: what every adaptation shares."""

from typing import Any

import numpy as np
import pytest
import torch

from adapters import blocks
from adapters.blocks import IGNORED
from adapters.causal import Causal
from adapters.encoder import Tokenizer
from adapters.mlm import Mlm
from adapters.objective import Objective
from adapters.seq2seq import Seq2Seq
from results.errors import InputError

FRAMED = Tokenizer(
    encode=lambda texts: [[ord(letter) for letter in text] for text in texts],
    prefix=[2],
    suffix=[3],
    pad_id=0,
)
DOCUMENTS = [np.arange(10, 25), np.arange(30, 37)]


def divide(documents: list[Any], **changed: Any) -> blocks.Sides[Any]:
    settings = Mlm(**changed)
    return blocks.divide(documents, settings, lambda some: blocks.pack(some, FRAMED, size=12))


def test_a_document_is_its_parts_one_after_the_other_and_then_the_end() -> None:
    (ids,) = blocks.tokenize([["ab", "c"]], FRAMED, end_id=7)
    assert ids.tolist() == [97, 98, 99, 7]


def test_blocks_hold_the_documents_in_order() -> None:
    packed = blocks.pack(DOCUMENTS, FRAMED, size=12)
    assert [len(block) for block in packed] == [12, 12, 4]
    assert all(block[0] == 2 and block[-1] == 3 for block in packed)
    inner = [token for block in packed for token in block[1:-1]]
    assert inner == [*range(10, 25), *range(30, 37)]


def test_documents_are_held_out_whole_and_before_packing() -> None:
    documents = [np.full(25, number) for number in range(10, 20)]
    sides = divide(documents, validation_share=0.3)
    train = {int(token) for _, ids in sides.train for token in ids[1:-1]}
    valid = {int(token) for _, ids in sides.valid for token in ids[1:-1]}
    assert len(valid) == 3 and train | valid == set(range(10, 20)) and not train & valid
    assert divide(documents, validation_share=0.3, seed=1).valid[0][1][1] != sides.valid[0][1][1]


def test_a_sample_is_the_same_for_a_seed_and_keeps_both_sides_in_proportion() -> None:
    documents = [np.full(100, number) for number in range(10, 30)]
    one, two = (divide(documents, max_blocks=9, validation_share=0.1) for _ in range(2))
    assert (len(one.train), len(one.valid)) == (9, 1)
    assert one.sizes["train_blocks_before_sampling"] == 180
    for (number, a), (other, b) in zip(one.train, two.train, strict=True):
        assert number == other
        np.testing.assert_array_equal(a, b)


def test_rows_are_filled_up_behind_and_masked_only_where_they_differ() -> None:
    rows = [np.array([5, 6, 7]), np.array([5])]
    assert blocks.stack(rows, 9).tolist() == [[5, 6, 7], [5, 9, 9]]
    assert blocks.attention_mask(rows)["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert blocks.attention_mask(rows[:1]) == {}
    assert blocks.stack(rows, 9).dtype == torch.int64


def test_unigram_counts_add_one_and_ignored_labels_do_not_count() -> None:
    shares = blocks.frequencies([np.array([1, 1, 2])], 4)
    assert shares.tolist() == pytest.approx([1 / 7, 3 / 7, 2 / 7, 1 / 7])
    loss = blocks.unigram_loss(shares, np.array([1, IGNORED, 2]))
    assert loss == pytest.approx(-(np.log(3 / 7) + np.log(2 / 7)) / 2)


def test_one_document_cannot_be_held_out() -> None:
    with pytest.raises(InputError, match="1 documents; at least 2 are needed"):
        divide(DOCUMENTS[:1])


def test_a_block_without_room_is_refused() -> None:
    with pytest.raises(InputError, match="block 2 leaves no room beside the special tokens"):
        blocks.pack(DOCUMENTS, FRAMED, size=2)


@pytest.mark.parametrize("objective", [Mlm, Seq2Seq, Causal])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"validation_share": 1.0}, "validation_share must lie between 0 and 1"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"max_blocks": 0}, "max_blocks must be at least 1"),
    ],
)
def test_impossible_settings_are_refused(
    objective: type[Objective], changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        objective(**changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"shift": 0}, "shift must be at least 1"),
        ({"rank": 0}, "rank must be at least 1"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        ({"targets": ()}, "targets is empty"),
    ],
)
def test_impossible_settings_of_the_updates_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Seq2Seq(**changed)
