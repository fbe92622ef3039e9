"""The order in which a training sees its examples: decided by (seed, epoch) and nothing else."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

_GROUP = 50  # batches whose examples are sorted by length together, as in transformers' sampler


class EpochSampler(Sampler[int]):
    """Indices in an order that only (seed, epoch) decide, optionally grouped by length.

    With lengths, a random order is cut into pieces of 50 batches, each piece is sorted by length
    and cut into batches, and the full batches are shuffled; a last short batch stays last.
    """

    def __init__(self, count: int, *, seed: int, batch_size: int, lengths: Sequence[int] | None):
        """Remember what decides the order; `lengths` has one value per index."""
        assert lengths is None or len(lengths) == count, "one length per training example"
        self.count, self.seed, self.batch_size = count, seed, batch_size
        self.lengths = None if lengths is None else np.asarray(lengths)
        self.epoch = 1

    def __len__(self) -> int:
        """Number of examples."""
        return self.count

    def __iter__(self) -> Iterator[int]:
        """All indices once, in this epoch's order."""
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(self.count)
        if self.lengths is not None:
            order = self._grouped(order, self.lengths, generator)
        return iter(order.tolist())

    def _grouped(
        self, order: np.ndarray, lengths: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        full = self.count - self.count % self.batch_size
        batches = []
        for start in range(0, full, _GROUP * self.batch_size):
            piece = order[start : min(start + _GROUP * self.batch_size, full)]
            piece = piece[np.argsort(-lengths[piece], kind="stable")]
            batches += [
                piece[i : i + self.batch_size] for i in range(0, len(piece), self.batch_size)
            ]
        shuffled = [batches[i] for i in generator.permutation(len(batches))]
        return np.concatenate([*shuffled, order[full:]])
