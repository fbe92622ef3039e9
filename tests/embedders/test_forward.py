"""One shard through a model: batches that do not fit, and what is told on the way."""

from typing import Any

import numpy as np
import pytest
import torch

from embedders.batching import BatchMemoryError, halve
from embedders.forward import window_vectors
from embedders.shard import Shard
from results.errors import InputError


def shard(*lengths: int) -> Shard:
    tokens = np.arange(sum(lengths), dtype=np.int32) % 50 + 3
    return Shard(first=0, tokens=tokens, lengths=np.array(lengths, dtype=np.int32))


def test_vectors_come_in_the_order_of_the_windows(fake: Any) -> None:
    windows = shard(2, 5, 2, 8)
    together = window_vectors(windows, fake(), batch_tokens=1000)
    alone = [
        window_vectors(
            Shard(first=0, tokens=some, lengths=np.array([len(some)])), fake(), batch_tokens=1
        ).vectors[0]
        for some in windows.windows()
    ]
    np.testing.assert_allclose(together.vectors, alone, rtol=1e-6)
    assert together.tokens == 17 + 4 * 2


def test_progress_is_the_share_of_tokens(fake: Any) -> None:
    seen: list[float] = []
    window_vectors(shard(8, 3), fake(), batch_tokens=1, progress=seen.append)
    assert seen == [10 / 15, 1.0]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), BatchMemoryError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), BatchMemoryError),
        (RuntimeError("shapes do not fit"), RuntimeError),
    ],
)
def test_a_batch_that_does_not_fit_is_told_from_other_failures(
    fake: Any, error: Exception, expected: type[Exception]
) -> None:
    class Full(fake):  # type: ignore[misc, valid-type]  # the class comes from a fixture
        def states(self, ids: Any, mask: Any) -> Any:
            raise error

    with pytest.raises(expected) as caught:
        window_vectors(shard(4), Full(), batch_tokens=100)
    assert type(caught.value) is expected


def test_a_budget_is_halved_down_to_one_window() -> None:
    assert halve(4096, context=512) == 2048
    assert halve(700, context=512) == 512
    with pytest.raises(InputError, match="one window of 512 tokens does not fit"):
        halve(512, context=512)


def test_states_of_another_shape_than_promised_are_refused(fake: Any) -> None:
    class One(fake):  # type: ignore[misc, valid-type]  # the class comes from a fixture
        def states(self, ids: Any, mask: Any) -> Any:
            return super().states(ids, mask)[:1]

    with pytest.raises(InputError, match=r"states of shape \(1, 5, 4\) where \(2, 5, 4\) is"):
        window_vectors(shard(3, 3), One(), batch_tokens=100)
