"""Whatever lies where a corpus should be: documents in order come out, or one line says why not.

The promises are stated in `fuzz.corpus_check`, which the fuzzer uses, too. `LOGMARK_EXAMPLES=300
LOGMARK_SEED=3` draws more, and others.
"""

import csv
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from effort import drawn
from fuzz.corpus_check import check_corpus, check_shape, outcome, parquet, shapes
from fuzz.trees import TREES, grown
from hypothesis import given
from hypothesis import strategies as st
from packing import COMPRESS

from corpora.folder import Folder
from corpora.registry import LOADERS
from corpora.table import Table

SHAPES = shapes()
GENERATORS = {"blocks", "tm500"}
PIECES = [
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b'"', b"'", b"\n", b"\r", b",", b"{", b"}", b"\\"),
    *(b"[" * 3000, b"9" * 5000, b"\\ud800", b"\\u0000", b"null", b"NaN", b"1e999", b"-", b" "),
    *("\u2028".encode(), "e\u0301".encode(), b"blk_", b"application_", b"id", b"text", b"label"),
]
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(PIECES) | st.binary(max_size=9)),
    min_size=1,
    max_size=6,
)


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder for one example, where that can be in memory: what is new is first there."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="any-", dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


def edited(content: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Put pieces in the place of others."""
    for place, length, piece in edits:
        start = round(place * len(content))
        content = content[:start] + piece + content[start + length :]
    return content


def test_every_loader_that_reads_files_is_tried() -> None:
    assert {shape.loader for shape in SHAPES} | GENERATORS == set(LOADERS)


@drawn(6)
@given(st.sampled_from(SHAPES), EDITS)
def test_damaged_files_are_read_or_refused_in_one_line(shape, edits) -> None:
    with folder() as here:
        check_shape(shape, edited(shape.valid, edits), here)


@drawn(3)
@given(st.sampled_from(SHAPES), st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_one_line(shape, content: bytes) -> None:
    with folder() as here:
        check_shape(shape, content, here)


@drawn(3)
@given(TREES, st.sampled_from(["*.log", "*", "*.log*", "**/*", "?.log", "[", "a/*"]))
def test_any_tree_is_read_the_same_in_whatever_order_it_was_made(tree, pattern: str) -> None:
    with folder() as here:
        root, settings = grown(here / "in", tree), {"pattern": pattern}
        was_read = check_corpus("folder", root, settings, here / "out")
        found = outcome("folder", root, settings)
        unlike = {(label, *within, name) for label, within, name, _, _ in tree}
        if len(unlike) == len(tree):  # else the first of two decides what is there
            root.rename(here / "first")
            assert outcome("folder", grown(here / "in", tree[::-1]), settings) == found
        if was_read:
            names = {file.name for file in Folder(path=root, pattern=pattern).files()}
            assert names <= {name for _, _, name, _, _ in tree}


WORDS = st.text(max_size=12) | st.sampled_from(
    ["a", "", "x", "\x00", "\ud800", "\ufeff", "a\r\nb", '"', "'", "\u2028", "1e999", "nan"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"text": WORDS}, optional={"id": WORDS | VALUES, "label": VALUES, "x\ny": VALUES}
    ),
    max_size=5,
)


@drawn(3)
@given(ROWS)
def test_any_json_rows_are_read_or_refused(rows: list[dict[str, Any]]) -> None:
    with folder() as here:
        (here / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        check_corpus("table", here / "t.jsonl", {}, here / "out")
        check_corpus("events", here / "t.jsonl", {"templates": "t.jsonl"}, here / "out")


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@drawn(3)
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_cells_of_a_csv_file_come_out_as_they_went_in(rows, end, encoding) -> None:
    with folder() as here:
        with (here / "t.csv").open("w", encoding=encoding, newline="") as stream:
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator=end)
            writer.writerows([("text", "label"), *rows])
        read = [
            ("".join(document.parts), document.fields["label"])
            for document in Table(path=here / "t.csv").documents()
        ]
        assert read == rows
        check_corpus("table", here / "t.csv", {}, here / "out")


COLUMNS: dict[str, Callable[[], Any]] = {
    "ns": lambda: pa.array([1, None], pa.timestamp("ns")),
    "far": lambda: pa.array([2**62, -(2**62)], pa.timestamp("ms")),
    "zone": lambda: pa.array([1, 2], pa.timestamp("ms", "Nowhere/Nothing")),
    "day": lambda: pa.array([2**30, 1], pa.date32()),
    "time": lambda: pa.array([1, None], pa.time64("ns")),
    "length": lambda: pa.array([2**62, 1], pa.duration("s")),
    "no text": lambda: pa.array([b"\xff", b"\x00"]).cast(pa.string(), safe=False),
    "half": lambda: pa.array([1.5, float("nan")], pa.float16()),
    "large": lambda: pa.array([2**64 - 1, 0], pa.uint64()),
    "nested": lambda: pa.array([{"a": [{"b": 1}]}, None]),
    "map": lambda: pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int8())),
    "nulls": lambda: pa.nulls(2),
    "words": lambda: pa.array(["a", "b"], pa.large_string()),
    "coded": lambda: pa.array(["a", None]).dictionary_encode(),
    "binary": lambda: pa.array([b"\xff", None]),
    "true": lambda: pa.array([True, None]),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("use", ["text", "id", "label", "more"])
def test_any_type_of_parquet_column_is_read_or_refused(tmp_path: Path, name: str, use: str) -> None:
    columns = {"text": ["one", "two"], "label": ["a", "b"], use: COLUMNS[name]()}
    (tmp_path / "t.parquet").write_bytes(parquet(**columns))

    was_read = check_corpus("table", tmp_path / "t.parquet", {}, tmp_path / "out")

    assert was_read or use != "more" or name in ("far", "zone", "day", "length", "no text")


@pytest.mark.parametrize("suffix", COMPRESS)
def test_what_a_small_file_unpacks_to_is_never_held_whole(tmp_path: Path, suffix: str) -> None:
    pieces, size = (1 if suffix == ".zst" else 48), 48 << 20  # zstd has no limit within a frame
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / f"x.log{suffix}").write_bytes(
        COMPRESS[suffix](bytes(size // pieces)) * pieces
    )
    (document,) = Folder(path=tmp_path, pattern="*").documents()
    tracemalloc.start()

    try:
        assert sum(map(len, document.parts)) == size
        assert tracemalloc.get_traced_memory()[1] < 0.8 * size
    finally:
        tracemalloc.stop()
