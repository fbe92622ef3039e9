"""`corpus` and `labels` together: what a loader met, samples, twins, and what a source is."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from packing import packed, written

from corpora.storage import read_documents
from jobs import corpus, labels
from jobs.job import Context
from results.hashing import hash_file
from suite.plan_corpus import identify
from suite.spec import Suite

HDFS = {
    "HDFS.log": "".join(
        f"081109 2035{n % 60:02} 1 INFO x: took {n} ms, {step} of blk_{n}\n"
        for step in ("open", "close")
        for n in range(60)
    ),
    "anomaly_label.csv": "BlockId,Label\nblk_999,Normal\n"
    + "".join(f"blk_{n},{'Anomaly' if n % 5 == 0 else 'Normal'}\n" for n in range(60)),
}
CLEAN: dict[str, Any] = {"empty": "refuse"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "data", HDFS)


def made(out: Path, path: Path, **params: Any) -> tuple[dict[str, Any], pd.DataFrame]:
    """Run both jobs; returns the corpus card and the labels table."""
    settings = {"read": "lines", "max_unmatched": 0.05}
    every = {"loader": "hdfs", "settings": settings, "where": {}, "group": None, "clean": CLEAN}
    context = Context(scratch=out, local={"path": str(path)})
    folders = {name: out / name for name in ("corpus", "labels")}
    for one in folders.values():
        one.mkdir(parents=True)
    corpus.run({**every, **params}, {}, folders["corpus"], context)
    columns = {"label": "label", "time": "time", "split_column": None, "relabel": {}}
    inputs = {"corpus": folders["corpus"]}
    labels.run({**every, **params, **columns}, inputs, folders["labels"], context)
    card = json.loads((folders["corpus"] / "card.json").read_text())
    return card, pd.read_parquet(folders["labels"] / "labels.parquet")


def test_the_card_tells_what_the_loader_met(folder: Path, tmp_path: Path) -> None:
    card, table = made(tmp_path / "out", folder)

    assert card["source"] == {"labels_without_log": 1}
    assert table["label"].value_counts().to_dict() == {"normal": 48, "anomaly": 12}
    assert table["time"].min() == "2008-11-09T20:35:00"


def test_the_card_of_a_source_without_oddities_has_no_such_line(tmp_path: Path) -> None:
    whole = {**HDFS, "anomaly_label.csv": HDFS["anomaly_label.csv"].replace("blk_999,Normal\n", "")}
    card, _ = made(tmp_path / "out", written(tmp_path / "data", whole))

    assert "source" not in card and "duplicates" not in card["removed"]


def test_corpus_and_labels_hold_the_same_sample(folder: Path, tmp_path: Path) -> None:
    card, table = made(tmp_path / "out", folder, sample=0.5)
    stored = [d.id for d in read_documents(tmp_path / "out" / "corpus" / "documents.parquet")]

    assert 15 < card["documents_read"] < 45
    assert list(table["id"]) == stored and len(stored) == card["documents_read"]


@pytest.mark.parametrize(("duplicates", "kept"), [("keep", 60), ("exact", 59), ("masked", 58)])
def test_of_twins_the_labels_have_the_one_that_was_kept(
    folder: Path, tmp_path: Path, duplicates: str, kept: int
) -> None:
    same = HDFS["HDFS.log"].replace("of blk_8\n", "of blk_7\n").replace("took 8", "took 7")
    log = same.replace("blk_7\n", "blk_7 blk_8\n") + "".join(
        f"081109 203501 1 INFO x: {step} {n}, and nothing else of 0x{n}: blk_-{n}\n"
        for step in ("open", "close")
        for n in (101, 102)
    )
    log = "".join(row for row in log.splitlines(True) if row[-6:-1] not in ("blk_1", "blk_2"))
    labels = HDFS["anomaly_label.csv"].replace("blk_1,", "blk_-101,").replace("blk_2,", "blk_-102,")
    written(folder, {"HDFS.log": log, "anomaly_label.csv": labels})

    card, table = made(tmp_path / "out", folder, clean={**CLEAN, "duplicates": duplicates})

    assert card["removed"].get("duplicates", 0) == 60 - kept
    assert card["documents_kept"] == len(table) == kept


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_gives_the_same_artifacts_as_its_folder(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    archive = packed(tmp_path / f"HDFS_v1.{kind}", folder)
    made(tmp_path / "one", folder)
    made(tmp_path / "two", archive)

    for name in ("corpus/documents.parquet", "corpus/card.json", "labels/labels.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_source_is_known_by_its_bytes_and_not_by_its_place(folder: Path, tmp_path: Path) -> None:
    def source(path: Path) -> str:
        section = {"loader": "hdfs", "path": str(path)}
        suite = Suite.model_validate({"name": "a", "seeds": [0], "corpus": section})
        found = identify(suite, hash_file)
        assert str(path) not in json.dumps(found)
        return str(found["source"])

    archive = packed(tmp_path / "HDFS_v1.tar.gz", folder)
    moved = tmp_path / "elsewhere" / "HDFS_v1.tar.gz"
    moved.parent.mkdir()
    moved.write_bytes(archive.read_bytes())
    before = source(folder)
    written(folder, {"README.md": "not read"})

    assert source(archive) == source(moved)
    assert source(folder) == before == source(folder.rename(tmp_path / "renamed"))
    written(tmp_path / "renamed", {"anomaly_label.csv": HDFS["anomaly_label.csv"] + "\n"})
    assert source(tmp_path / "renamed") != before
