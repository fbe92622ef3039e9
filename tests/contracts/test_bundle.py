"""A real run over every kind of job, bundled: not a word of its logs is in it, and all results are.

Every line of the corpus carries a word, and a letter, that occurs nowhere else.
"""

import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from helpers import run_in_process

from adapters.tiny import build_tiny
from results import bundling, report
from results.run import Run
from suite.spec import read

WORD, LETTER = "canary", "\U00010380"
FOUND = re.compile(
    b"|".join(re.escape(x.encode()) for x in (WORD, LETTER, json.dumps(LETTER).strip('"'))),
    re.IGNORECASE,
)
SUITE = """
name: sung
seeds: [3]
corpus: {loader: folder, path: LOGS}
models:
  - {name: plain, checkpoint: ./tiny, context: 24}
  - name: adapted
    checkpoint: ./tiny
    context: 24
    adapt: {epochs: 1, batch_size: 8, block: 24, learning_rate: 1.0e-3}
  - name: normals
    checkpoint: ./tiny
    context: 24
    adapt: {objective: masked_sentences, epochs: 1, batch_size: 8, block: 24}
    adapt_on: normal
  - name: whole
    checkpoint: ./tiny
    context: 24
    finetune: {epochs: 1, batch_size: 8}
    prune: {levels: [0.5], step: 0.5, epochs: 1, final_epochs: 1}
classifiers: [decision_tree]
references:
  - name: cnn
    context: 200
    epochs: 2
    char_lm: {units: 8, epochs: 1, sequence: 32, max_chars: 2000}
anomaly: {normal: ok, detectors: [{name: guess, detector: top_k, model: normals}]}
studies: [{name: altered, rows: [text/unseen_templates], vary: {altered_lines: [0.5]}}]
compute: {threads: 1, precision: fp32}
"""
TELLING_TIME = re.compile(
    r"report\.html|provenance\.json|costs\.\w+|compression[234]\.\w+|figures/(accuracy-cost|compression-use)\.\w+"
)


class Sung(NamedTuple):
    """The run, its store and what lies in its bundle."""

    run_dir: Path
    store: Path
    bundle: Path
    zip: Path


def _write_logs(root: Path) -> None:
    for label in ("disk", "net", "ok"):
        (root / label).mkdir(parents=True)
        for number in range(12):
            lines = [
                f"I: {WORD}{number}x{line} {label} took {line * 7} ms {LETTER}" for line in range(5)
            ]
            (root / label / f"{number}.log").write_text("\n".join(lines) + "\n")


def _quoting(records: list) -> list:
    """Let one row have failed, with a reason that quotes the log in each way that we know."""
    first = records[0]
    failed = {"cell": None, "status": "failed", "costs": {}, "artifacts": {}}
    reasons = (
        f"ValueError: could not convert {WORD}7 to float",
        f"/home/me/logs/x.log: the line 'it\\'s \"{WORD}7\" is odd",
        f"out of memory (RuntimeError: {WORD}7)",
    )
    return [
        *records,
        *(
            first.model_copy(update={**failed, "model": f"broken{i}", "reason": reason})
            for i, reason in enumerate(reasons)
        ),
    ]


@pytest.fixture(scope="module")
def sung(tmp_path_factory: pytest.TempPathFactory) -> Sung:
    folder = tmp_path_factory.mktemp(f"{WORD}-host")
    _write_logs(folder / "logs")
    texts = [path.read_text() for path in sorted((folder / "logs").rglob("*.log"))]
    build_tiny(folder / "tiny", texts)
    done = run_in_process(folder, SUITE.replace("LOGS", str(folder / "logs")))
    assert set(done.reasons.values()) == {"ok"}, done.reasons
    for path in done.store.root.glob("*/*/attempts/*/card.json"):
        card = json.loads(path.read_text())
        card["examples"] = [texts[0], {texts[1]: 3}]
        card.setdefault("audit", {})["tokens"] = {f"{WORD.upper()}1": 4, "device": texts[0]}
        path.write_text(json.dumps(card))
    meta = {
        "suite": "sung",
        "store": str(done.store.root),
        "command": f"logmark run {folder / 'suite.yaml'} --workdir={folder / 'runs'}",
        "resolved": read(folder / "suite.yaml").model_dump(mode="json"),
        "jobs": done.reasons,
        "started_utc": "2026-01-01T00:00:00+00:00",
        "secret": texts[0],
    }
    Run.write(folder / "sung", meta, _quoting(done.records))
    (folder / "sung" / "logs").mkdir()
    (folder / "sung" / "logs" / "embed.log").write_text(texts[0])
    run = Run.open(folder / "sung")
    bundling.write(run, folder / "out" / "bundle")
    bundling.write(run, folder / "out" / "bundle.zip")
    return Sung(folder / "sung", done.store.root, folder / "out/bundle", folder / "out/bundle.zip")


