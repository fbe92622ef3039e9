"""`logmark export` and `logmark predict` as their user sees them, on a small real run."""

import contextlib
import csv
import gzip
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edge_run import EdgeRun, edge_run
from hypothesis import given
from hypothesis import strategies as st

import classifiers.export
from classifiers.edge import Description, EdgeModel
from classifiers.residual_cnn import load
from corpora.cleaning import Cleaning, clean
from corpora.document import PART_CHARS, Document, blocks
from corpora.masking import TextView
from corpora.opening import chunks
from corpora.storage import read_documents
from results.errors import InputError
from results.run import Run
from suite import raw_logs
from suite.cli import main
from suite.exporting import export_cell, find_cell
from suite.model_card import card

CNN = "reference/cnn/0"


@pytest.fixture(scope="module")
def run() -> EdgeRun:
    return edge_run()


def _torch_scores(run: EdgeRun, cell: str) -> dict[str, np.ndarray]:
    """What the torch network says of every document as the corpus stores it, by id."""
    opened = Run.open(run.run_dir)
    (record,) = [one for one in opened.records if one.name == f"reference/{cell}/0"]
    fitted, view = load(opened.folder(record, "cell")), TextView(drop_numbers=True)
    corpus = opened.folder(record, "corpus") / "documents.parquet"
    texts = {d.id: [view.apply(part) for part in d.parts] for d in read_documents(corpus)}
    return dict(zip(texts, fitted.predict(list(texts.values())).scores, strict=True))


