"""The files of an embedding: vectors in shards (or one sparse matrix), ids and coverage.

`vectors-00000.npy` ... are float32 and never pickled; sparse features lie in `features.npz`;
`ids.parquet` gives the documents in the order of the rows, `coverage.parquet` how much of each was
seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float
from scipy import sparse

from embedders.shard import Coverage, Rows

_COVERAGE = pa.schema(
    [
        ("id", pa.string()),
        ("chars", pa.int64()),
        ("tokens", pa.int64()),
        ("windows", pa.int64()),
        ("share", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Vectors:
    """An embedding, read back.

    Attributes:
        ids: the documents in the order of the rows.
        matrix: float32, n x d; sparse where the features are.
    """

    ids: list[str]
    matrix: Float[np.ndarray, "n d"] | Float[sparse.csr_matrix, "n d"]


@dataclass(frozen=True)
class Written:
    """What was written, in total.

    Attributes:
        documents: rows.
        dimension: columns.
        tokens: document tokens, special ones excluded.
        windows: windows of all documents.
    """

    documents: int
    dimension: int
    tokens: int
    windows: int


def write(folder: Path, rows: Iterable[Rows]) -> Written:
    """Write vectors as they come, a file for each `Rows`; none is kept in memory.

    Args:
        folder: an existing, empty folder.
        rows: at least one document in all.
    """
    coverage: list[Coverage] = []
    dimension = 0
    for number, some in enumerate(rows):
        assert some.vectors.dtype == np.float32 and len(some.coverage) == len(some.vectors)
        np.save(folder / f"vectors-{number:05d}.npy", some.vectors, allow_pickle=False)
        coverage += some.coverage
        dimension = some.vectors.shape[1]
    assert coverage, "no documents to embed"
    _write_tables(folder, coverage)
    return Written(
        documents=len(coverage),
        dimension=dimension,
        tokens=sum(row.tokens for row in coverage),
        windows=sum(row.windows for row in coverage),
    )


def write_features(
    folder: Path, matrix: Float[sparse.csr_matrix, "n d"], coverage: Sequence[Coverage]
) -> None:
    """Write sparse features; `coverage` has one row per document, in the order of the matrix."""
    assert matrix.dtype == np.float32 and matrix.shape[0] == len(coverage)
    matrix.sort_indices()
    sparse.save_npz(folder / "features.npz", matrix, compressed=False)
    _write_tables(folder, coverage)


def load(folder: Path) -> Vectors:
    """Read an embedding."""
    ids = pq.read_table(folder / "ids.parquet").column("id").to_pylist()
    features = folder / "features.npz"
    if features.is_file():
        return Vectors(ids, sparse.csr_matrix(sparse.load_npz(features)))
    shards = [np.load(path, allow_pickle=False) for path in sorted(folder.glob("vectors-*.npy"))]
    matrix = np.concatenate(shards)
    assert len(matrix) == len(ids), f"{folder}: {len(matrix)} vectors for {len(ids)} documents"
    return Vectors(ids, matrix)


def _write_tables(folder: Path, coverage: Sequence[Coverage]) -> None:
    rows = {name: [getattr(row, name) for row in coverage] for name in _COVERAGE.names}
    pq.write_table(pa.table({"id": pa.array(rows["id"], pa.string())}), folder / "ids.parquet")
    pq.write_table(pa.table(rows, schema=_COVERAGE), folder / "coverage.parquet")
