"""How several processes share one training: who takes which examples, and exact means over all.

Every worker runs the same program. Their shares of a batch are weighed by what they hold, so that a
step is the step that one worker would take; only the order of floating-point sums differs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

T = TypeVar("T")


def rank(workers: int) -> int:
    """Say which of the workers this process is."""
    if workers == 1:
        return 0
    assert distributed.is_initialized(), "several workers train in a torch process group"
    assert distributed.get_world_size() == workers, "the process group has another size"
    return distributed.get_rank()


def share(batch: Sequence[T], *, rank: int, workers: int) -> list[T]:
    """Take a worker's share of a batch; of one too small to be shared, everybody takes all."""
    return list(batch[rank::workers]) if len(batch) >= workers else list(batch)


class SharedBatches:
    """Batches of indices, of which this worker takes its share."""

    def __init__(self, sampler: Any, *, batch_size: int, rank: int, workers: int) -> None:
        """Cut a sampler's order into batches of `batch_size` over all workers."""
        self.sampler, self.batch_size = sampler, batch_size
        self.rank, self.workers = rank, workers

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self.sampler) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this worker's share of every batch."""
        order = list(self.sampler)
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            yield share(batch, rank=self.rank, workers=self.workers)


def totals(held: dict[str, list[float]], workers: int) -> dict[str, list[float]]:
    """Add up named sums and counts over all workers; one may lack what another has."""
    everybody: list[Any] = [held]
    if workers > 1:
        everybody = [None] * workers
        distributed.all_gather_object(everybody, held)
    added: dict[str, list[float]] = {}
    for one in everybody:
        for name, parts in one.items():
            before = added.get(name, [0.0] * len(parts))
            added[name] = [a + b for a, b in zip(before, parts, strict=True)]
    return added


def agreed(value: Path | None, workers: int) -> Path | None:
    """Take the first worker's value."""
    if workers == 1:
        return value
    box: list[Any] = [value]
    distributed.broadcast_object_list(box, src=0)
    agreed_on: Path | None = box[0]
    return agreed_on


def wait(workers: int) -> None:
    """Wait until every worker is here."""
    if workers > 1:
        distributed.barrier()


def weight(labels: Tensor, workers: int) -> Tensor | float:
    """Weigh a worker's mean loss, so that the mean over workers is the mean over all labels."""
    if workers == 1:
        return 1.0
    counted = (labels != -100).sum().double()
    everybody = counted.clone()
    distributed.all_reduce(everybody)
    return (counted * workers / everybody).to(torch.float32)
