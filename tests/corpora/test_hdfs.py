import re
from collections import Counter
from pathlib import Path

import pytest
from packing import PACKED, packed, written

from corpora.hdfs import Hdfs
from results.errors import InputError

ROWS = [
    "081109 203518 143 INFO dfs.DataNode$DataXceiver: Receiving block blk_-16 src: /10.0.0.1:5",
    "081109 203519 35 INFO dfs.FSNamesystem: BLOCK* NameSystem.delete: blk_2 blk_-16 blk_2",
    "081109 203520 1 INFO dfs.DataNode: Served block blk_2 to /10.0.0.9",
    "081110 000001 1 INFO dfs.DataNode: Served block blk_345 to /10.0.0.9",
    "081110 000002 143 INFO dfs.DataNode$DataXceiver: Received block blk_-16 of size 7",
]
LABELS = "BlockId,Label\nblk_-16,Anomaly\nblk_2,Normal\nblk_345,Normal\n"
TRACES = (
    "BlockId,Label,Type,Features,TimeInterval,Latency\n"
    'blk_-16,Fail,21,"[E5,E22,E5]","[0.0, 1.0]",3\n'
    'blk_2,Success,,"[E22]","[0.0]",1\n'
    'blk_345,Success,,"[E22]","[0.0]",1\n'
)
TEMPLATES = 'EventId,EventTemplate\nE5,[*]Receiving block[*]\nE22,"[*]allocate, then[*]"\n'
LAYOUTS = {
    "HDFS_1": {"HDFS.log": "\n".join(ROWS), "anomaly_label.csv": LABELS, "README.md": "x"},
    "HDFS_v1": {
        "HDFS.log": "\n".join(ROWS),
        "preprocessed/anomaly_label.csv": LABELS,
        "preprocessed/Event_traces.csv": TRACES,
        "preprocessed/HDFS.log_templates.csv": TEMPLATES,
        "preprocessed/Event_occurrence_matrix.csv": "BlockId\n",
    },
}


def read(loader: Hdfs, counts: Counter[str] | None = None) -> dict[str, tuple[str, object]]:
    return {d.id: ("".join(d.parts), dict(d.fields)) for d in loader.documents(counts)}


def refused(folder: Path, message: str, **settings: object) -> None:
    with pytest.raises(InputError, match=message):
        list(Hdfs(path=folder, **settings).documents())  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "HDFS_v1", LAYOUTS["HDFS_v1"])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_document_is_a_block_with_every_line_that_names_it(tmp_path: Path, layout: str) -> None:
    found = read(Hdfs(path=written(tmp_path, LAYOUTS[layout])))

    assert found == {
        "blk_-16": (
            f"{ROWS[0]}\n{ROWS[1]}\n{ROWS[4]}\n",
            {"label": "anomaly", "time": "2008-11-09T20:35:18", "lines": 3},
        ),
        "blk_2": (
            f"{ROWS[1]}\n{ROWS[2]}\n",
            {"label": "normal", "time": "2008-11-09T20:35:19", "lines": 2},
        ),
        "blk_345": (
            f"{ROWS[3]}\n",
            {"label": "normal", "time": "2008-11-10T00:00:01", "lines": 1},
        ),
    }


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("form", ["lines", "events"])
def test_the_archive_gives_the_documents_of_the_folder_in_their_order(
    folder: Path, tmp_path: Path, kind: str, form: str
) -> None:
    archive = packed(tmp_path / f"HDFS_v1.{kind}", folder, last=".csv")
    plain, unpacked = Hdfs(path=archive, read=form), Hdfs(path=folder, read=form)  # type: ignore[arg-type]

    assert list(read(plain).items()) == list(read(unpacked).items())
    assert plain.files() == [archive]


def test_order_depends_on_the_lines_alone_and_many_blocks_stay_apart(tmp_path: Path) -> None:
    ids = [f"blk_{n * 7919 - 10**6}" for n in range(400)]
    rows = [f"081109 203518 1 INFO x: {step} of {id}\n" for step in range(5) for id in ids]
    labels = "BlockId,Label\n" + "".join(f"{id},Normal\n" for id in ids)
    path = written(tmp_path, {"HDFS.log": "".join(rows), "anomaly_label.csv": labels})
    one, two = read(Hdfs(path=path)), read(Hdfs(path=path))

    assert list(one) == list(two) and set(one) == set(ids)
    for id, (text, _) in one.items():
        assert [int(row.split()[5]) for row in text.splitlines()] == [0, 1, 2, 3, 4]
        assert all(row.endswith(id) for row in text.splitlines())


