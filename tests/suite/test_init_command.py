"""`logmark init` from end to end: every shape of input gives a file that plans and runs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import said
from helpers import run_in_process, write_logs

from results.errors import InputError
from results.hashing import hash_file
from suite import first_suite, init_command
from suite.plan import make_plan
from suite.spec import read

Init = Callable[..., list[str]]


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    """Run the command in `tmp_path`, as if MiniLM were not installed; returns its lines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(first_suite, "PACKAGE", "no_such_package")

    def run(*words: object) -> list[str]:
        done = said(init_command, "init", *words)
        assert done.status == 0
        return done.out

    return run


def _rows(number: int = 60, **columns: Callable[[int], Any]) -> list[dict[str, Any]]:
    signs = ["all is well", "the disk is full", "link down again"]
    return [
        {
            "text": "".join(
                f"step {s} of job {n}: {signs[n % 3] if s == n % 5 else 'go'}\n" for s in range(6)
            ),
            "label": ["ok", "disk full", "no: #link"][n % 3],
            **{name: of(n) for name, of in columns.items()},
        }
        for n in range(number)
    ]


def _jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _planned(file: Path) -> set[str]:
    return {node.id for node in make_plan(read(file), hash_file)}


def _run(folder: Path, text: str) -> dict[str, str]:
    """Run a suite without its network, which takes long; returns job id -> "ok" or the reason."""
    return run_in_process(folder, text.split("# A small network")[0]).reasons


def test_a_folder_of_logs_becomes_a_suite_that_runs_as_it_is(init: Init, tmp_path: Path) -> None:
    lines = init(write_logs(tmp_path / "logs"))
    assert lines[0].endswith("logs: read by the loader 'folder'")
    assert lines[-1] == "wrote logs.yaml; next: logmark plan logs.yaml, then logmark run logs.yaml"
    text = (tmp_path / "logs.yaml").read_text()
    assert "path: logs\n" in text and "pip install 'logmark[minilm]'" in text
    assert {"reference:cnn/0", "classify:words/random_forest/0"} <= _planned(tmp_path / "logs.yaml")
    assert set(_run(tmp_path, text).values()) == {"ok"}


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_table_with_groups_is_split_by_them_and_runs(
    init: Init, tmp_path: Path, ending: str
) -> None:
    rows = _rows(
        90,
        run=lambda n: f"r{n // 5}",
        started=lambda n: f"2024-03-{1 + n % 20:02d}T10:00:00",
    )
    for row in rows:
        row["message"], row["verdict"] = row.pop("text"), row.pop("label")
    frame, path = pd.DataFrame(rows), tmp_path / f"t.{ending}"
    if ending == "jsonl":
        _jsonl(path, rows)
    else:
        frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    init(path)
    suite = read(tmp_path / "t.yaml")
    assert (suite.corpus.label, suite.corpus.group, suite.split.by) == ("verdict", "run", "group")
    assert suite.corpus.settings["text"] == "message"
    text = (tmp_path / "t.yaml").read_text()
    assert "# time: started" in text
    if ending == "csv":
        assert set(_run(tmp_path, text).values()) == {"ok"}


def test_folders_within_the_classes_are_groups_where_they_repeat(
    init: Init, tmp_path: Path
) -> None:
    for path in sorted(write_logs(tmp_path / "logs").rglob("*.log")):
        host = path.parent / f"host{int(path.stem) % 4}"
        host.mkdir(exist_ok=True)
        path.rename(host / path.name)
    init(tmp_path / "logs")
    suite, text = read(tmp_path / "logs.yaml"), (tmp_path / "logs.yaml").read_text()
    assert (suite.corpus.group, suite.split.by) == ("folder", "group")
    assert "group: folder   # 4 groups; its name says what belongs together" in text
    assert {"corpus", "labels", "split/0"} <= _planned(tmp_path / "logs.yaml")


@pytest.mark.parametrize("place", ["{stem}", "logs", "{label}"])
def test_folders_that_say_nothing_are_no_groups(init: Init, tmp_path: Path, place: str) -> None:
    for path in sorted(write_logs(tmp_path / "logs").rglob("*.log")):
        folder = path.parent / place.format(
            stem=path.stem + path.parent.name, label=path.parent.name
        )
        folder.mkdir(exist_ok=True)
        path.rename(folder / path.name)
    init(tmp_path / "logs")
    assert read(tmp_path / "logs.yaml").split.by == "stratified"


