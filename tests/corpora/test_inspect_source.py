"""What lies at a path: the loader and its settings, or one line that says what to do."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from corpora.inspect_source import Source, find_source
from corpora.registry import LOADERS
from results.errors import InputError
from results.registry import build

Maker = Callable[[Path], Any]


def _files(root: Path, *names: str, text: str = "a line\n") -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def _table(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def _rows(number: int = 20, **columns: str) -> list[dict[str, Any]]:
    names = {"text": "text", "label": "label", **columns}
    texts = [f"the job number {n} has ended well enough" for n in range(number)]
    return [
        {names["text"]: texts[n], names["label"]: "ab"[n % 2], "load": n / 7} for n in range(number)
    ]


def _read(source: Source) -> int:
    """Count the documents, as the loader reads them."""
    loader = build("loader", source.loader, LOADERS, {"path": source.path, **source.settings})
    return sum(1 for _ in loader.documents({}))


@pytest.mark.parametrize(
    ("names", "pattern", "note"),
    [
        (["a/1.log", "b/2.log", "b/deep/3.log"], "*.log", None),
        (["a/1.txt", "b/2.txt"], "*.txt", None),
        (["a/1.log", "b/2.log.gz"], "*.log*", None),
        (["a/1.log", "b/2.out"], "*", None),
        (["a/1", "b/2"], "*", None),
        (["a/1.log", "b/2.log", ".git/x", "a/.hidden"], "*.log", None),
        (["a/1.log", "b/2.log", "README.md"], "*.log", "1 files that lie in no class folder"),
        (
            [*(f"{c}/{n}.log" for c in "ab" for n in range(20)), "a/x.png"],
            "*.log",
            "left out: 1 files that are not *.log (.png)",
        ),
    ],
)
def test_class_folders_are_read_with_the_pattern_of_their_files(
    tmp_path: Path, names: list[str], pattern: str, note: str | None
) -> None:
    source = find_source(_files(tmp_path, *names))
    assert source.loader == "folder"
    assert source.settings.get("pattern", "*.log") == pattern
    assert (note or "") in "; ".join(source.notes)
    assert bool(source.notes) == bool(note)


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "csv", "parquet"])
def test_a_table_is_read_by_its_ending_alone_or_as_the_one_in_its_folder(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"rows.{ending}"
    if ending.startswith("jsonl"):
        _table(path, _rows())
    else:
        frame = pd.DataFrame(_rows())
        frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    source = find_source(path)
    assert (source.loader, source.label, dict(source.settings)) == ("table", "label", {})
    assert _read(source) == 20
    _files(tmp_path, "LICENSE")
    assert find_source(tmp_path) == source


@pytest.mark.parametrize(
    ("columns", "text", "label"),
    [
        ({"text": "message", "label": "verdict"}, "message", "verdict"),
        ({"text": "Log", "label": "Class"}, "Log", "Class"),
        ({"text": "what_it_said", "label": "z"}, "what_it_said", "z"),
    ],
)
def test_columns_are_known_by_their_names_or_by_what_they_hold(
    tmp_path: Path, columns: dict[str, str], text: str, label: str
) -> None:
    source = find_source(_table(tmp_path / "t.jsonl", _rows(**columns)))
    assert (source.settings["text"], source.label) == (text, label)
    assert f"the class is in column {label!r}" in source.notes


def test_columns_may_be_named_by_the_user(tmp_path: Path) -> None:
    path = _table(tmp_path / "t.jsonl", _rows(text="one", label="two"))
    source = find_source(path, text="two", label="load")
    assert (source.settings["text"], source.label) == ("two", "load")
    with pytest.raises(InputError, match="no column 'onne'; did you mean 'one'"):
        find_source(path, text="onne")


def test_event_sequences_are_known_by_the_templates_beside_them(tmp_path: Path) -> None:
    rows = [{"id": f"b{n}", "events": ["1", "2"], "label": "ab"[n % 2]} for n in range(9)]
    path = _table(tmp_path / "sequences.jsonl", rows)
    (tmp_path / "event_templates.json").write_text(json.dumps({"1": "begin", "2": "end"}))
    source = find_source(path)
    assert (source.loader, dict(source.settings)) == (
        "events",
        {"templates": "event_templates.json"},
    )
    assert _read(source) == 9


def test_published_data_are_known_by_their_files(tmp_path: Path) -> None:
    hdfs = _files(tmp_path / "one", "HDFS.log", "preprocessed/anomaly_label.csv")
    hadoop = _files(tmp_path / "two", "application_1/container_1.log", "abnormal_label.txt")
    bgl = _files(tmp_path / "three", "BGL.log", text="- 1117838570 2005.06.03 R02 up\n")
    assert [find_source(path).loader for path in (hdfs, hadoop, bgl)] == ["hdfs", "hadoop", "bgl"]
    assert find_source(bgl).path == bgl / "BGL.log" == find_source(bgl / "BGL.log").path
    _files(tmp_path, "Thunderbird.tar.gz", "mine.zip")
    assert find_source(tmp_path / "Thunderbird.tar.gz").loader == "thunderbird"


def _loop(root: Path) -> Path:
    (root / "turn").symlink_to(root / "turn")
    return root / "turn"


def _big(root: Path) -> Path:
    return _table(
        root / "t.jsonl", [{"text": f"a log of {n} lines in words", "n": n} for n in range(99)]
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda r: r / "none", "none: does not exist; name a folder of logs"),
        (_loop, "turn: is a link that leads nowhere"),
        (lambda r: _files(r), "the folder is empty; put logs into it, as class_name/run1.log"),
        (lambda r: _files(r, ".DS_Store"), "the folder is empty"),
        (lambda r: _files(r, "only/1.log"), "'only', so there is one class only; give each class"),
        (
            lambda r: _files(r, "logs/a/1.log", "logs/b/1.log"),
            "if those are the classes, name .*logs",
        ),
        (
            lambda r: _files(r, "1.log", "2.log"),
            "its 2 files lie in no class folder; put them into",
        ),
        (
            lambda r: _files(r, *(f"{c}_{n}.log" for c in ("ok", "bad") for n in range(9))),
            r"begin with the class \(bad 9, ok 9\), sort them: cd .* && for f in \*_\*; do mkdir",
        ),
        (lambda r: (r / "a").mkdir() or r, "none of its 1 folders holds a file"),
        (lambda r: _files(r, "a.csv", "b.jsonl"), "2 tables .a.csv, b.jsonl. and no class folders"),
        (lambda r: _files(r, "x.jsonl", text="") / "x.jsonl", "the file is empty"),
        (lambda r: _files(r, "x.jsonl", text="\n\n") / "x.jsonl", "it holds no row"),
        (lambda r: _files(r, "x.jsonl", text="hm\n") / "x.jsonl", "x.jsonl:1: not valid JSON"),
        (lambda r: _files(r, "x.csv", text="a,b\n") / "x.csv", "it holds no row"),
        (lambda r: _files(r, "x.parquet") / "x.parquet", "cannot be read as Parquet"),
        (lambda r: _files(r, "x.jsonl.gz") / "x.jsonl.gz", "x.jsonl.gz: cannot be read"),
        (lambda r: _files(r, "x.json") / "x.json", "write one object per line and call it .jsonl"),
        (lambda r: _files(r, "x.tsv") / "x.tsv", "write it as .csv"),
        (lambda r: _files(r, "x.log") / "x.log", "name the folder that holds one folder of such"),
        (lambda r: _files(r, "x.zip") / "x.zip", "unpack it and name the folder"),
        (_big, r"which column holds the class\? Name it with --label \(columns: text, n\)"),
        (
            lambda r: _table(r / "t.jsonl", [{"n": n, "label": "ab"[n % 2]} for n in range(9)]),
            r"no column holds text of 20 characters or more.*columns: n, label",
        ),
        (
            lambda r: _table(
                r / "t.jsonl",
                [{**row, "p": n % 3, "q": n % 4} for n, row in enumerate(_rows(label="r"))],
            ),
            "these may be it: r, p, q",
        ),
    ],
)
def test_where_nothing_can_be_read_one_line_says_what_to_do(
    tmp_path: Path, make: Maker, message: str
) -> None:
    with pytest.raises(InputError, match=message) as refused:
        find_source(make(tmp_path))
    assert "\n" not in str(refused.value)


def test_links_in_a_circle_are_not_followed(tmp_path: Path) -> None:
    _files(tmp_path, "a/1.log", "b/1.log")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "b" / "lost.log").symlink_to(tmp_path / "gone")
    source = find_source(tmp_path)
    assert (source.loader, _read(source)) == ("folder", 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o000)
    try:
        with pytest.raises(InputError, match="Permission denied; check its permissions"):
            find_source(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_fault_of_the_file_system_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(InputError, match="Permission denied; check its permissions"):
        find_source(tmp_path)
