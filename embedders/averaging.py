"""From the vectors of windows to those of documents (seed paper, Eq. 5): the plain mean.

Sums run in fp64, shard by shard, over as many documents at a time as fit into `_BLOCK_BYTES`, so
neither all windows nor all documents are ever in memory.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from embedders.shard import Ledger, Rows
from results.errors import InputError

_BLOCK_BYTES = 1 << 26


def document_vectors(
    ledger: Ledger, vectors_of: Callable[[int], Float[np.ndarray, "n d"]]
) -> Iterator[Rows]:
    """Average each document's windows, each as often as it occurs in it.

    Args:
        ledger: which windows a document is made of.
        vectors_of: gives the vectors of a shard by its position in the ledger, in any order and
            more than once; a memory-mapped file serves best.

    Yields:
        float32 vectors of consecutive documents, in the ledger's order.

    Raises:
        InputError: a model that overflows.
    """
    dimension = vectors_of(0).shape[1]
    step = max(1, _BLOCK_BYTES // (8 * dimension))
    for start in range(0, len(ledger.coverage), step):
        coverage = ledger.coverage[start : start + step]
        means = _means(ledger.numbers[start : start + step], ledger.firsts, vectors_of, dimension)
        _check_finite(means, [row.id for row in coverage])
        yield Rows(coverage=coverage, vectors=means.astype(np.float32))


def _means(
    numbers: list[Int[np.ndarray, " m"]],
    firsts: list[int],
    vectors_of: Callable[[int], Float[np.ndarray, "n d"]],
    dimension: int,
) -> Float[np.ndarray, "n d"]:
    """Average the windows of some documents in fp64."""
    sizes = np.array([len(some) for some in numbers])
    windows, documents = np.concatenate(numbers), np.repeat(np.arange(len(numbers)), sizes)
    shards = np.searchsorted(firsts, windows, side="right") - 1
    sums = np.zeros((len(numbers), dimension))
    for shard in np.unique(shards):
        vectors, here = vectors_of(int(shard)), shards == shard
        places = (documents[here], windows[here] - firsts[shard])
        counts = sparse.csr_array(
            (np.ones(len(places[0])), places), shape=(len(numbers), len(vectors))
        )
        sums += counts @ vectors.astype(np.float64)
    means: np.ndarray = sums / sizes[:, None]
    return means


def _check_finite(vectors: Float[np.ndarray, "n d"], ids: list[str]) -> None:
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise InputError(
            f"document {ids[broken[0]]!r}: the model's states are infinite or not a number; "
            "use dtype fp32 or bf16"
        )
