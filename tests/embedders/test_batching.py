"""The plan of batches."""

from hypothesis import given
from hypothesis import strategies as st

from embedders.batching import plan

LENGTHS = st.lists(st.integers(1, 40), max_size=60)


@given(LENGTHS, st.integers(1, 200), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_every_window_once_within_budget_and_padding(
    lengths: list[int], batch_tokens: int, padding: float
) -> None:
    batches = plan(lengths, batch_tokens=batch_tokens, padding=padding)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert len(batch) == 1 or len(batch) * longest <= batch_tokens
        assert all(lengths[i] >= (1 - padding) * longest for i in batch)


@given(LENGTHS, st.integers(1, 200))
def test_without_padding_a_batch_has_one_length(lengths: list[int], batch_tokens: int) -> None:
    for batch in plan(lengths, batch_tokens=batch_tokens, padding=0.0):
        assert len({lengths[i] for i in batch}) == 1


def test_equal_windows_fill_batches_in_order() -> None:
    assert plan([8] * 5, batch_tokens=16) == [[0, 1], [2, 3], [4]]


def test_padding_lets_shorter_windows_join() -> None:
    assert plan([10, 9, 5], batch_tokens=100, padding=0.0) == [[0], [1], [2]]
    assert plan([10, 9, 5], batch_tokens=100, padding=0.1) == [[0, 1], [2]]
