import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import zstandard

from corpora.table import Table
from results.errors import InputError

ROWS: list[dict[str, Any]] = [
    {"id": "x", "text": "one\ntwo\n", "label": "Pass", "n": 3, "ok": True, "tags": [1]},
    {"id": "y", "text": 'größer, "quoted"', "label": None, "n": 4, "ok": False, "tags": []},
]
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: zstandard.compress(data[:5]) + zstandard.compress(data[5:]),
}


def jsonl(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(table: Table) -> list[tuple[str, str, dict[str, Any]]]:
    return [(d.id, "".join(d.parts), dict(d.fields)) for d in table.documents()]


@pytest.mark.parametrize("suffix", COMPRESS)
def test_jsonl_rows_become_documents_and_single_values_become_fields(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"docs.jsonl{suffix}"
    lines = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
    path.write_bytes(COMPRESS[suffix](lines.encode()))

    assert read(Table(path=path)) == [
        ("x", "one\ntwo\n", {"label": "Pass", "n": 3, "ok": True}),
        ("y", 'größer, "quoted"', {"label": None, "n": 4, "ok": False}),
    ]
    assert Table(path=path).files() == [path]


def test_parquet_keeps_the_types_of_its_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS).assign(at=pd.Timestamp("2026-01-02 03:04:05"))
    frame.to_parquet(tmp_path / "docs.parquet")

    (_, text, fields), _ = read(Table(path=tmp_path / "docs.parquet"))

    assert text == "one\ntwo\n"
    assert fields == {"label": "Pass", "n": 3, "ok": True, "at": "2026-01-02T03:04:05"}


def test_csv_values_stay_text_and_cells_may_be_long(tmp_path: Path) -> None:
    long = "a,b\n" * 100_000
    path = tmp_path / "docs.csv"
    pd.DataFrame({"log": [long, "x"], "label": ["1", "2"]}).to_csv(path, index=False)

    assert read(Table(path=path, text="log")) == [
        ("1", long, {"label": "1"}),
        ("2", "x", {"label": "2"}),
    ]


def test_bytes_that_are_not_utf8_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_bytes(b'{"text": "a\xff\\u0000b"}\n')

    assert read(Table(path=path)) == [("1", "a\ufffd\x00b", {})]


def test_a_line_of_50_mb_is_one_document(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "docs.jsonl.gz".removesuffix(".gz"), {"text": "x" * 50_000_000})

    (document,) = Table(path=path).documents()

    assert sum(map(len, document.parts)) == 50_000_000


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"docs\.jsonl does not exist; check `path:`"):
        list(Table(path=tmp_path / "docs.jsonl").documents())


@pytest.mark.parametrize("name", ["docs.xlsx", "docs.parquet.gz", "docs"])
def test_an_unknown_ending_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    with pytest.raises(InputError, match=rf"{name}: cannot tell the format.*\.jsonl and \.csv"):
        list(Table(path=tmp_path / name).documents())


def test_a_missing_text_column_lists_the_columns_there_are(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "docs.jsonl", {"id": 1, "txt": "a", "label": "b"})

    message = r"docs\.jsonl:1: no column 'text' .*did you mean 'txt'\? Known: id, label, txt"
    with pytest.raises(InputError, match=message):
        list(Table(path=path).documents())


def test_a_missing_id_column_is_refused(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "docs.jsonl", {"run": 1, "text": "a"})

    with pytest.raises(InputError, match=r"no column 'runs' \(set by `id:`\); did you mean 'run'"):
        list(Table(path=path, id="runs").documents())


@pytest.mark.parametrize("value", [None, "", 1.5, [1]])
def test_an_id_that_names_nothing_is_refused(tmp_path: Path, value: object) -> None:
    path = jsonl(tmp_path / "docs.jsonl", {"id": value, "text": "a"})

    with pytest.raises(InputError, match=r"docs\.jsonl:1: column 'id' holds .* cannot name"):
        list(Table(path=path).documents())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "a"', r"docs\.jsonl:2: not valid JSON \(.* at character 13\)"),
        ('["a"]', r"docs\.jsonl:2: the line holds a value of type list, not an object"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"text": "a"}\n' + line)

    with pytest.raises(InputError, match=reason):
        list(Table(path=path).documents())


@pytest.mark.parametrize("value", [None, 5, ["a"]])
def test_a_text_that_is_no_string_is_refused(tmp_path: Path, value: object) -> None:
    path = jsonl(tmp_path / "docs.jsonl", {"text": value})

    with pytest.raises(InputError, match=r"docs\.jsonl:1: column 'text' holds .*, not a string"):
        list(Table(path=path).documents())


def test_duplicate_ids_are_refused(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "docs.jsonl", {"id": 1, "text": "a"}, {"id": "1", "text": "b"})

    with pytest.raises(InputError, match=r"docs\.jsonl: two documents have the id '1'"):
        list(Table(path=path).documents())


def test_a_csv_row_with_too_many_cells_is_named(tmp_path: Path) -> None:
    (tmp_path / "docs.csv").write_text("text,label\na,b\nc,d,e\n")

    with pytest.raises(InputError, match=r"docs\.csv:3: the row has more cells than the header"):
        list(Table(path=tmp_path / "docs.csv").documents())


def test_an_unfinished_quote_is_named(tmp_path: Path) -> None:
    (tmp_path / "docs.csv").write_text('text,label\n"a,b\n')

    with pytest.raises(InputError, match=r"docs\.csv:2: not valid CSV"):
        list(Table(path=tmp_path / "docs.csv").documents())


@pytest.mark.parametrize("name", ["docs.parquet", "docs.jsonl.gz", "docs.csv.xz", "docs.csv.zst"])
def test_a_file_that_is_not_what_its_ending_says_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"plain text, long enough to look for a footer in")

    with pytest.raises(InputError, match=rf"{name}: cannot be read"):
        list(Table(path=tmp_path / name).documents())
