"""Windows against Eq. 4, written out the slow way."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import windows
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


def _cut(tokens: int, sizes: list[int], **how: int) -> list[list[int]]:
    """Cut the tokens 0, 1, 2, ... that come in pieces of the given sizes, and then the rest."""
    pieces, start = [], 0
    for size in [*sizes, tokens]:
        pieces.append(np.arange(start, min(start + size, tokens), dtype=np.int32))
        start = min(start + size, tokens)
    return [window.tolist() for window in windows.cut(pieces, **how)]


@given(SHAPES, st.lists(st.integers(0, 300), max_size=9))
def test_windows_lie_as_in_equation_4_however_the_tokens_come(
    shape: tuple[int, int, int], sizes: list[int]
) -> None:
    tokens, capacity, overlap = shape
    stride = capacity - overlap
    number = windows.count(tokens, capacity=capacity, overlap=overlap)
    expected = [list(range(m * stride, min(m * stride + capacity, tokens))) for m in range(number)]
    assert _cut(tokens, sizes, capacity=capacity, overlap=overlap) == expected
    assert {token for window in expected for token in window} == set(range(tokens))


def test_a_worked_example() -> None:
    # l_c = 10 with 2 special tokens: c = 8, w = 5, stride 3, M = ceil((15 - 5) / 3) = 4
    assert windows.default_overlap(10) == 5
    found = _cut(15, [4], capacity=8, overlap=5)
    assert [(some[0], some[-1]) for some in found] == [(0, 7), (3, 10), (6, 13), (9, 14)]


def test_no_tokens_are_one_empty_window() -> None:
    assert _cut(0, [], capacity=8, overlap=5) == [[]]


@pytest.mark.parametrize("overlap", [-1, 8, 9])
def test_an_overlap_that_does_not_fit_is_refused(overlap: int) -> None:
    with pytest.raises(InputError, match=rf"overlap {overlap} must be at least 0 and below 8"):
        windows.check_overlap(overlap, context=10, num_special=2)


@pytest.mark.parametrize("overlap", [0, 7])
def test_the_extreme_overlaps_are_allowed(overlap: int) -> None:
    windows.check_overlap(overlap, context=10, num_special=2)