@pytest.mark.parametrize("cell", ["cnn", "tail"])
def test_a_raw_file_gets_the_class_and_scores_of_the_stored_document(
    run: EdgeRun, cell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = _torch_scores(run, cell)
    files = [str(run.logs / name) for name in expected]
    assert len(files) == 42
    for file, tolerance in (("model.onnx", 1e-4), ("model.int8.onnx", 0.05)):
        model = str(run.exported[cell] / file)
        assert main(["predict", model, *files, "--format", "jsonl", "--scores"]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["path"] for line in lines] == files
        for line, scores in zip(lines, expected.values(), strict=True):
            found = np.array(list(line["scores"].values()))
            assert np.abs(found - scores).max() <= tolerance, line["path"]
            assert line["probability"] == found.max()
            if tolerance < 0.01:
                assert list(line["scores"])[int(scores.argmax())] == line["class"]


def test_the_networks_tell_documents_apart(run: EdgeRun) -> None:
    scores = np.array(list(_torch_scores(run, "cnn").values()))
    assert np.ptp(scores, axis=0).max() > 0.1, "equal scores would make the other tests empty"


@pytest.fixture(scope="module")
def known(run: EdgeRun) -> Description:
    return EdgeModel.open(run.exported["cnn"] / "model.onnx").description


_PIECES = (b"ab", b"12", b" ", b"\n", b"\r\n", b"\x00", b"\xff", b"\xc3", b"\xa9", b"x" * 9)


@given(
    content=st.lists(st.sampled_from(_PIECES)).map(b"".join),
    keep=st.sampled_from(["head", "tail"]),
    context=st.integers(1, 30),
    limits=st.tuples(st.sampled_from([None, 1, 8]), st.sampled_from([None, 1, 12])),
)
def test_a_stream_is_read_as_the_corpus_reads_it(
    known: Description,
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    keep: Any,
    context: int,
    limits: tuple[int | None, int | None],
) -> None:
    folder = tmp_path_factory.mktemp("read")
    (folder / "a").write_bytes(content)
    rules = dict(zip(("max_word_chars", "max_line_chars"), limits, strict=True))
    known = replace(known, keep=keep, context=context, **rules)
    documents = [Document("a", blocks(chunks(folder / "a")), {}), Document("b", ["x\n"], {})]
    clean(documents, Cleaning(empty="drop", **rules), folder)
    view = TextView(**known.view)
    stored = {d.id: d.parts for d in read_documents(folder / "documents.parquet")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_logs, "MOST_REPLACED", 1.0)
        if "a" not in stored:
            with pytest.raises(InputError, match="no text is left|nothing to classify"):
                raw_logs.read(str(folder / "a"), known)
            return
        log = raw_logs.read(str(folder / "a"), known)
    parts = [view.apply(part) for part in stored["a"]]
    model = EdgeModel(known, session=None)
    assert model.encode(log.parts).ids.tolist() == model.encode(parts).ids.tolist()
    assert log.cut == (sum(map(len, parts)) > context)


def _model(run: EdgeRun) -> str:
    return str(run.exported["cnn"] / "model.onnx")


def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    run: EdgeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = {
        "empty.log": b"",
        "blank.log": b" \n\n",
        "binary.log": np.random.default_rng(0).bytes(5000),
        "utf16.log": ("I: step 1\n" * 40).encode("utf-16"),
        "torn.log.gz": gzip.compress(b"I: step 1\n" * 999)[:40],
        "plain.log.gz": b"I: not compressed\n",
        "packed.log.zst": b"I: not compressed\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    bad = [tmp_path / "none.log", tmp_path, *(tmp_path / name for name in contents)]
    good = str(run.logs / "ok" / "5.log")
    assert main(["predict", _model(run), *map(str, bad), good]) == 2
    told = capsys.readouterr()
    assert [line.split("  ")[0] for line in told.out.splitlines()] == [good]
    reasons = (
        "No such file", "Is a directory", "empty, there is nothing to classify", "no text is left",
        "no text (", "no text (", "cannot be read", "cannot be read: Not a gzipped",
        "cannot be read",
    )  # fmt: skip
    lines = told.err.splitlines()
    for path, reason, line in zip(bad, reasons, lines, strict=True):
        assert line.startswith(f"logmark: {path}: ") and reason in line


def test_what_is_no_model_is_one_line(
    run: EdgeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = str(run.logs / "ok" / "5.log")
    assert main(["predict", log, log]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert "not an ONNX file that onnxruntime" in told.err


def test_a_compressed_file_is_read_as_the_plain_one(
    run: EdgeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = run.logs / "ok" / "5.log"
    (tmp_path / "5.log.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert main(["predict", _model(run), str(plain), str(tmp_path / "5.log.gz")]) == 0
    first, second = (line.split("  ")[1:] for line in capsys.readouterr().out.splitlines())
    assert first == second


def test_standard_input_is_a_file(run: EdgeRun) -> None:
    log = run.logs / "ok" / "5.log"
    done = subprocess.run(
        [sys.executable, "-m", "suite.cli", "predict", _model(run), "-", str(log)],
        input=log.read_bytes(),
        capture_output=True,
        check=True,
    )
    first, second = done.stdout.decode().splitlines()
    assert first.startswith("-  ") and first.split("  ")[1:] == second.split("  ")[1:]


def test_what_is_cut_and_what_is_unknown_is_said(
    run: EdgeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "long.log").write_text("I: step of took ms\n" * 50)
    (tmp_path / "foreign.log").write_text("I: жжжж took\n")
    files = [str(tmp_path / name) for name in ("long.log", "foreign.log")]
    assert main(["predict", _model(run), *files]) == 0
    long, foreign = capsys.readouterr().out.splitlines()
    assert long.endswith("(first 120 characters only)")
    assert foreign.endswith("(30.8% of the characters unknown)")
    tail = str(run.exported["tail"] / "model.onnx")
    assert main(["predict", tail, files[0], "--format", "jsonl"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["cut"], line["characters_read"], line["unknown"]) == ("last", 90, 0)


def test_csv_is_a_table_whatever_the_names_are(
    run: EdgeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / 'a, "b".log'
    odd.write_text("I: step of took ms\n")
    assert main(["predict", _model(run), str(odd), "--format", "csv", "--scores"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["path"] == str(odd) and row["characters_read"] == "19" and row["cut"] == ""
    scores = {name: float(row[f"score:{name}"]) for name in ("disk", "net", "ok")}
    assert row["class"] == max(scores, key=lambda name: scores[name])
    assert sum(scores.values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("keep", ["head", "tail"])
def test_of_a_long_file_only_what_is_read_is_kept(
    known: Description, tmp_path: Path, keep: Any
) -> None:
    path = tmp_path / "long.log"
    path.write_text("I: step of took ms\n" * 200_000)
    log = raw_logs.read(str(path), replace(known, keep=keep, context=100_000))
    assert log.cut and 100_000 <= sum(map(len, log.parts)) < 100_000 + PART_CHARS


def test_a_head_is_classified_before_the_file_ends(run: EdgeRun) -> None:
    command = [sys.executable, "-m", "suite.cli", "predict", _model(run), "-"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, bufsize=0, **pipes) as process:
        with contextlib.suppress(BrokenPipeError):  # it reads no further than it has to
            process.stdin.write(b"I: step of took ms\n" * 40_000)
        assert process.stdout.readline().startswith(b"-  ")


def test_the_card_says_what_was_measured(run: EdgeRun) -> None:
    card = (run.exported["cnn"] / "MODEL_CARD.md").read_text()
    for known in (
        "# reference/cnn/0 of edge", "| seed | 0 |", "| train documents | 29 |",
        "the first 120 characters of a document", "| words dropped | of more than 30 characters |",
        "| numbers | dropped |", "disk, net, ok", "| macro-F1 | ", "| `model.int8.onnx` | ",
        "| `model.onnx` | ", "not calibrated",
    ):  # fmt: skip
        assert known in card, known


def test_a_point_of_a_study_is_exported_like_any_network(run: EdgeRun, tmp_path: Path) -> None:
    """Documents that a thinned train side leaves out are neither learnt from nor tested."""
    made = export_cell(run.run_dir, "reference/size:cnn@train_share=0.5/0", tmp_path)
    assert (tmp_path / "model.onnx").is_file()
    whole = len(Run.open(run.run_dir).predictions(find_cell(Run.open(run.run_dir), CNN)))
    assert f"of {whole} test labels" in next(made.lines())


def test_a_caveat_comes_first(run: EdgeRun) -> None:
    opened = Run.open(run.run_dir)
    (record,) = [one for one in opened.records if one.name == "reference/cnn/0"]
    marked = record.model_copy(update={"marks": ["synthetic data"]})
    fitted = load(opened.folder(record, "cell"))
    lines = card(opened, marked, fitted, {}).splitlines()
    assert lines[2].startswith("> **synthetic data**")
    assert any("no int8 file: what a BiLSTM" in line for line in lines)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("reference/cn/0", r"no cell 'reference/cn/0'; reference cells: reference/cnn/0"),
        ("majority/majority/0", "only a reference network can be exported"),
    ],
)
def test_a_cell_that_cannot_be_exported_is_refused(
    run: EdgeRun, cell: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(run.run_dir), cell]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and message in told.err


def _changed(run: EdgeRun, folder: Path, **changes: Any) -> Run:
    opened = Run.open(run.run_dir)
    records = [one.model_copy(update=changes) for one in opened.records]
    Run.write(folder, opened.meta, records)
    return Run.open(folder)


def test_a_failed_cell_says_why_there_is_no_network(run: EdgeRun, tmp_path: Path) -> None:
    changed = _changed(run, tmp_path, status="failed", reason="loss is NaN in batch 3", cell=None)
    with pytest.raises(InputError, match=r"failed, so there is no network \(loss is NaN"):
        find_cell(changed, "reference/cnn/0")


def test_a_network_that_is_gone_from_the_store_is_said_so(run: EdgeRun, tmp_path: Path) -> None:
    changed = _changed(run, tmp_path)
    changed.meta["store"] = str(tmp_path / "elsewhere")
    Run.write(tmp_path, changed.meta, changed.records)
    with pytest.raises(InputError, match="missing from the store; run the suite again"):
        export_cell(tmp_path, "reference/cnn/0", tmp_path / "out")


def test_a_run_without_networks_says_how_to_get_one(run: EdgeRun, tmp_path: Path) -> None:
    opened = Run.open(run.run_dir)
    kept = [one for one in opened.records if one.model != "reference"]
    Run.write(tmp_path, opened.meta, kept)
    with pytest.raises(InputError, match=r"add `references: \[cnn\]` to the suite"):
        find_cell(Run.open(tmp_path), "reference/cnn/0")


def test_a_missing_package_is_named(
    run: EdgeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        classifiers.export, "find_spec", lambda name: None if name == "onnxscript" else name
    )
    with pytest.raises(InputError, match=r"needs onnxscript.*pip install 'logmark\[export\]'"):
        export_cell(run.run_dir, "reference/cnn/0", tmp_path)
