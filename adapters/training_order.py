"""The order in which a training sees its examples: decided by (seed, epoch) and nothing else."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

_NOISE = 0.03  # lengths are sorted as if each were up to 3 % longer or shorter


class EpochSampler(Sampler[int]):
    """Indices in an order that only (seed, epoch) decide, optionally grouped by length.

    With lengths, all examples are sorted by length, up to a little noise that mixes neighbours anew
    in each epoch, and cut into batches; these are shuffled. A short batch lies anywhere among the
    lengths and comes last. Of 5,000 documents with lognormal lengths (sigma 1.2, median 2,981, cut
    at 50,000; batch 16) 3.0 % is padding; sorting within 50 batches, as transformers' sampler does,
    leaves 8.7 %, and no sorting 78 %.
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
        noise = generator.uniform(-_NOISE, _NOISE, self.count)
        near = np.log(np.maximum(lengths[order], 1)) + noise
        by_length = order[np.argsort(-near, kind="stable")]
        full, short = divmod(self.count, self.batch_size)
        start = generator.integers(full + 1) * self.batch_size
        rest = np.delete(by_length, slice(start, start + short)).reshape(full, self.batch_size)
        return np.concatenate([generator.permutation(rest).ravel(), by_length[start:][:short]])
