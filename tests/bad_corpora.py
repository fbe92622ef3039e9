"""Mistakes in a corpus: in where it lies, found at the door; in what it holds, found by jobs."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

from bad_input import Bad, file, files, suite

_ROWS = [{"id": f"r{n}", "text": f"line {n}\n", "label": "ab"[n % 2]} for n in range(12)]


def _table(name: str = "rows.jsonl", more: str = "") -> str:
    return suite(corpus=f"corpus: {{loader: table, path: {name}{more}}}\n")


def _folder(more: str = "", *sections: str) -> str:
    return suite(*sections, corpus=f"corpus: {{loader: folder, path: logs{more}}}\n")


def _jsonl(*rows: dict[str, object]) -> Callable[[Path], object]:
    return file("rows.jsonl", "".join(json.dumps(row) + "\n" for row in (*_ROWS, *rows)))


def _logs(**classes: int) -> Callable[[Path], object]:
    names = {f"logs/{c}/{n}.log": f"{c} {n}\n" for c, most in classes.items() for n in range(most)}
    return files(names)


def _unreadable(folder: Path) -> None:
    _logs(a=3, b=3)(folder)
    (folder / "logs" / "a" / "mem.log").symlink_to("/proc/self/mem")  # opens, and cannot be read


CORPORA = (
    Bad(
        "a folder that is not there",
        "logs does not exist; check 'path:'",
        "mend the path",
        _folder(),
    ),
    Bad(
        "a file that is not there",
        "rows.jsonl does not exist; check 'path:'",
        "mend the path",
        _table(),
    ),
    Bad(
        "a variable that is not set",
        "environment variable LOGMARK_SHARED is not set; export it",
        "export it",
        _folder().replace("logs", "'${LOGMARK_SHARED}/logs'"),
    ),
    Bad(
        "logs in no class folder",
        "has no class folders; put the files into one folder per class",
        "make folders",
        _folder(),
        file("logs/1.log", "x"),
    ),
    Bad(
        "another ending",
        "matches 'pattern: *.log'; endings found: .txt",
        "set `pattern`",
        _folder(),
        file("logs/a/1.txt", "x"),
    ),
    Bad(
        "a file that cannot be read",
        "mem.log: cannot be read: ",
        "mend its permissions",
        _folder(),
        _unreadable,
    ),
    Bad(
        "no path",
        "loader 'table', setting 'path'",
        "name the file",
        suite(corpus="corpus: {loader: table}\n"),
    ),
    Bad(
        "an unknown format",
        "cannot tell the format from its ending; known: .jsonl and .csv",
        "convert it",
        _table("rows.xlsx"),
        file("rows.xlsx", "PK"),
        job="corpus",
    ),
    Bad(
        "JSON in one piece",
        "rows.jsonl:1: not valid JSON",
        "write one object per line",
        _table(),
        file("rows.jsonl", "[\n {}\n]\n"),
        job="corpus",
    ),
    Bad(
        "a line that is no object",
        "rows.jsonl:1: the line holds ",
        "write one object per line",
        _table(),
        file("rows.jsonl", "[1]\n"),
        job="corpus",
    ),
    Bad(
        "a line that ends too early",
        "rows.jsonl:1: not valid JSON",
        "write the file anew",
        _table(),
        file("rows.jsonl", '{"id": "x", "te'),
        job="corpus",
    ),
    Bad(
        "a column that is not there",
        "no column 'message' (set by 'text:')",
        "name the column",
        _table(more=", text: message"),
        _jsonl(),
        job="corpus",
    ),
    Bad(
        "a text that is a number",
        "rows.jsonl:13: column 'text' holds",
        "mend the row",
        _table(),
        _jsonl({"id": "x", "text": 3, "label": "a"}),
        job="corpus",
    ),
    Bad(
        "an id twice",
        "two documents have the id 'r0'",
        "rename one",
        _table(),
        _jsonl(_ROWS[0]),
        job="corpus",
    ),
    Bad(
        "another delimiter",
        "no column 'text'",
        "write it with commas",
        _table("rows.csv"),
        file("rows.csv", "text;label\nx;a\n"),
        job="corpus",
    ),
    Bad(
        "more cells than columns",
        "the row has more cells than the header has columns",
        "quote cells",
        _table("rows.csv"),
        file("rows.csv", "text,label\nx,a,b\n"),
        job="corpus",
    ),
    Bad(
        "an open quote",
        "not valid CSV",
        "close it",
        _table("rows.csv"),
        file("rows.csv", 'text,label\n"x,a\n'),
        job="corpus",
    ),
    Bad(
        "a zip named .gz",
        "rows.jsonl.gz: cannot be read: Not a gzipped file",
        "rename or unpack it",
        _table("rows.jsonl.gz"),
        file("rows.jsonl.gz", b"PK\3\4"),
        job="corpus",
    ),
    Bad(
        "a cut .gz",
        "ended before the end-of-stream marker",
        "copy it again",
        _table("rows.jsonl.gz"),
        file("rows.jsonl.gz", gzip.compress(b"{}")[:-4]),
        job="corpus",
    ),
    Bad(
        "a damaged .zst",
        "rows.jsonl.zst: cannot be read: zstd",
        "copy it again",
        _table("rows.jsonl.zst"),
        file("rows.jsonl.zst", b"xxxx"),
        job="corpus",
    ),
    Bad(
        "a damaged .xz",
        "rows.jsonl.xz: cannot be read: ",
        "copy it again",
        _table("rows.jsonl.xz"),
        file("rows.jsonl.xz", b"xxxx"),
        job="corpus",
    ),
    Bad(
        "a damaged .parquet",
        "rows.parquet: cannot be read as Parquet",
        "copy it again",
        _table("rows.parquet"),
        file("rows.parquet", b"xxxx" * 9),
        job="corpus",
    ),
    Bad(
        "an empty file",
        "there are no documents; check 'path:' and 'where:'",
        "name another",
        _table(),
        file("rows.jsonl", ""),
        job="corpus",
    ),
    Bad(
        "an empty document",
        "document 'a/1.log' is empty; set 'clean: {empty: drop}'",
        "fill it, or have it dropped",
        _folder(),
        files({"logs/a/1.log": "", "logs/b/1.log": "x"}),
        job="corpus",
    ),
    Bad(
        "cleaning that drops all",
        "cleaning leaves no document (removed: max_bytes 6)",
        "loosen it",
        _folder(", clean: {max_bytes: 1}"),
        _logs(a=3, b=3),
        job="corpus",
    ),
    Bad(
        "`where` with an unknown field",
        "no document has a field 'lable' (named by 'where:'); did you mean 'label'",
        "take the name it suggests",
        _folder(", where: {lable: a}"),
        _logs(a=3, b=3),
        job="corpus",
    ),
    Bad(
        "`where` that nothing meets",
        "keeps no document; loosen it",
        "loosen it",
        _folder(", where: {label: c}"),
        _logs(a=3, b=3),
        job="corpus",
    ),
    Bad(
        "a sample of nothing",
        "keeps none of 6 documents; raise it",
        "raise it",
        _folder(", sample: 0.0001"),
        _logs(a=3, b=3),
        job="corpus",
    ),
    Bad(
        "an unknown label field",
        "no document has a field 'lable' (named by 'label:'); did you mean 'label'",
        "take the name it suggests",
        _folder(", label: lable"),
        _logs(a=3, b=3),
        job="labels",
    ),
    Bad(
        "one class",
        "every labelled document is of the class 'a'; a classifier needs at least two",
        "add another",
        _folder(),
        _logs(a=3),
        job="labels",
    ),
    Bad(
        "`relabel` of an unknown class",
        "names the label 'c', which no document has",
        "take it out",
        _folder(", relabel: {map: {c: d}}"),
        _logs(a=3, b=3),
        job="labels",
    ),
    Bad(
        "no label at all",
        "no document has a label in the field 'label'",
        "name another field",
        _table(),
        file("rows.jsonl", '{"text": "x", "label": null}\n' * 3),
        job="labels",
    ),
    Bad(
        "a class that is too small",
        "class 'b' has 1 document",
        "drop it with `relabel`",
        _folder(),
        _logs(a=6, b=1),
        job="split/0",
    ),
    Bad(
        "a group with holes",
        "documents have no group (the first: 'r0')",
        "fill it",
        _table(more=", group: run"),
        _jsonl(*({**row, "id": f"s{n}", "run": n} for n, row in enumerate(_ROWS))),
        job="split/0",
    ),
    Bad(
        "a given division of other words",
        "it may only hold 'train' and 'test'",
        "filter rows with `where`",
        _folder(", split_column: label"),
        _logs(a=6, b=6),
        job="split/0",
    ),
    Bad(
        "twins on both sides, refused",
        "twin in train",
        "group them, or count them",
        _folder("", "split: {leaks: refuse}\n"),
        files({f"logs/{c}/{n}.log": "same\n" for c in "ab" for n in range(6)}),
        job="split/0",
    ),
)