def test_a_given_division_is_used(init: Init, tmp_path: Path) -> None:
    init(_jsonl(tmp_path / "t.jsonl", _rows(fold=lambda n: "test" if n % 4 == 0 else "train")))
    suite = read(tmp_path / "t.yaml")
    assert (suite.corpus.split_column, suite.split.by) == ("fold", "column")


def test_rare_classes_are_left_out_and_named(init: Init, tmp_path: Path) -> None:
    rows = _rows(label=lambda n: "odd" if n == 7 else ["ok", "bad"][n % 2])
    init(_jsonl(tmp_path / "t.jsonl", rows))
    assert read(tmp_path / "t.yaml").corpus.relabel.min_documents == 10
    assert "# Too rare to learn and to test: odd." in (tmp_path / "t.yaml").read_text()


def test_few_documents_are_still_split(init: Init, tmp_path: Path) -> None:
    init(_jsonl(tmp_path / "t.jsonl", _rows(9)))
    text = (tmp_path / "t.yaml").read_text()
    outcomes = _run(tmp_path, text)
    assert outcomes["split/0"] == "ok" and outcomes["classify:words/random_forest/0"] == "ok"


def test_equal_texts_are_kept_once_unless_that_leaves_too_few(init: Init, tmp_path: Path) -> None:
    init(_jsonl(tmp_path / "t.jsonl", [*_rows(), *_rows(6)]))
    assert read(tmp_path / "t.yaml").corpus.clean.duplicates == "exact"
    init(
        _jsonl(tmp_path / "u.jsonl", [{**row, "text": row["label"] * 9} for row in _rows()]),
        "--text",
        "text",
    )
    assert read(tmp_path / "u.yaml").corpus.clean.duplicates == "keep"


def test_a_suspected_leak_is_told_and_gets_a_masked_row(init: Init, tmp_path: Path) -> None:
    rows = _rows()
    for n, row in enumerate(rows):
        row["text"] = f"2024-03-0{1 + n % 3} begin\n" + row["text"]
    lines = init(_jsonl(tmp_path / "t.jsonl", rows))
    assert sum(line.startswith("WARNING suspected leak, date") for line in lines) == 4
    assert [model.name for model in read(tmp_path / "t.yaml").models] == ["words", "words-masked"]


def test_groups_that_cannot_be_split_by_are_named(init: Init, tmp_path: Path) -> None:
    init(_jsonl(tmp_path / "t.jsonl", _rows(host=lambda n: f"h{n % 2}")))
    suite, text = read(tmp_path / "t.yaml"), (tmp_path / "t.yaml").read_text()
    assert (suite.corpus.group, suite.split.by) == (None, "stratified")
    assert "Column 'host' may say what belongs together" in text


def test_hostile_names_stay_data(init: Init, tmp_path: Path) -> None:
    odd = "no\n# seeds: [7]\x1b[31m \u202e${HOME} 'x': {"
    rows = _rows(label=lambda n: [odd, "~", "true"][n % 3])
    rows[0][odd] = rows[1][odd] = "train"
    folder = tmp_path / "a b: #c 'd'"
    folder.mkdir()
    lines = init(_jsonl(folder / "t.jsonl", [*rows, {**rows[0], "label": "rare: }\n"}]))
    assert not any("\x1b" in line or "\n" in line for line in lines)
    suite = read(tmp_path / "t.yaml")
    assert suite.seeds == [0] and suite.corpus.settings["path"] == str(folder / "t.jsonl")
    assert _run(tmp_path, (tmp_path / "t.yaml").read_text().split("models:")[0])["labels"] == "ok"
    (labels,) = (tmp_path / "store" / "labels").glob("*/attempts/*/labels.parquet")
    assert set(pd.read_parquet(labels)["label"]) == {odd, "~", "true"}


