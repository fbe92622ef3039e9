"""What is written can be read back, is plain, and has the same bytes twice."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from embedders.engine import embed
from embedders.shard import Coverage, Rows
from embedders.vectors import Written, load, write, write_features

_THIRDS = (slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 10))


def documents(number: int) -> list[tuple[str, list[str]]]:
    return [(f"d{n}", ["1 2 3 " * (n + 1)]) for n in range(number)]


def test_vectors_come_back_in_order(tmp_path: Path, fake: Any) -> None:
    [rows] = embed(documents(10), fake())
    some = [Rows(coverage=rows.coverage[at], vectors=rows.vectors[at]) for at in _THIRDS]
    written = write(tmp_path, some)
    back = load(tmp_path)
    assert back.ids == [f"d{n}" for n in range(10)]
    assert isinstance(back.matrix, np.ndarray) and back.matrix.dtype == np.float32
    np.testing.assert_array_equal(back.matrix, rows.vectors)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "coverage.parquet",
        "ids.parquet",
        *(f"vectors-0000{n}.npy" for n in range(4)),
    ]
    assert written == Written(documents=10, dimension=4, tokens=165, windows=46)


def test_the_coverage_ledger_has_a_row_per_document(tmp_path: Path, fake: Any) -> None:
    write(tmp_path, embed(documents(2), fake()))
    rows = pq.read_table(tmp_path / "coverage.parquet").to_pylist()
    assert rows[1] == {"id": "d1", "chars": 12, "tokens": 6, "windows": 1, "share": 1.0}


def test_sparse_features_come_back(tmp_path: Path) -> None:
    matrix = sparse.random_array(
        (3, 50), density=0.2, format="csr", rng=np.random.default_rng(0), dtype=np.float32
    )
    coverage = [Coverage(f"d{n}", 5, 0, 0, 1.0) for n in range(3)]
    write_features(tmp_path, sparse.csr_matrix(matrix), coverage)
    back = load(tmp_path)
    assert back.ids == ["d0", "d1", "d2"]
    assert isinstance(back.matrix, sparse.csr_matrix) and back.matrix.dtype == np.float32
    np.testing.assert_array_equal(back.matrix.toarray(), matrix.toarray())


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_the_same_vectors_give_the_same_bytes(tmp_path: Path, fake: Any, kind: str) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        if kind == "dense":
            write(folder, embed(documents(5), fake()))
        else:
            rows = [Coverage("d", 1, 0, 0, 1.0)]
            write_features(folder, sparse.csr_matrix(np.eye(1, 9, dtype=np.float32)), rows)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