def test_events_are_read_as_their_templates(folder: Path) -> None:
    loader = Hdfs(path=folder, read="events")

    assert read(loader) == {
        "blk_-16": (
            "[*]Receiving block[*]\n[*]allocate, then[*]\n[*]Receiving block[*]\n",
            {"label": "anomaly", "lines": 3},
        ),
        "blk_2": ("[*]allocate, then[*]\n", {"label": "normal", "lines": 1}),
        "blk_345": ("[*]allocate, then[*]\n", {"label": "normal", "lines": 1}),
    }
    assert folder / "HDFS.log" not in loader.files() and len(loader.files()) == 3


def test_an_event_without_template_is_named(folder: Path) -> None:
    written(folder, {"preprocessed/HDFS.log_templates.csv": TEMPLATES.replace("E22,", "E23,")})

    refused(folder, r"traces\.csv:2: the event 'E22' has no template.*did you mean", read="events")


@pytest.mark.parametrize("form", ["lines", "events"])
def test_what_has_no_partner_is_counted_and_refused_above_a_share(folder: Path, form: str) -> None:
    labels = LABELS.replace("blk_2,", "blk_9,") + "blk_10,Normal\n"
    written(folder, {"preprocessed/anomaly_label.csv": labels})
    counts: Counter[str] = Counter()

    found = read(Hdfs(path=folder, read=form, max_unmatched=0.6), counts)  # type: ignore[arg-type]

    assert counts == {"logs_without_label": 1, "labels_without_log": 2}
    assert found["blk_2"][1]["label"] is None  # type: ignore[index]
    refused(folder, r"2 of 4 labels without log, as blk_10; `max_unm", read=form, max_unmatched=0.4)
    refused(folder, "1 of 3 logs without label, as blk_2; `max_unmatched: 0.01`", read=form)


def test_lines_without_block_and_blocks_without_time_are_counted(folder: Path) -> None:
    odd = ["a line of the system", f"0811 {ROWS[3]}".replace("blk_345", "blk_345"), *ROWS[:3]]
    written(folder, {"HDFS.log": "\n".join(odd) + "\n991399 250000 x blk_2\n"})
    counts: Counter[str] = Counter()

    found = read(Hdfs(path=folder), counts)

    assert counts == {"lines_without_block": 1, "blocks_without_time": 1}
    assert found["blk_345"][1]["time"] is None  # type: ignore[index]


def test_temporary_files_are_gone_when_reading_stops_early(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))
    documents = Hdfs(path=folder).documents()

    next(documents)
    assert any(spill.iterdir())
    documents.close()  # type: ignore[attr-defined]
    assert not any(spill.iterdir())


def test_missing_pieces_and_wrong_ones_are_refused(folder: Path, tmp_path: Path) -> None:
    refused(tmp_path / "none", "none does not exist")
    refused(folder / "HDFS.log", "'hdfs' reads a folder or an archive")
    written(folder, {"HDFS_2.log": "x"})
    refused(folder, r"log HDFS\.log is there twice")
    (folder / "HDFS_2.log").unlink()
    written(folder, {"HDFS.log": "no block\n"})
    refused(folder, "no line of the log names a block")
    written(folder, {"preprocessed/anomaly_label.csv": "BlockId,Label\nblk_2,Odd\n"})
    refused(folder, re.escape("csv:2: the label 'Odd' is neither Normal nor Anomaly"))
    written(folder, {"preprocessed/anomaly_label.csv": "Block,Label\nblk_2,Normal\n"})
    refused(folder, r"csv:2: no column 'BlockId'; did you mean 'Block'")
    (folder / "preprocessed/anomaly_label.csv").unlink()
    refused(folder, r"there is no label file anomaly_label\.csv in it")


def test_a_share_outside_0_to_1_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`max_unmatched: 2` is a share"):
        Hdfs(path=tmp_path, max_unmatched=2)
