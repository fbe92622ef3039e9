"""Document vectors out of window vectors that lie in shards."""

import numpy as np
import pytest

from embedders import averaging
from embedders.averaging import document_vectors
from embedders.shard import Coverage, Ledger
from results.errors import InputError


def ledger(numbers: list[list[int]], firsts: list[int]) -> Ledger:
    rows = [Coverage(f"d{n}", 1, 1, len(some), 1.0) for n, some in enumerate(numbers)]
    return Ledger(
        coverage=rows, numbers=[np.array(n, dtype=np.int32) for n in numbers], firsts=firsts
    )


@pytest.mark.parametrize("rows_at_a_time", [1, 3, 1000])
def test_a_document_is_the_mean_of_its_windows_each_as_often_as_it_occurs(
    rows_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(averaging, "_BLOCK_BYTES", rows_at_a_time * 8 * 5)
    generator = np.random.default_rng(0)
    windows = generator.normal(size=(40, 5)).astype(np.float32)
    firsts = [0, 7, 8, 30]
    numbers = [generator.integers(0, 40, int(m)).tolist() for m in generator.integers(1, 60, 17)]
    numbers[3] = [39, 39, 39, 0]
    shards = np.split(windows, firsts[1:])
    blocks = list(document_vectors(ledger(numbers, firsts), shards.__getitem__))
    found = np.concatenate([block.vectors for block in blocks])
    expected = np.stack([windows[some].astype(np.float64).mean(axis=0) for some in numbers])
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    assert found.dtype == np.float32
    assert [row.id for block in blocks for row in block.coverage] == [f"d{n}" for n in range(17)]
    assert all(len(block.vectors) <= rows_at_a_time for block in blocks)


def test_a_window_that_overflowed_names_its_document() -> None:
    windows = np.array([[1.0], [np.inf]], dtype=np.float32)
    with pytest.raises(InputError, match="document 'd1': the model's states are infinite"):
        list(document_vectors(ledger([[0], [0, 1]], [0]), lambda shard: windows))
