"""Studies as their user runs them: real Ray, real networks, every point in the records."""

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from helpers import run_logmark

from results.records import Record, StudyPoint
from results.run import Run

SUITE = """
name: small
seeds: [0]
corpus: {loader: tm500, num_documents: 60, median_chars: 500}
references:
  - name: cnn
    context: 200
    epochs: 2
    channels: 8
    dense: 8
    char_lm: {units: 8, epochs: 1, max_chars: 2000, sequence: 16}
studies:
  - {name: context, rows: [cnn], vary: {context: [100, 200], padding: [masked]}}
  - {name: size, rows: [cnn, tfidf-word/linear_svc], vary: {train_share: [0.4, 1.0]}}
compute: {threads: 1}
"""
# corpus, labels, split, char_lm; three embeddings, four trivial cells and the reference; two points
# of `context`; of `size` one more split, char_lm and embedding, and four points
JOBS, EQUAL = 4 + 3 + 5 + 2 + 3 + 4, 3


def _run(folder: Path) -> subprocess.CompletedProcess[str]:
    done = run_logmark(folder, "run", "suite.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    (folder / "suite.yaml").write_text(SUITE)
    done = _run(folder)
    assert done.stdout.splitlines()[-1] == f"computed {JOBS - EQUAL}, cached {EQUAL}, failed 0"
    return folder


@pytest.fixture
def run(folder: Path) -> Run:
    return Run.open(folder / "runs" / "small")


@pytest.fixture
def records(run: Run) -> dict[str, Record]:
    return {record.name: record for record in run.records}


def test_every_point_is_a_record_behind_all_others(run: Run) -> None:
    assert [(record.name, record.status) for record in run.records if record.study] == [
        ("reference/context:cnn@context=100,padding=masked/0", "ok"),
        ("reference/context:cnn@context=200,padding=masked/0", "ok"),
        ("reference/size:cnn@train_share=0.4/0", "ok"),
        ("reference/size:cnn@train_share=1.0/0", "ok"),
        ("tfidf-word/size:linear_svc@train_share=0.4/0", "ok"),
        ("tfidf-word/size:linear_svc@train_share=1.0/0", "ok"),
    ]
    assert [record.section for record in run.records] == [
        *["trivial"] * 4, "reference", *["study"] * 6,
    ]  # fmt: skip
    assert all((record.section == "study") == (record.study is not None) for record in run.records)


def test_a_record_says_which_point_it_is(records: dict[str, Record]) -> None:
    record = records["reference/context:cnn@context=100,padding=masked/0"]
    vary = {"context": 100, "padding": "masked"}
    assert record.study == StudyPoint(name="context", row="cnn", vary=vary)
    assert list(record.study.vary) == ["context", "padding"]
    assert record.marks == ["synthetic data"]
    assert set(record.artifacts) == {"corpus", "labels", "split", "char_lm", "cell"}
    assert record.costs["char_lm"].wall_s > 0


def test_an_equal_point_is_the_row_itself(records: dict[str, Record]) -> None:
    for row, point in (
        ("reference/cnn/0", "reference/context:cnn@context=200,padding=masked/0"),
        ("reference/cnn/0", "reference/size:cnn@train_share=1.0/0"),
        ("tfidf-word/linear_svc/0", "tfidf-word/size:linear_svc@train_share=1.0/0"),
    ):
        assert records[row].artifacts == records[point].artifacts
        assert records[row].cell == records[point].cell


def test_a_share_is_learnt_from_and_tested_on_the_same(
    run: Run, records: dict[str, Record]
) -> None:
    for row in ("reference/size:cnn", "tfidf-word/size:linear_svc"):
        some, whole = (records[f"{row}@train_share={share}/0"] for share in (0.4, 1.0))
        assert some.cell is not None and whole.cell is not None
        assert some.cell.train_documents == pytest.approx(0.4 * whole.cell.train_documents, abs=2)
        tested = [list(run.predictions(record)["id"]) for record in (some, whole)]
        assert tested[0] == tested[1]
        sides = [run.split(record).set_index("id")["side"] for record in (some, whole)]
        assert set(sides[0]) == {"train", "test", "unused"}
        assert set(sides[0][sides[0] == "train"].index) < set(sides[1][sides[1] == "train"].index)
        assert some.provenance.split_hash != whole.provenance.split_hash


def test_words_that_only_the_unused_documents_hold_are_unknown(
    run: Run, records: dict[str, Record]
) -> None:
    folders = [
        run.folder(records[f"tfidf-word/size:linear_svc@train_share={share}/0"], "vectors")
        for share in (0.4, 1.0)
    ]
    cards = [json.loads((folder / "card.json").read_text()) for folder in folders if folder]
    assert cards[0]["dimension"] < cards[1]["dimension"]
    assert cards[0]["documents"] == cards[1]["documents"]


def test_a_second_run_computes_nothing(folder: Path) -> None:
    before = pd.read_json(folder / "runs" / "small" / "records.jsonl", lines=True)["cell"]
    assert _run(folder).stdout.splitlines()[-1] == f"computed 0, cached {JOBS}, failed 0"
    after = pd.read_json(folder / "runs" / "small" / "records.jsonl", lines=True)["cell"]
    assert before.tolist() == after.tolist()
    lines = run_logmark(folder, "plan", "suite.yaml").stdout.splitlines()
    assert f"{JOBS} jobs: {JOBS} cached, 0 ready, 0 waiting" in lines
    (line,) = [line for line in lines if "study:size cnn" in line]
    assert line.startswith("cached  study:size cnn, 2 points, 2/2 done")
