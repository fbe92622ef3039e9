import gzip
import io
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from packing import packed, written

from corpora.alerts import AlertLog
from corpora.document import Document
from results.errors import InputError

START = 1_100_000_010  # a multiple of 30


def line(second: int, tag: str = "-", text: str = "kernel: fine") -> str:
    return f"{tag} {second} 2004.11.09 node1 Nov 9 12:00:00 node1/node1 {text}\n"


LOG = "".join(
    [
        line(START + 29),
        line(START + 5),  # not in order, but in the window
        line(START + 30, "DISK", "DISK-like words stay: disk failed"),
        line(START + 59),
        line(START + 300),
    ]
)


def read(path: Path, **settings: float) -> list[tuple[str, str, dict[str, object]]]:
    log = AlertLog(path=path, **settings)  # type: ignore[arg-type]
    return [(d.id, "".join(d.parts), dict(d.fields)) for d in log.documents()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return written(tmp_path / "data", {"BGL.log": LOG, "README.md": "## BGL"}) / "BGL.log"


def test_windows_lie_on_the_epoch_and_one_alert_makes_an_anomaly(log: Path) -> None:
    first, second, third = read(log)

    assert first[0] == str(START)
    assert first[2] == {
        "label": "normal",
        "time": "2004-11-09T11:33:30+00:00",
        "lines": 2,
        "alerts": 0,
    }
    assert (second[2]["label"], second[2]["alerts"], second[2]["lines"]) == ("anomaly", 1, 2)
    assert third[0] == str(START + 300) and third[2]["label"] == "normal"
    assert [id for id, _, _ in read(log, window_s=3600)] == [str(START - START % 3600)]


def test_the_tag_is_gone_and_everything_behind_it_stays(log: Path) -> None:
    text = "".join(text for _, text, _ in read(log))

    assert text == "".join(row.split(" ", 1)[1] for row in LOG.splitlines(keepends=True))


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz"])
def test_the_archive_the_folder_and_the_file_read_alike(
    log: Path, tmp_path: Path, kind: str
) -> None:
    packed_file = written(tmp_path / "gz", {"BGL.log.gz": gzip.compress(LOG.encode())})

    assert read(packed(tmp_path / f"BGL.{kind}", log.parent)) == read(log)
    assert read(log.parent) == read(packed_file / "BGL.log.gz") == read(log)


def test_lines_out_of_order_stay_in_the_open_window_and_are_counted(tmp_path: Path) -> None:
    rows = [line(START + 30 * n) for n in range(200)]
    rows.insert(150, line(START, "DISK"))
    folder = written(tmp_path, {"a.log": "".join(rows)})
    counts: Counter[str] = Counter()
    documents = list(AlertLog(path=folder).documents(counts))

    assert len(documents) == 200 and counts == {"lines_out_of_order": 1}
    odd = next(d for d in documents if d.fields["alerts"])
    assert (odd.id, odd.fields["lines"]) == (str(START + 30 * 149), 2)
    with pytest.raises(InputError, match=r"1 of 201 lines out of order, more than `max_out_of_ord"):
        read(folder, max_out_of_order=0.001)


def test_a_log_in_reverse_order_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    rows = (line(START - 30 * n) for n in range(5000))
    folder = written(tmp_path, {"a.log": "".join(rows)})

    with pytest.raises(InputError, match=r"10\d\d of 1\d\d\d lines out of order.*sort the log"):
        read(folder)


def test_lines_without_a_time_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [line(START + n) for n in range(2000)]
    rows.insert(7, "DISK yesterday node1 failed\n")
    folder = written(tmp_path, {"a.log": "".join(rows)})
    counts: Counter[str] = Counter()
    documents = list(AlertLog(path=folder).documents(counts))

    assert counts == {"lines_without_time": 1}
    assert sum(int(str(d.fields["lines"])) for d in documents) == 2000
    assert not any("yesterday" in "".join(d.parts) for d in documents)
    with pytest.raises(InputError, match=r"1 of 2001 lines without time.*`TAG SECONDS ...`"):
        read(folder, max_without_time=0.0001)


def test_a_log_without_any_time_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, {"a.log": "plain text\n" * 3})

    with pytest.raises(InputError, match="3 of 3 lines without time"):
        read(folder)


@pytest.mark.parametrize(
    "wrong", [{"window_s": 0}, {"max_out_of_order": 1.5}, {"max_without_time": -0.1}]
)
def test_impossible_settings_are_refused(tmp_path: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"corpus: `{next(iter(wrong))}: "):
        AlertLog(path=tmp_path, **wrong)  # type: ignore[arg-type]


def test_one_window_is_held_at_a_time(tmp_path: Path) -> None:
    folder = written(tmp_path, {"a.log": LOG + line(START, "BAD") * 1000})
    documents = AlertLog(path=folder).documents()

    assert isinstance(next(documents), Document)  # what comes later is not read yet
    with pytest.raises(InputError, match="out of order"):
        list(documents)


@pytest.mark.shared_data
def test_no_alert_tag_of_the_official_sample_survives(shared_data: Path, tmp_path: Path) -> None:
    with tarfile.open(shared_data / "loghub_2k/loghub_2k.tar.xz") as archive:
        stream = archive.extractfile("loghub/BGL/BGL_2k.log")
        assert stream is not None
        data = stream.read()
    path = written(tmp_path, {"BGL.log": data}) / "BGL.log"
    tags = Counter(row.split()[0].decode() for row in io.BytesIO(data))
    counts: Counter[str] = Counter()
    documents = list(AlertLog(path=path).documents(counts))
    text = "".join(part for document in documents for part in document.parts)

    assert not counts
    assert sum(int(str(d.fields["alerts"])) for d in documents) == 2000 - tags["-"] == 143
    assert not any(tag in text for tag in tags if tag != "-")
    assert all(row.split(" ", 1)[0].isdigit() for row in text.splitlines())
    assert text.count("\n") == 2000
