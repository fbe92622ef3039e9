"""The order of examples: every one once, another order each epoch, little padding."""

from collections.abc import Iterator

import numpy as np
import pytest

from adapters.training_order import EpochSampler


def orders(
    lengths: np.ndarray, *, batch_size: int, epochs: int = 1, seed: int = 1
) -> Iterator[np.ndarray]:
    sampler = EpochSampler(len(lengths), seed=seed, batch_size=batch_size, lengths=lengths.tolist())
    for epoch in range(1, epochs + 1):
        sampler.epoch = epoch
        yield np.array(list(sampler))


def batches(order: np.ndarray, size: int) -> list[np.ndarray]:
    return [order[start : start + size] for start in range(0, len(order), size)]


def padding_share(order: np.ndarray, lengths: np.ndarray, size: int) -> float:
    computed = sum(len(rows) * int(lengths[rows].max()) for rows in batches(order, size))
    return 1.0 - float(lengths.sum()) / computed


@pytest.mark.parametrize("count", [1, 7, 8, 100, 104])
@pytest.mark.parametrize("grouped", [False, True])
def test_every_example_is_visited_once_in_an_order_that_the_epoch_decides(
    count: int, grouped: bool
) -> None:
    lengths = np.random.default_rng(0).integers(0, 1000, count).tolist() if grouped else None
    sampler = EpochSampler(count, seed=1, batch_size=8, lengths=lengths)
    first = list(sampler)
    assert sorted(first) == list(range(count))
    assert first == list(sampler)
    sampler.epoch = 2
    assert sorted(sampler) == sorted(first)
    assert list(sampler) != first or count <= 8, "one batch of like length has one order"


def test_order_without_lengths_is_a_permutation_of_seed_and_epoch() -> None:
    sampler = EpochSampler(50, seed=3, batch_size=8, lengths=None)
    sampler.epoch = 4
    assert list(sampler) == np.random.default_rng([3, 4]).permutation(50).tolist()


def test_grouped_batches_hold_examples_of_like_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 1000, 1000)
    (order,) = orders(lengths, batch_size=10)
    spread = np.ptp(lengths[order.reshape(-1, 10)], axis=1)
    assert spread.max() < 100
    assert np.std(np.diff(lengths[order.reshape(-1, 10)].mean(1))) > 100  # themselves shuffled


def test_the_short_batch_is_last_and_of_like_length_too() -> None:
    lengths = np.random.default_rng(0).integers(1, 1000, 105)
    last = [order[-5:] for order in orders(lengths, batch_size=10, epochs=20)]
    assert max(np.ptp(lengths[rows]) for rows in last) < 200
    assert len({tuple(sorted(rows)) for rows in last}) > 5, "it lies elsewhere in other epochs"


def test_little_is_padding_where_lengths_span_a_thousandfold() -> None:
    """Of 450 such documents 14 % is padding: where they are rare, neighbours are far apart."""
    lognormal = np.exp(np.random.default_rng(0).normal(8.0, 1.2, 5000))
    lengths = np.minimum(lognormal, 50_000).astype(int)
    assert lengths.max() / lengths.min() > 1000
    shares = [
        padding_share(order, lengths, 16) for order in orders(lengths, batch_size=16, epochs=3)
    ]
    assert max(shares) < 0.04


def test_neighbours_in_length_meet_others_in_the_next_epoch() -> None:
    lengths = np.exp(np.random.default_rng(0).normal(8.0, 1.2, 2000)).astype(int)
    together = [
        {
            frozenset(pair)
            for rows in batches(order, 16)
            for pair in zip(rows, rows[1:], strict=False)
        }
        for order in orders(lengths, batch_size=16, epochs=2)
    ]
    assert len(together[0] & together[1]) < 0.1 * len(together[0])
