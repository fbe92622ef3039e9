"""`logmark predict RUN_DIR CELL FILES...`: any cell says of a file what the run recorded of it."""

import csv
import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from predict_run import PredictRun, predict_run

from corpora.masking import TextView
from corpora.storage import read_documents
from jobs.predict import ready
from jobs.predict_text import mined
from jobs.predict_vectors import embedded
from results import bundling
from results.errors import InputError
from results.hashing import hash_file
from results.records import Record
from results.run import Run
from suite import predict_plan
from suite.cli import main
from suite.hardware import Target
from suite.predict_cell import find, learnt, resolved
from suite.predict_files import Rules, lay
from suite.predict_plan import planned
from suite.predicting import Listener, asked
from suite.sections import Clean

CELLS = [
    "plain/random_forest/0",
    "plain/decision_tree-tuned/0",
    "plain/xgboost/0",
    "plain/logistic_regression/0",
    "plain/linear_svc/0",
    "plain/embedding_cnn/0",
    "normals/linear_svc/0",  # of an adapted model
    "mined/linear_svc/0",  # of templates
    "majority/majority/0",
    "length/logistic_regression/0",
    "tfidf-char/logistic_regression/0",
    "tfidf-word/size:linear_svc@train_share=0.5/0",
    "reference/cnn/0",
    "whole/finetuned/0",
    "updates/finetuned/0",
    "unmerged/finetuned/0",
    "whole/pruned-50/0",
    "normals/logfit/0",
    "plain/centroid/0",
    "text/line_count/0",
    "text/unseen_templates/0",
]
CHECKED = ("classify", "anomaly")


@pytest.fixture(scope="module")
def run() -> PredictRun:
    return predict_run()


@pytest.fixture
def opened(run: PredictRun) -> Run:
    return Run.open(run.run_dir)


def _ask(run_dir: Path, cell: str, files: list[str]) -> tuple[list[Any], list[str]]:
    said: list[str] = []
    with asked(run_dir, cell, files, Listener(said.append, said.append)) as told:
        return [answer for _, answer in told.answers], said


@pytest.mark.parametrize("cell", CELLS)
def test_a_test_document_gets_its_recorded_prediction(
    run: PredictRun, opened: Run, cell: str
) -> None:
    record = find(opened, cell)
    known = opened.predictions(record)
    answers, said = _ask(run.run_dir, cell, [str(run.logs / name) for name in known["id"]])
    assert [answer.label for answer in answers] == list(known["predicted"])
    scores = [name for name in known.columns if name.startswith("score:")]
    found = np.array([answer.scores for answer in answers])
    assert len(known) == 13 and np.abs(known[scores].to_numpy() - found).max() < 1e-6
    checks = [line for line in said if "fitted again" in line]
    is_fitted = record.artifacts["cell"].kind in CHECKED and cell != "normals/logfit/0"
    assert len(checks) == is_fitted
    assert all("gives all 13 recorded test predictions exactly" in line for line in checks)


def test_the_cells_are_of_every_kind(run: PredictRun, opened: Run) -> None:
    kinds = {find(opened, cell).artifacts["cell"].kind for cell in CELLS}
    assert kinds == {"anomaly", "classify", "compress", "finetune", "reference"}
    assert {record.section for record in opened.records} == {
        "matrix", "compress", "anomaly", "trivial", "reference", "study",
    }  # fmt: skip


def test_a_point_with_altered_lines_is_asked_about_files_as_they_are(run: PredictRun) -> None:
    file = [str(run.logs / "ok" / "3.log")]
    altered, _ = _ask(run.run_dir, "mined/noise:linear_svc@altered_lines=0.5/0", file)
    plain, _ = _ask(run.run_dir, "mined/linear_svc/0", file)
    assert altered[0].label == plain[0].label
    assert np.abs(altered[0].scores - plain[0].scores).max() < 1e-6


def test_a_file_is_laid_down_as_the_corpus_stores_it(
    run: PredictRun, opened: Run, tmp_path: Path
) -> None:
    corpus = opened.folder(opened.records[0], "corpus")
    assert corpus is not None
    stored = {d.id: d.parts for d in read_documents(corpus / "documents.parquet")}
    files, said = [str(run.logs / name) for name in stored], []
    clean = resolved(opened).corpus.clean
    laid = lay(files, tmp_path, Rules(clean=clean), said.append)
    found = [document.parts for document in read_documents(laid.path)]
    assert found == list(stored.values()) and laid.names == files and not said


