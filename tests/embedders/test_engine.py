"""Embedding against a float64 reference written straight from Eq. 4 and Eq. 5."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.minilm import MiniLMAdapter
from embedders.cutting import tokenize
from embedders.engine import embed
from embedders.shard import Rows
from results.errors import InputError

BF16_TOLERANCE = 0.02  # of a state about 1 in size: bf16 has 8 bits, sums of them differ by batch
FP32_TOLERANCE = 2e-6


def reference(parts: Sequence[str], encoder: Any, overlap: int, *, special: bool = True) -> Any:
    """One window at a time, in float64."""
    tokens = [token for part in parts for token in encoder.tokenize([part])[0]]
    capacity = encoder.context - encoder.num_special
    number = max(1, ceil((len(tokens) - overlap) / (capacity - overlap)))
    means = []
    for m in range(number):
        start = m * (capacity - overlap)
        window = encoder.wrap(tokens[start : start + capacity])
        states = encoder.states(torch.tensor([window]), None)[0].double().numpy()
        means.append((states if special else states[1:-1]).mean(axis=0))
    return np.mean(means, axis=0)


def vectors(rows: list[Rows]) -> Any:
    return np.concatenate([some.vectors for some in rows])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tokens=st.integers(1, 120),
    context=st.integers(3, 24),
    overlap=st.integers(0, 30),
    special=st.booleans(),
    padding=st.sampled_from([0.0, 0.3]),
)
def test_it_is_equations_4_and_5(
    fake: Any, tokens: int, context: int, overlap: int, special: bool, padding: float
) -> None:
    encoder = fake(context=context)
    overlap = min(overlap, context - 3)
    words = [str(i) for i in np.random.default_rng(tokens).integers(0, 50, tokens)]
    parts = [" ".join(words[:7]), " ".join(words[7:])]
    [shard] = embed(
        [("a", parts)],
        encoder,
        overlap=overlap,
        batch_tokens=50,
        include_special=special,
        padding=padding,
    )
    expected = reference(parts, encoder, overlap, special=special)
    np.testing.assert_allclose(shard.vectors[0], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("fp64", 1e-6), ("fp32", FP32_TOLERANCE), ("bf16", BF16_TOLERANCE)]
)
@pytest.mark.parametrize("padding", [0.0, 0.5])
def test_a_tiny_bert_agrees_with_float64(
    load_tiny: Any, logs: Any, dtype: str, tolerance: float, padding: float
) -> None:
    exact = load_tiny("fp64")
    expected = np.stack([reference(parts, exact, 16) for _, parts in logs])
    got = vectors(list(embed(logs, load_tiny(dtype), overlap=16, padding=padding)))
    np.testing.assert_allclose(got, expected, atol=tolerance, rtol=0)


@pytest.mark.slow
def test_minilm_agrees_with_float64(logs: Any) -> None:
    adapter = MiniLMAdapter(context=64)
    exact = adapter.load(device="cpu", dtype="fp64")
    expected = np.stack([reference(parts, exact, 32) for _, parts in logs[:8]])
    fp32 = vectors(list(embed(logs[:8], adapter.load(device="cpu", dtype="fp32"))))
    np.testing.assert_allclose(fp32, expected, atol=1e-5, rtol=0)
    bf16 = vectors(list(embed(logs[:8], adapter.load(device="cpu", dtype="bf16"))))
    np.testing.assert_allclose(bf16, expected, atol=0.03, rtol=0)


@pytest.mark.parametrize("batch_tokens", [1, 64, 100_000])
@pytest.mark.parametrize("shard_tokens", [1, 500, 100_000])
def test_batches_and_shards_do_not_matter(
    load_tiny: Any, logs: Any, batch_tokens: int, shard_tokens: int
) -> None:
    encoder = load_tiny("fp32")
    plain = vectors(list(embed(logs, encoder)))
    rows = list(embed(logs, encoder, batch_tokens=batch_tokens, shard_tokens=shard_tokens))
    np.testing.assert_allclose(vectors(rows), plain, atol=FP32_TOLERANCE, rtol=0)
    assert [row.id for some in rows for row in some.coverage] == [name for name, _ in logs]


def test_the_same_call_gives_the_same_bytes(load_tiny: Any, logs: Any) -> None:
    first = vectors(list(embed(logs, load_tiny("bf16"))))
    assert first.tobytes() == vectors(list(embed(logs, load_tiny("bf16")))).tobytes()
    assert first.dtype == np.float32 and np.isfinite(first).all()


def test_each_distinct_window_is_computed_once_and_counts_as_often_as_it_occurs(fake: Any) -> None:
    encoder = fake(context=6)  # 4 tokens a window, overlap 3: stride 1
    same = "5 5 5 5 5 5 5 5"
    [shard] = embed([("a", [same]), ("b", [same, "9"])], encoder)
    assert sum(len(ids) for ids in encoder.calls) == 2  # 5555 ten times, 5559 once
    assert [row.windows for row in shard.coverage] == [5, 6]
    np.testing.assert_allclose(shard.vectors[1], reference([same, "9"], encoder, 3), rtol=1e-6)


def test_equal_documents_get_equal_bytes(load_tiny: Any, logs: Any) -> None:
    [shard] = embed(logs, load_tiny("bf16"))
    assert shard.vectors[3].tobytes() == shard.vectors[7].tobytes()


def test_no_window_crosses_documents(fake: Any) -> None:
    encoder = fake(context=10)
    documents = [(f"d{n}", [" ".join([str(n)] * (5 * n + 1))]) for n in range(9)]
    list(embed(documents, encoder, padding=0.5))
    inner = [set(row.tolist()) - {0, 1, 2} for ids in encoder.calls for row in ids]
    assert len(inner) > 9 and all(len(tokens) == 1 for tokens in inner)


def test_equal_lengths_are_computed_without_a_mask(fake: Any) -> None:
    class Strict(fake):  # type: ignore[misc, valid-type]  # the class comes from a fixture
        def states(self, ids: Any, mask: Any) -> Any:
            assert mask is None
            return super().states(ids, mask)

    documents = [("a", ["1 2 3"]), ("b", ["4 5 6 7 8 9 10 11 12 13"])]
    list(embed(documents, Strict(), padding=0.0))
    list(embed([("a", ["1 2 3"]), ("b", ["4 5 6"])], Strict()))


def test_tokens_are_those_of_the_parts_one_by_one(load_tiny: Any) -> None:
    encoder = load_tiny()
    joined, parted = ["radio cell"], ["rad", "io cell"]
    assert tokenize(joined, encoder).tolist() != tokenize(parted, encoder).tolist()
    many = ["radio cell"] * 30_000  # more than one chunk
    assert tokenize(many, encoder).tolist() == tokenize(joined, encoder).tolist() * 30_000


def test_coverage_counts_characters_tokens_and_windows(fake: Any) -> None:
    [shard] = embed([("a", ["1 2 3", "4 5 6 7 8 9 10"])], fake(context=10))
    [row] = shard.coverage
    # c = 8, w = 5, L = 10: M = ceil(5 / 3) = 2
    assert (row.id, row.chars, row.tokens, row.windows, row.share) == ("a", 19, 10, 2, 1.0)


def test_a_document_without_tokens_is_named(fake: Any) -> None:
    with pytest.raises(InputError, match="document 'empty' has no tokens"):
        list(embed([("a", ["1"]), ("empty", ["", "  "])], fake()))


def test_an_impossible_overlap_is_refused_before_anything_is_read(fake: Any) -> None:
    def never() -> Any:
        raise AssertionError("read a document")
        yield

    with pytest.raises(InputError, match="overlap 8 must be at least 0 and below 8"):
        list(embed(never(), fake(context=10), overlap=8))


def test_states_that_overflow_name_the_document(fake: Any) -> None:
    class Broken(fake):  # type: ignore[misc, valid-type]  # the class comes from a fixture
        def states(self, ids: Any, mask: Any) -> Any:
            states = super().states(ids, mask)
            states[ids == 12] = torch.inf
            return states

    with pytest.raises(InputError, match="document 'b': the model's states are infinite"):
        list(embed([("a", ["1"]), ("b", ["9"])], Broken()))


@pytest.mark.parametrize(("pooling", "token"), [("last", 2), ("first", 1)])
def test_an_encoder_that_pools_one_token_is_read_there(fake: Any, pooling: str, token: int) -> None:
    [shard] = embed([("a", ["3 4 5 6 7 8 9 10 11 12"])], fake(pooling=pooling))
    expected = fake().states(torch.tensor([[token]]), None)[0, 0].numpy()
    np.testing.assert_allclose(shard.vectors[0], expected, rtol=1e-6)