def test_the_same_corpus_gives_the_same_file(init: Init, tmp_path: Path) -> None:
    path = _jsonl(tmp_path / "t.jsonl", _rows(run=lambda n: f"r{n // 5}"))
    assert init(path, "--out", "a.yaml")[:-1] == init(path, "--out", "b.yaml")[:-1]
    assert (tmp_path / "a.yaml").read_text() == (tmp_path / "b.yaml").read_text()


def test_a_file_elsewhere_names_the_corpus_by_its_whole_path(init: Init, tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    init(write_logs(tmp_path / "logs"), "--out", "suites/x.yaml")
    assert read(tmp_path / "suites" / "x.yaml").corpus.settings["path"] == str(tmp_path / "logs")
    assert f"path: {tmp_path / 'logs'}\n" in (tmp_path / "suites" / "x.yaml").read_text()


def test_a_folder_may_be_moved_with_its_suite(init: Init, tmp_path: Path) -> None:
    write_logs(tmp_path / "one" / "logs")
    init("one/logs", "--out", "one/x.yaml")
    shutil.move(tmp_path / "one", tmp_path / "two")
    assert "labels" in _planned(tmp_path / "two" / "x.yaml")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none"], "none: does not exist; name a folder of logs"),
        (["logs", "--out", "there.yaml"], "there.yaml: is there already; name another file"),
        (["logs", "--out", "logs"], "logs: is a folder; name a file with --out"),
        (["logs", "--out", "x.txt"], "x.txt: a suite file ends in .yaml"),
        (["logs", "--out", "gone/x.yaml"], "its folder does not exist; make it"),
        (["logs/ok"], "its 14 files lie in no class folder"),
        (["ids.jsonl", "--label", "serial"], "more than 1,000 classes in the field 'serial'"),
        (["ids.jsonl", "--label", "same"], "every labelled document is of the class 'x'"),
        (["ids.jsonl", "--label", "serail"], "no column 'serail'; did you mean 'serial'"),
        (["ids.jsonl", "--label", "serial", "--text", "n"], "column 'n' holds a value of type int"),
        (["binary"], "20 of the 20 documents read are no text, as 'a/0.log'; unpack or convert"),
        (["utf16"], r"no text, as 'a/0.log'; convert them to UTF-8 \(iconv"),
        (["torn"], "torn/a/0.log.gz: cannot be read"),
        (["blank"], "no document holds any text"),
        (["alone"], "fewer than two classes have two documents"),
        (["twice.jsonl"], "two documents have the id '1'"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(
    init: Init, tmp_path: Path, words: list[str], message: str
) -> None:
    write_logs(tmp_path / "logs")
    (tmp_path / "there.yaml").write_text("mine")
    _jsonl(tmp_path / "ids.jsonl", _rows(1500, serial=lambda n: f"s{n}", n=int, same=lambda n: "x"))
    _jsonl(tmp_path / "twice.jsonl", _rows(9, id=lambda n: "1"))
    made = {
        "binary": ("log", b"\x89PNG\xff\xfe\xfa\xfb", 10),
        "utf16": ("log", "a line of text\n".encode("utf-16"), 10),
        "torn": ("log.gz", b"\x1f\x8b\x08\x00\x00", 3),
        "blank": ("log", b" \n", 3),
        "alone": ("log", b"a line\n", 1),
    }
    for name, (ending, data, number) in made.items():
        for label in "ab":
            (tmp_path / name / label).mkdir(parents=True)
            for n in range(number):
                (tmp_path / name / label / f"{n}.{ending}").write_bytes(data)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(InputError, match=message) as refused:
        init(*words)
    assert "\n" not in str(refused.value)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_inside_the_folder_of_the_classes_nothing_is_begun(
    init: Init, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_logs(tmp_path / "my logs"))
    with pytest.raises(InputError, match=r"is where you are.*&& logmark init 'my logs'"):
        init(".")
    assert not (tmp_path / "my logs" / "my-logs.yaml").exists()


def test_a_file_that_is_there_is_replaced_on_request(init: Init, tmp_path: Path) -> None:
    (tmp_path / "logs.yaml").write_text("mine")
    init(write_logs(tmp_path / "logs"), "--force")
    assert read(tmp_path / "logs.yaml").name == "logs"