# The command


def _predict(run: PredictRun, cell: str, *words: object) -> int:
    return main(["predict", str(run.run_dir), cell, *map(str, words)])


def test_standard_output_holds_a_line_per_file_and_nothing_else(
    run: PredictRun, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [run.logs / "ok" / "5.log", run.logs / "net" / "5.log", run.logs / "ok" / "5.log"]
    assert _predict(run, "plain/random_forest/0", *files) == 0
    told = capsys.readouterr()
    lines = [line.split("  ") for line in told.out.splitlines()]
    assert [line[0] for line in lines] == list(map(str, files)) and lines[0] == lines[2]
    assert all(0 < float(line[2]) <= 1 for line in lines)
    assert told.err.splitlines()[0] == "logmark: plain/random_forest/0: random weights"


def test_what_is_no_probability_is_not_called_one(
    run: PredictRun, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run.logs / "ok" / "5.log"
    assert _predict(run, "tfidf-word/linear_svc/0", file, "--format", "jsonl", "--scores") == 0
    line = json.loads(capsys.readouterr().out)
    assert line["probability"] is None and line["characters_read"] == len(file.read_text())
    assert line["class"] == max(line["scores"], key=lambda name: line["scores"][name])
    assert _predict(run, "tfidf-word/linear_svc/0", file, "--format", "csv", "--scores") == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["probability"] == "" and row["unknown"] == ""
    assert float(row["score:ok"]) == pytest.approx(line["scores"]["ok"], abs=1e-6)
    assert _predict(run, "text/line_count/0", file) == 0
    assert capsys.readouterr().out.split("  ")[1].strip() in ("anomaly", "normal")


def test_what_is_cut_is_said(run: PredictRun, capsys: pytest.CaptureFixture[str]) -> None:
    file = run.logs / "ok" / "5.log"
    assert _predict(run, "reference/cnn/0", file) == 0
    assert "(first 120 characters only" in capsys.readouterr().out
    assert _predict(run, "whole/finetuned/0", file) == 0
    assert "% of its tokens only)" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    run: PredictRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = {
        "empty.log": b"",
        "blank.log": b" \n",
        "long.log": b"x" * 99,  # one word, dropped
        "binary.log": np.random.default_rng(0).bytes(5000),
        "torn.log.gz": b"\x1f\x8b\x08",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    bad = [tmp_path / "none.log", tmp_path, *(tmp_path / name for name in contents)]
    reasons = (
        "No such file", "Is a directory", "empty, there is nothing to classify", "no text is left",
        "no text is left", "no text (", "cannot be read",
    )  # fmt: skip
    for cell in ("plain/linear_svc/0", "reference/cnn/0", "tfidf-word/linear_svc/0"):
        assert _predict(run, cell, *bad, run.logs / "ok" / "5.log") == 2
        told = capsys.readouterr()
        assert told.out.count("\n") == 1
        lines = [line for line in told.err.splitlines() if cell not in line]
        for path, reason, line in zip(bad, reasons, lines, strict=True):
            assert line.startswith(f"logmark: {path}: ") and reason in line
    assert _predict(run, "plain/linear_svc/0", *bad) == 2
    assert capsys.readouterr().out == ""


def test_rules_that_drop_documents_warn(
    run: PredictRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = tmp_path / "large.log"
    large.write_text("I: step of took ms\n" * 6000)
    assert _predict(run, "tfidf-word/linear_svc/0", large) == 0
    told = capsys.readouterr()
    assert "114,000 bytes; the corpus has no document above 100,000 (max_bytes)" in told.err
    assert told.out.startswith(str(large))


def test_a_length_that_tukey_would_drop_warns(tmp_path: Path) -> None:
    (tmp_path / "short.log").write_text("I: no\n")
    card = {"lengths": {"after": {"min": 10.0, "max": 2000.0}}}
    rules = Rules(clean=Clean(tukey=True), card=card)
    said: list[str] = []
    laid = lay([str(tmp_path / "short.log")], tmp_path, rules, said.append)
    assert laid.refused == 0
    assert said[0].endswith("6 characters; the corpus has documents of 10 to 2,000 (tukey)")


def test_a_file_of_which_a_model_reads_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "numbers.log").write_text("1 2 3\n44\n")
    rules = Rules(clean=Clean(), view=TextView(drop_numbers=True))
    said: list[str] = []
    laid = lay([str(tmp_path / "numbers.log")], tmp_path, rules, said.append)
    assert (laid.refused, laid.names) == (1, [])
    assert said[0].endswith("nothing is left of it in the text that the model reads")


def test_standard_input_is_a_file_and_nothing_brings_ray(run: PredictRun) -> None:
    code = (
        "import sys; from suite.cli import main; code = main(sys.argv[1:]); "
        "assert 'ray' not in sys.modules; sys.exit(code)"
    )
    log = run.logs / "ok" / "5.log"
    words = ["predict", run.run_dir, "tfidf-word/linear_svc/0", "-", log]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        input=log.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    first, second = done.stdout.decode().splitlines()
    assert first.startswith("-  ") and first.split("  ")[1:] == second.split("  ")[1:]


# What cannot be asked


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plain/random_forst/0", "x"], "no cell 'plain/random_forst/0' .*nearest: plain/random_f"),
        (["plain/random_forest/0"], "name a cell of the run and the files"),
    ],
)
def test_wrong_words_are_one_line(
    run: PredictRun, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(run.run_dir), *words]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    with pytest.raises(InputError, match=message):
        raise InputError(told.err)


def _changed(run: PredictRun, folder: Path, meta: dict[str, Any], **changes: Any) -> Path:
    opened = Run.open(run.run_dir)
    records = [record.model_copy(update=changes) for record in opened.records]
    Run.write(folder, {**opened.meta, **meta}, records)
    return folder


def _refused(run_dir: Path, cell: str, message: str) -> None:
    with (
        pytest.raises(InputError, match=message),
        asked(run_dir, cell, ["x"], Listener(print, print)),
    ):
        pass


def test_a_failed_cell_says_why(run: PredictRun, tmp_path: Path) -> None:
    folder = _changed(run, tmp_path, {}, status="failed", reason="loss is NaN", cell=None)
    message = r"failed, so there is nothing to predict with \(loss is NaN\)"
    _refused(folder, "plain/linear_svc/0", message)


def test_a_store_that_is_gone_is_said_so(run: PredictRun, tmp_path: Path) -> None:
    folder = _changed(run, tmp_path, {"store": str(tmp_path / "elsewhere")})
    _refused(folder, "reference/cnn/0", "weights.safetensors is missing from the store; run the")
    _refused(folder, "plain/linear_svc/0", r"predictions.parquet is missing from the store")


@pytest.mark.parametrize("key", ["models", "name"])
def test_a_suite_that_is_no_more_read_is_said_so(
    run: PredictRun, opened: Run, tmp_path: Path, key: str
) -> None:
    content = {**opened.meta["resolved"], key: 3}
    folder = _changed(run, tmp_path, {"resolved": content})
    _refused(folder, "plain/linear_svc/0", "run.json holds no suite that this Logmark reads")


def test_a_row_that_the_suite_does_not_have_is_said_so(
    run: PredictRun, opened: Run, tmp_path: Path
) -> None:
    content = {**opened.meta["resolved"], "classifiers": [], "studies": []}
    folder = _changed(run, tmp_path, {"resolved": content})
    _refused(folder, "plain/linear_svc/0", "the suite in run.json has no such row")
    _refused(folder, "tfidf-word/size:linear_svc@train_share=0.5/0", "has no such row")


def _elsewhere(run: PredictRun, folder: Path, checkpoint: Path) -> Path:
    """The run, its models' checkpoint moved."""
    content = json.loads(json.dumps(Run.open(run.run_dir).meta["resolved"]))
    for model in content["models"]:
        if "checkpoint" in model:
            model["checkpoint"] = str(checkpoint)
    return _changed(run, folder / "run", {"resolved": content})


def test_other_weights_than_the_runs_are_refused(
    run: PredictRun, opened: Run, tmp_path: Path
) -> None:
    (first, *_) = opened.meta["resolved"]["models"]
    twin = Path(shutil.copytree(first["checkpoint"], tmp_path / "twin"))
    moved = _elsewhere(run, tmp_path, twin)
    assert len(_ask(moved, "plain/linear_svc/0", [str(run.logs / "ok" / "5.log")])[0]) == 1
    config = json.loads((twin / "config.json").read_text())
    (twin / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-3}))
    for cell in ("plain/linear_svc/0", "normals/linear_svc/0", "updates/finetuned/0"):
        _refused(moved, cell, "its model is not what the run computed with")
    file = [str(run.logs / "ok" / "5.log")]
    assert len(_ask(moved, "whole/finetuned/0", file)[0]) == 1, "it holds all its weights itself"


