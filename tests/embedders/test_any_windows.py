"""Windows of whatever text, by a real tokenizer and a small one: every token, as Eq. 4 says.

Which tokens lie where is held in `tests/adapters/test_windows.py`, means in `test_engine.py`; here
text goes in, in parts, and windows are put together again.
"""

from math import ceil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from effort import drawn
from hypothesis import given
from hypothesis import strategies as st

from adapters.loading import load_tokenizer
from adapters.minilm import MiniLMAdapter
from embedders.averaging import document_vectors
from embedders.cutting import Cutter, tokenize
from results.errors import InputError

PARTS = st.lists(
    st.sampled_from(["unit port ", "link\n", "0x1f", " ", "error 7\n" * 9, "日本", "\u0301", "é"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    max_size=6,
)
DOCUMENTS = st.lists(PARTS, min_size=1, max_size=4)


@pytest.fixture(scope="session")
def tokenizers(tiny_folder: Path) -> dict[str, Any]:
    return {"tiny": load_tokenizer(tiny_folder), "minilm": load_tokenizer(MiniLMAdapter().folder())}


def frame(tokenizer: Any, context: int) -> Any:
    """What cutting needs of an encoder, with another context."""

    def ids(texts: Any) -> list[list[int]]:
        found: list[list[int]] = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return found

    return SimpleNamespace(context=context, num_special=2, tokenize=ids)


@pytest.mark.parametrize("name", ["tiny", "minilm"])
@drawn(4)
@given(DOCUMENTS, st.integers(3, 20), st.integers(0, 17), st.integers(1, 200))
def test_windows_of_any_text_hold_every_token_and_average_to_its_vector(
    tokenizers: dict[str, Any], name: str, texts: list[list[str]], context: int, overlap: int,
    shard_tokens: int,
) -> None:  # fmt: skip
    model = frame(tokenizers[name], context)
    overlap, capacity = min(overlap, context - 3), context - 2
    tokens = [tokenize(parts, model).tolist() for parts in texts]
    documents = [(f"d{n}", parts) for n, parts in enumerate(texts)]
    cutter = Cutter(model, overlap=overlap, shard_tokens=shard_tokens)
    if not all(tokens):
        with pytest.raises(InputError, match=f"document 'd{tokens.index([])}' has no tokens"):
            list(cutter.shards(documents))
        return
    shards = list(cutter.shards(documents))
    distinct = [window.tolist() for shard in shards for window in shard.windows()]
    assert len({tuple(window) for window in distinct}) == len(distinct)

    vectors = np.random.default_rng(0).normal(size=(len(distinct), 3))
    of_shards = np.split(vectors, cutter.ledger.firsts[1:])
    means = [rows.vectors for rows in document_vectors(cutter.ledger, of_shards.__getitem__)]

    stride = capacity - overlap
    for wanted, numbers, row, mean in zip(
        tokens, cutter.ledger.numbers, cutter.ledger.coverage, np.concatenate(means), strict=True
    ):
        found = [distinct[number] for number in numbers]
        assert len(found) == row.windows == max(1, ceil((len(wanted) - overlap) / stride))
        assert row.tokens == len(wanted)
        assert found == [wanted[m * stride : m * stride + capacity] for m in range(len(found))]
        assert found[0] + [token for window in found[1:] for token in window[overlap:]] == wanted
        np.testing.assert_allclose(mean, vectors[numbers].mean(axis=0), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("context", [1, 2])
def test_a_context_without_room_for_a_token_is_refused(
    tokenizers: dict[str, Any], context: int
) -> None:
    with pytest.raises(InputError, match="must be at least 0 and below"):
        Cutter(frame(tokenizers["tiny"], context))
