import gzip
import os
from pathlib import Path

import pytest

from corpora.folder import Folder
from corpora.selecting import Columns, Relabel, labelled
from corpora.splitting import Splitting, split
from results.errors import InputError


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_a_document_is_a_file_in_a_class_folder_at_any_depth(tmp_path: Path) -> None:
    write(tmp_path / "pass" / "b.log", b"fine\n")
    write(tmp_path / "fail" / "day1" / "a.log", b"\xef\xbb\xbfbad \xff byte\r\n")
    write(tmp_path / "fail" / "notes.txt", b"no log")
    write(tmp_path / "stray.log", b"has no class")

    documents = list(Folder(path=tmp_path).documents())

    assert [(d.id, dict(d.fields), "".join(d.parts)) for d in documents] == [
        (
            "fail/day1/a.log",
            {"label": "fail", "file": "fail/day1/a.log", "folder": "day1"},
            "bad \ufffd byte\r\n",
        ),
        ("pass/b.log", {"label": "pass", "file": "pass/b.log", "folder": None}, "fine\n"),
    ]
    assert Folder(path=tmp_path).files() == [tmp_path / d.id for d in documents]


def test_the_folder_within_a_class_is_a_field_whatever_the_class(tmp_path: Path) -> None:
    for name in ("pass/host1/run2/a.log", "fail/host1/run2/b.log", "fail/host2/c.log"):
        write(tmp_path / name, b"x")

    folders = [d.fields["folder"] for d in Folder(path=tmp_path).documents()]

    assert folders == ["host1/run2", "host2", "host1/run2"]


def test_a_folder_of_that_name_stays_on_one_side_whatever_the_class(tmp_path: Path) -> None:
    for number in range(40):
        write(tmp_path / "ab"[number % 2] / f"host{number % 5}" / f"{number}.log", b"x")
    rows = [(d.id, d.fields) for d in Folder(path=tmp_path).documents()]

    labels = labelled(rows, Columns(group="folder"), Relabel()).frame
    sides = split(labels, Splitting(by="group"), seed=0)["side"]

    assert set(sides) == {"train", "test"}
    assert sides.groupby(labels["group"]).nunique().tolist() == [1] * 5


@pytest.mark.parametrize("pattern", ["", "/x/*.log", "../*.log", "**.log", "a/../../*.log"])
def test_a_pattern_that_is_none_or_leads_out_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(InputError, match="is no pattern of files below a class folder; write"):
        Folder(path=tmp_path, pattern=pattern)


def test_a_path_that_nobody_can_look_at_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        Folder(path=Path("x" * 5000)).files()


def test_names_that_are_no_text_stay_different(tmp_path: Path) -> None:
    for name in (b"caf\xe8", b"caf\xe9"):
        folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        write(folder / "a.log", b"x")

    documents = list(Folder(path=tmp_path).documents())

    assert [d.id for d in documents] == ["caf\\udce8/a.log", "caf\\udce9/a.log"]
    assert [d.fields["label"] for d in documents] == ["caf\\udce8", "caf\\udce9"]


def test_compressed_files_are_read_as_they_are(tmp_path: Path) -> None:
    write(tmp_path / "pass" / "a.log.gz", gzip.compress("über\n".encode()))

    (document,) = Folder(path=tmp_path, pattern="*.log.gz").documents()

    assert "".join(document.parts) == "über\n"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere does not exist; check `path:`"):
        Folder(path=tmp_path / "nowhere").files()


def test_a_folder_without_class_folders_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.log", b"text")
    write(tmp_path / ".git" / "b.log", b"text")

    with pytest.raises(InputError, match=r"has no class folders.*class_name/run1\.log"):
        list(Folder(path=tmp_path).documents())


def test_class_folders_without_a_matching_file_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "pass" / "a.txt", b"text")

    with pytest.raises(InputError, match=r"`pattern: \*\.log`; endings found: \.txt"):
        Folder(path=tmp_path).files()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "pass" / "a.log.gz", gzip.compress(b"text" * 1000)[:-9])
    (document,) = Folder(path=tmp_path, pattern="*.gz").documents()

    with pytest.raises(InputError, match=r"a\.log\.gz: cannot be read: .*ended"):
        list(document.parts)