def test_weights_that_are_gone_are_said_so(run: PredictRun, tmp_path: Path) -> None:
    moved = _elsewhere(run, tmp_path, tmp_path / "nowhere")
    _refused(moved, "plain/linear_svc/0", "plain/linear_svc/0: .*nowhere")


def test_a_bundle_without_weights_is_said_so(run: PredictRun, opened: Run, tmp_path: Path) -> None:
    opened.meta.setdefault("suite_hash", "0" * 64)
    bundling.write(opened, tmp_path / "bundle")
    for cell in ("reference/cnn/0", "whole/finetuned/0", "tfidf-word/linear_svc/0"):
        _refused(tmp_path / "bundle", cell, "is a bundle, which holds no .*; ask the run itself")


# What does not come out the same


def test_a_classifier_that_comes_out_different_says_so(opened: Run, tmp_path: Path) -> None:
    record = find(opened, "plain/random_forest/0")
    known = learnt(opened, record, resolved(opened))
    frame = opened.predictions(record)
    frame.loc[0, "score:ok"] += np.float32(0.25)
    frame.to_parquet(tmp_path / "predictions.parquet")
    made = replace(known.made, folders={**known.made.folders, "cell": tmp_path})
    check = ready(made, known.cell, known.embed).check
    assert check.endswith("gives all 13 recorded test labels, scores up to 2.5e-01 apart")
    frame.loc[0, "predicted"] = "other"
    frame.to_parquet(tmp_path / "predictions.parquet")
    check = ready(made, known.cell, known.embed).check
    assert "gives 1 of 13 test documents another class than recorded (another machine" in check


