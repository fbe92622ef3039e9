"""Windows against Eq. 4, written out the slow way."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedders import windows
from results.errors import InputError

SHAPES = st.integers(1, 60).flatmap(
    lambda capacity: st.tuples(
        st.integers(1, 2000), st.just(capacity), st.integers(0, capacity - 1)
    )
)


@given(SHAPES)
def test_the_number_of_windows_is_that_of_equation_4(shape: tuple[int, int, int]) -> None:
    tokens, capacity, overlap = shape
    exact = max(1, ceil(Fraction(tokens - overlap, capacity - overlap)))
    assert windows.count(tokens, capacity=capacity, overlap=overlap) == exact


@given(SHAPES)
def test_windows_cover_every_token_in_order_and_only_the_last_is_short(
    shape: tuple[int, int, int],
) -> None:
    tokens, capacity, overlap = shape
    spans = windows.spans(tokens, capacity=capacity, overlap=overlap)
    assert len(spans) == windows.count(tokens, capacity=capacity, overlap=overlap)
    assert [start for start, _ in spans] == [m * (capacity - overlap) for m in range(len(spans))]
    assert all(stop - start == capacity for start, stop in spans[:-1])
    assert 0 < spans[-1][1] - spans[-1][0] <= capacity
    assert {i for start, stop in spans for i in range(start, stop)} == set(range(tokens))


@given(SHAPES)
def test_no_window_lies_inside_the_one_before(shape: tuple[int, int, int]) -> None:
    tokens, capacity, overlap = shape
    spans = windows.spans(tokens, capacity=capacity, overlap=overlap)
    assert all(second[1] > first[1] for first, second in zip(spans, spans[1:], strict=False))


def test_a_worked_example() -> None:
    # l_c = 10 with 2 special tokens: c = 8, w = 5, stride 3, M = ceil((15 - 5) / 3) = 4
    assert windows.default_overlap(10) == 5
    spans = windows.spans(15, capacity=8, overlap=5)
    assert spans == [(0, 8), (3, 11), (6, 14), (9, 15)]


@pytest.mark.parametrize("overlap", [-1, 8, 9])
def test_an_overlap_that_does_not_fit_is_refused(overlap: int) -> None:
    with pytest.raises(InputError, match=rf"overlap {overlap} must be at least 0 and below 8"):
        windows.check_overlap(overlap, context=10, num_special=2)


@pytest.mark.parametrize("overlap", [0, 7])
def test_the_extreme_overlaps_are_allowed(overlap: int) -> None:
    windows.check_overlap(overlap, context=10, num_special=2)
