"""Pooling against Eq. 5 in float64."""

from typing import Literal

import numpy as np
import pytest
import torch

from embedders.pooling import pool, token_weights


@pytest.fixture
def states() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(2, 6, 3)))


def test_without_weights_it_is_the_mean_over_tokens(states: torch.Tensor) -> None:
    np.testing.assert_allclose(pool(states, None), states.numpy().mean(axis=1))


def test_padding_never_counts(states: torch.Tensor) -> None:
    weights = token_weights([6, 4], prefix=1, suffix=1, include_special=True)
    expected = np.stack([states[0].numpy().mean(axis=0), states[1, :4].numpy().mean(axis=0)])
    np.testing.assert_allclose(pool(states, weights), expected)


def test_special_tokens_can_be_left_out(states: torch.Tensor) -> None:
    weights = token_weights([6, 4], prefix=1, suffix=2, include_special=False)
    expected = np.stack([states[0, 1:4].numpy().mean(axis=0), states[1, 1:2].numpy().mean(axis=0)])
    np.testing.assert_allclose(pool(states, weights), expected)


def test_half_precision_is_summed_in_fp32() -> None:
    states = torch.full((1, 4096, 1), 1.0078125, dtype=torch.bfloat16)
    pooled = pool(states, None)
    assert pooled.dtype == torch.float32
    assert pooled.item() == 1.0078125


@pytest.mark.parametrize(("pooling", "rows"), [("last", [5, 3]), ("first", [0, 0])])
def test_one_token_can_stand_for_a_window(
    states: torch.Tensor, pooling: Literal["last", "first"], rows: list[int]
) -> None:
    for include_special in (True, False):
        weights = token_weights(
            [6, 4], prefix=1, suffix=1, include_special=include_special, pooling=pooling
        )
        expected = np.stack([states[row, column].numpy() for row, column in enumerate(rows)])
        np.testing.assert_allclose(pool(states, weights), expected)