def test_features_that_come_out_different_are_refused(opened: Run, tmp_path: Path) -> None:
    known = learnt(opened, find(opened, "tfidf-word/linear_svc/0"), resolved(opened))
    assert known.embed is not None
    folders = {**known.embed.folders, "vectors": known.embed.folders["vectors"]}
    params = {**known.embed.params, "settings": {**known.embed.params["settings"], "min_df": 1}}
    with pytest.raises(InputError, match="features of the train documents are not those of the r"):
        embedded(params, folders, known.embed.local, [])


def test_templates_that_come_out_different_are_refused(opened: Run, tmp_path: Path) -> None:
    known = learnt(opened, find(opened, "mined/linear_svc/0"), resolved(opened))
    assert known.mining is not None
    (tmp_path / "card.json").write_text(json.dumps({"templates": 1}))
    folders = {name: known.folders[name] for name in ("corpus", "split")}
    with pytest.raises(InputError, match="the run found 1 .another version of Drain3"):
        mined(known.mining, documents=tmp_path, **folders)


def test_what_the_machine_that_planned_chose_is_found_again(
    opened: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite, record = resolved(opened), find(opened, "plain/linear_svc/0")
    here = Target("cpu", "fp32", "eager")
    monkeypatch.setattr(predict_plan, "resolve", lambda *asked: here)
    plan = planned(suite, record, hash_file)
    assert plan.embed is not None and plan.embed.params["attention"] == "sdpa" and not plan.note


def test_what_was_computed_on_a_gpu_is_computed_here_and_said_so(
    opened: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_told(plan: predict_plan.Plan, record: Record) -> bool:
        assert plan.embed is not None
        return bool(plan.embed.params["device"] == "cuda")

    monkeypatch.setattr(predict_plan, "_is_told", is_told)
    here = Target("cpu", "fp32", "sdpa")
    monkeypatch.setattr(predict_plan, "resolve", lambda *asked: here)
    plan = planned(resolved(opened), find(opened, "plain/linear_svc/0"), hash_file)
    assert plan.embed is not None and plan.embed.params["device"] == "cpu"
    assert plan.note.startswith("computed on cuda in fp32, which this machine does not have")


def test_predicting_changes_nothing_in_the_store(run: PredictRun, opened: Run) -> None:
    def files() -> pd.Series:
        paths = [path for path in Path(opened.meta["store"]).rglob("*") if path.is_file()]
        return pd.Series({str(path): path.stat().st_mtime_ns for path in paths}).sort_index()

    before = files()
    _ask(run.run_dir, "plain/random_forest/0", [str(run.logs / "ok" / "5.log")])
    pd.testing.assert_series_equal(files(), before)