def _contents(path: Path) -> Iterator[bytes]:
    """Give a file as it is, and unpacked in every way that we write."""
    data = path.read_bytes()
    yield data
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        yield " ".join(map(str, frame.columns)).encode()
        yield frame.to_csv().encode()
    if zipfile.is_zipfile(path):  # .npz, too
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def sings(root: Path) -> set[str]:
    """List the files with a word of the logs, those whose names have one included."""
    files = [path for path in root.rglob("*") if path.is_file()]
    names = {path: path.relative_to(root).as_posix() for path in files}
    return {
        names[path]
        for path in files
        if FOUND.search(names[path].encode()) or any(map(FOUND.search, _contents(path)))
    }


def test_the_search_finds_what_the_store_has_of_the_logs(sung: Sung) -> None:
    found = {(name.split("/")[0], name.split("/")[-1]) for name in sings(sung.store)}
    assert {
        ("corpus", "documents.parquet"), ("templates", "documents.parquet"),
        ("alter", "documents.parquet"), ("char_lm", "characters.json"),
        ("reference", "config.json"), ("adapt", "tokenizer.json"), ("finetune", "tokenizer.json"),
        ("compress", "tokenizer.json"), ("embed", "card.json"),
    } <= found  # fmt: skip
    assert "records.jsonl" in sings(sung.run_dir) and "run.json" in sings(sung.run_dir)


def test_no_word_of_the_logs_is_in_a_bundle(sung: Sung, tmp_path: Path) -> None:
    assert sings(sung.bundle) == set()
    with zipfile.ZipFile(sung.zip) as archive:
        archive.extractall(tmp_path)
    assert sings(tmp_path) == set()


@pytest.mark.parametrize(
    "name",
    ["documents.parquet", "characters.json", "config.json", "tokenizer.json", "card.json"],
)
def test_whatever_else_were_let_in_would_be_found(
    name: str, sung: Sung, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = bundling._Bundle._kept
    monkeypatch.setattr(
        bundling._Bundle,
        "_kept",
        lambda self, kind, one: (lambda data: data) if one == name else kept(self, kind, one),
    )
    run = Run.open(sung.run_dir)
    if name == "tokenizer.json":  # which lies deeper than any file that goes in
        shutil.copytree(sung.store, tmp_path / "store")
        for path in (tmp_path / "store").glob("*/*/attempts/*/checkpoint/tokenizer.json"):
            shutil.copy(path, path.parents[1])
        run.meta["store"] = str(tmp_path / "store")
    bundling.write(run, tmp_path / "bundle")
    assert {path.rsplit("/")[-1] for path in sings(tmp_path / "bundle")} == {name}


def _report(place: Path, out: Path) -> dict[str, bytes]:
    files = report.write(Run.open(place), out)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


_REPORTED = ("plain", "adapted", "whole", "normals", "text", "tfidf-char", "reference")


@pytest.mark.slow
def test_a_report_of_a_bundle_has_the_same_quality_files(sung: Sung, tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    run = Run.open(sung.run_dir)
    records = [one for one in run.records if one.model in _REPORTED]
    lost = {"cell": None, "status": "failed", "reason": "no memory for a window", "artifacts": {}}
    records.append(records[0].model_copy(update={**lost, "classifier": "xgboost"}))
    Run.write(run_dir, run.meta, records)
    bundling.write(Run.open(run_dir), tmp_path / "b.zip")
    own, shared = _report(run_dir, tmp_path / "a"), _report(tmp_path / "b.zip", tmp_path / "b")
    assert set(own) == set(shared)
    differing = {name for name in own if own[name] != shared[name]}
    assert {name for name in differing if not TELLING_TIME.fullmatch(name)} == set()
    assert "figures/map-plain.pdf" in shared and "figures/lengths.pdf" in shared
    assert "figures/curves-reference.cnn.pdf" in shared
    assert not FOUND.search(shared["report.html"])
    assert sings(tmp_path / "b") == set()
