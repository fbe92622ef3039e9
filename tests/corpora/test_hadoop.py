import io
from collections import Counter
from pathlib import Path

import pytest
from packing import PACKED, packed, written

from corpora.hadoop import Hadoop, read_labels
from results.errors import InputError

LABELS = """Some words about the data: how they were made.

### WordCount
Normal:
+ application_1_0001

Machine down:
+ application_1_0002

### PageRank
Disk full:
+ application_2_0001
"""
FILES = {
    "abnormal_label.txt": LABELS,
    "README.md": "## Hadoop",
    "application_1_0001/container_1_0001_01_000002.log": "second\n",
    "application_1_0001/container_1_0001_01_000001.log": "first, without an end",
    "application_1_0002/container_1_0002_01_000001.log": "machine\r\n",
    "application_2_0001/container_2_0001_01_000001.log": "disk\n",
}


def read(loader: Hadoop, counts: Counter[str] | None = None) -> list[tuple[str, str, object]]:
    return [(d.id, "".join(d.parts), dict(d.fields)) for d in loader.documents(counts)]


def about(label: str | None, application: str, app_type: str | None) -> dict[str, object]:
    return {"label": label, "application": application, "app_type": app_type}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "data", FILES)


def test_a_run_is_the_logs_of_its_containers_in_order(folder: Path) -> None:
    assert read(Hadoop(path=folder)) == [
        (
            "application_1_0001",
            "first, without an end\nsecond\n",
            about("Normal", "application_1_0001", "WordCount"),
        ),
        (
            "application_1_0002",
            "machine\r\n",
            about("Machine down", "application_1_0002", "WordCount"),
        ),
        ("application_2_0001", "disk\n", about("Disk full", "application_2_0001", "PageRank")),
    ]


def test_a_container_has_its_runs_label_and_names_its_run(folder: Path) -> None:
    found = read(Hadoop(path=folder, unit="container"))

    assert [(id, text) for id, text, _ in found][:2] == [
        ("application_1_0001/container_1_0001_01_000001", "first, without an end"),
        ("application_1_0001/container_1_0001_01_000002", "second\n"),
    ]
    assert found[1][2] == about("Normal", "application_1_0001", "WordCount")


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("unit", ["application", "container"])
def test_the_archive_reads_as_the_folder(
    folder: Path, tmp_path: Path, kind: str, unit: str
) -> None:
    archive = packed(tmp_path / f"Hadoop.{kind}", folder, last="000001.log")

    assert read(Hadoop(path=archive, unit=unit)) == read(Hadoop(path=folder, unit=unit))  # type: ignore[arg-type]


def test_a_folder_above_the_data_reads_too(folder: Path) -> None:
    assert read(Hadoop(path=folder.parent)) == read(Hadoop(path=folder))


def test_what_has_no_partner_is_counted_and_refused_above_a_share(folder: Path) -> None:
    labels = LABELS.replace("1_0002", "1_0009") + "+ application_2_0002\n"
    written(folder, {"abnormal_label.txt": labels})
    counts: Counter[str] = Counter()

    found = read(Hadoop(path=folder, max_unmatched=0.5), counts)

    assert counts == {"logs_without_label": 1, "labels_without_log": 2}
    assert found[1][2] == about(None, "application_1_0002", None)
    with pytest.raises(InputError, match="1 of 3 logs without label, as application_1_0002"):
        read(Hadoop(path=folder))


def test_missing_pieces_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="'hadoop' reads a folder or an archive"):
        read(Hadoop(path=folder / "README.md"))
    (folder / "abnormal_label.txt").unlink()
    with pytest.raises(InputError, match=r"there is no label file abnormal_label\.txt in it"):
        read(Hadoop(path=folder))
    only = written(folder.parent / "labels", {"abnormal_label.txt": LABELS})
    with pytest.raises(InputError, match=r"there is no application_\*/container_\*\.log in it"):
        read(Hadoop(path=only))
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match=r"there is no application_\*"):
        read(Hadoop(path=folder / "empty"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("### A\n+ application_1\n", "here:2: '.*' stands under no `FAULT:` line"),
        ("nothing\n", "here: it lists no run"),
    ],
)
def test_a_label_file_that_says_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_labels(io.StringIO(text), "here")


@pytest.mark.shared_data
def test_the_official_label_file_is_read_whole(shared_data: Path) -> None:
    with (shared_data / "hadoop_runs/abnormal_label.txt").open() as stream:
        runs = read_labels(stream, "labels")

    assert Counter(run.label for run in runs.values()) == {
        "Machine down": 28,
        "Normal": 11,
        "Disk full": 9,
        "Network disconnection": 7,
    }
    assert Counter(run.app_type for run in runs.values()) == {"PageRank": 30, "WordCount": 25}
