"""What a plan says its jobs will take, without weights and without torch."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from helpers import run_in_process

from adapters.catalogue import ENTRIES
from adapters.counting import count, language_model
from adapters.windows import count as count_windows
from results.hashing import hash_file
from suite.corpus_size import COMPRESSION, CorpusSize, guess, measure
from suite.estimate import estimate
from suite.plan import make_plan
from suite.quantities import CHARS_PER_TOKEN, CUDA_BYTES, Estimate
from suite.spec import read

PAPER = Path(__file__).parents[2] / "suites" / "paper.yaml"
SUITE = """
name: sized
corpus: {loader: folder, path: logs}
models:
  - {name: llama, adapter: llama2-7b, context: 512, quantize: nf4}
  - {name: bert, adapter: bert-base-uncased, adapt: {epochs: 2, block: 128, max_blocks: 10}}
  - {name: t5, adapter: flan-t5-large, adapt: {epochs: 1, batch_size: 1, block: 64, max_blocks: 8}}
  - {name: bird, adapter: bigbird-roberta-base, finetune: {epochs: 3, batch_size: 2}}
  - {name: strange, checkpoint: nobody/nothing}
classifiers: [decision_tree]
compute: {device: cpu, precision: fp32}
"""
ONE = CorpusSize(sizes=((2200.0, 10.0),), documents=10, is_estimate=True, basis="a test")


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def _estimates(folder: Path, size: CorpusSize = ONE, text: str = SUITE) -> dict[str, Estimate]:
    (folder / "suite.yaml").write_text(text)
    suite = read(folder / "suite.yaml")
    return estimate(make_plan(suite, hash_file, weights="optional"), size)


def test_an_embedding_is_estimated_by_its_windows(log_folder: Path, tmp_path: Path) -> None:
    found = _estimates(tmp_path)["embed:llama"]
    counts = count(ENTRIES["llama2-7b"].config)
    tokens = ceil(2200 / CHARS_PER_TOKEN)
    windows = count_windows(tokens, capacity=511, overlap=256)
    last = tokens - (windows - 1) * 255 + 1
    assert found.windows == 10 * windows and found.windows_per_document == windows
    assert found.flops == 10 * ((windows - 1) * counts.flops(512) + counts.flops(last))
    assert found.model is not None
    assert found.model.parameters == counts.total == 6_607_343_616
    assert (found.model.bf16_bytes, found.model.nf4_bytes) == (counts.bf16_bytes, counts.nf4_bytes)
    assert found.model.held == "nf4" and found.model.held_bytes == counts.nf4_bytes
    assert found.memory_bytes is not None and found.memory_bytes > counts.nf4_bytes


def test_an_adaptation_is_that_of_the_model_with_its_head(log_folder: Path, tmp_path: Path) -> None:
    found = _estimates(tmp_path)
    bert, t5 = found["adapt:bert/0"], found["adapt:t5/0"]
    config = ENTRIES["bert-base-uncased"].config
    counts = count(config, language_model(config))
    assert bert.model is not None and bert.model.parameters == counts.total
    assert bert.flops == 3 * 2 * 10 * counts.flops(128)
    assert bert.windows is None
    assert t5.model is not None and t5.model.parameters == ENTRIES["flan-t5-large"].parameters
    config = ENTRIES["flan-t5-large"].config
    assert t5.flops == 2 * 8 * count(config, language_model(config)).flops(64)


def test_training_all_weights_takes_sixteen_bytes_each_and_lora_the_weights(
    log_folder: Path, tmp_path: Path
) -> None:
    found = _estimates(tmp_path)
    bert, t5 = found["adapt:bert/0"], found["adapt:t5/0"]
    assert bert.model is not None and bert.memory_bytes is not None
    assert bert.memory_bytes > 16 * bert.model.parameters
    assert t5.model is not None and t5.memory_bytes is not None
    assert t5.model.held_bytes < t5.memory_bytes < 16 * t5.model.parameters


def test_fine_tuning_reads_what_fits_into_the_context(log_folder: Path, tmp_path: Path) -> None:
    long = CorpusSize(sizes=((1e6, 10.0),), documents=10, is_estimate=True, basis="a test")
    found = _estimates(tmp_path, long)["finetune:bird/0"]
    full = count(ENTRIES["bigbird-roberta-base"].config).flops(4096)
    epochs, predicted = 3 * 3 * 0.7 * 0.85, 0.3
    assert found.flops == pytest.approx(10 * (epochs + predicted) * full, rel=1e-6)
    unknown = CorpusSize(sizes=((1e7, 1.0),), documents=None, is_estimate=True, basis="a test")
    more = _estimates(tmp_path, unknown)["finetune:bird/0"]
    assert more.flops is not None and found.flops is not None and more.flops > 10 * found.flops


def test_a_model_that_is_not_trained_still_reads_the_test_documents(
    log_folder: Path, tmp_path: Path
) -> None:
    text = SUITE.replace("{epochs: 3, batch_size", "{method: none, epochs: 3, batch_size")
    assert text != SUITE
    long = CorpusSize(sizes=((1e6, 10.0),), documents=10, is_estimate=True, basis="a test")
    full = count(ENTRIES["bigbird-roberta-base"].config).flops(4096)
    found = _estimates(tmp_path, long, text)["finetune:bird/0"].flops
    assert found == pytest.approx(10 * 0.3 * full, rel=1e-6)


def test_fine_tuning_by_windows_reads_as_many_and_computes_them_once_more(
    log_folder: Path, tmp_path: Path
) -> None:
    long = CorpusSize(sizes=((1e6, 10.0),), documents=10, is_estimate=True, basis="a test")
    read = {}
    for windows in (1, 2, 4):
        text = SUITE.replace("epochs: 3, batch_size", f"epochs: 3, windows: {windows}, batch_size")
        found = _estimates(tmp_path, long, text)["finetune:bird/0"].flops
        assert found is not None
        read[windows] = found
    epoch, predicted = 0.7 * 0.85, 0.3
    full = read[1] * (3 * 4 * epoch + predicted) / (3 * 3 * epoch + predicted)
    assert full < read[2] < 2 * full, "the last window is short"
    assert read[4] - read[2] == pytest.approx(2 * full, rel=1e-6)


def test_a_gpu_is_needed_where_a_cpu_would_take_more_than_a_day(
    log_folder: Path, tmp_path: Path
) -> None:
    small, large = _estimates(tmp_path), _estimates(tmp_path, _times(ONE, 1000))
    assert small["embed:llama"].device == "cpu" and large["embed:llama"].device == "cuda"
    assert large["embed:bert/0"].device == "cpu"
    before, after = small["embed:llama"].memory_bytes, large["embed:llama"].memory_bytes
    assert before is not None and after == before + CUDA_BYTES
    assert small["classify:llama/decision_tree/0"] == Estimate()
    formats = [found["embed:t5/0"].model for found in (small, large)]
    assert [model.held for model in formats if model] == ["fp32", "bf16"]


def test_bigbird_s_attention_matrix_is_counted_in(log_folder: Path, tmp_path: Path) -> None:
    found = _estimates(tmp_path)["finetune:bird/0"]
    weights = 16 * count(ENTRIES["bigbird-roberta-base"].config).total
    kept, matrix = 2 * 34 * 2 * 4096 * 768 * 12, 4 * 12 * 2 * 4096 * 4096
    assert found.memory_bytes == weights + kept + matrix


def _times(size: CorpusSize, factor: int) -> CorpusSize:
    assert size.documents is not None
    return CorpusSize(
        sizes=tuple((length, number * factor) for length, number in size.sizes),
        documents=size.documents * factor,
        is_estimate=True,
        basis="a test",
    )


def test_what_is_not_known_of_a_model_is_said(log_folder: Path, tmp_path: Path) -> None:
    found = _estimates(tmp_path)["embed:strange"]
    assert found.model is None and found.unknown == "its configuration is not at hand"


def test_documents_are_measured_once_the_corpus_is_there(log_folder: Path, tmp_path: Path) -> None:
    (log_folder / "ok" / "0.log").write_text("a long document\n" * 10_000)  # of three parts
    done = run_in_process(tmp_path, "name: c\ncorpus: {loader: folder, path: logs}\n")
    (folder,) = (done.store.root / "corpus").glob("*/attempts/*")
    size = measure(folder)
    lengths = sorted(len(path.read_text()) for path in log_folder.rglob("*.log"))
    assert not size.is_estimate and size.documents == 42
    assert sorted(length for length, _ in size.sizes) == lengths
    assert size.characters == sum(lengths)


def _guess(folder: Path, corpus: str) -> CorpusSize:
    (folder / "guess.yaml").write_text(f"name: g\ncorpus: {{{corpus}}}\n")
    return guess(read(folder / "guess.yaml"))


def test_before_that_the_source_is_asked(log_folder: Path, tmp_path: Path) -> None:
    size = _guess(tmp_path, "loader: folder, path: logs")
    assert size.is_estimate and size.documents == 42
    assert size.characters == sum(path.stat().st_size for path in log_folder.rglob("*.log"))
    (tmp_path / "t.jsonl.gz").write_bytes(b"x" * 100)
    table = _guess(tmp_path, "loader: table, path: t.jsonl.gz")
    assert (table.documents, table.characters) == (None, 100 * COMPRESSION)


def test_the_generator_s_lengths_are_near_those_it_makes(tmp_path: Path) -> None:
    from corpora.tm500 import Tm500

    size = _guess(tmp_path, "loader: tm500, num_documents: 200, median_chars: 2000")
    made = sum(
        len("".join(document.parts))
        for document in Tm500(num_documents=200, median_chars=2000).documents()
    )
    assert size.documents == 200 and size.characters == pytest.approx(made, rel=0.15)


@pytest.fixture
def plan(logmark: Callable[..., Any]) -> Callable[..., subprocess.CompletedProcess[str]]:
    return lambda *words: logmark("plan", *words)


def test_the_paper_s_suite_is_planned_without_any_weights(plan: Callable[..., Any]) -> None:
    done = plan(PAPER)
    assert done.returncode == 0, done.stderr
    *lines, totals, costs = done.stdout.splitlines()
    assert totals == "109 jobs: 0 cached, 1 ready, 99 waiting, 9 unknown"
    (mixtral,) = [line for line in lines if " embed:mixtral " in line]
    assert mixtral.startswith("unknown  embed:mixtral ")
    for figure in ("cuda 26", "46.6 B", "86.7 GiB", "22.6 GiB", "nf4"):
        assert figure in mixtral
    reasons = [line for line in lines if line.startswith("weights unknown: ")]
    assert len(reasons) == 5 and all("logmark adapters fetch" in reason for reason in reasons)
    assert "GPU-hours" in costs and "not in it" not in costs
    (away,) = [line for line in lines if line.startswith("not for this machine: ")]
    assert "embed:llama2 and 2" in away and "a GPU, or more than a day on a CPU" in away
    jobs = [line for line in lines if not line.startswith(("weights unknown", "corpus"))]
    assert max(map(len, jobs)) < 180


def test_a_study_is_a_line_for_every_row_of_it(
    plan: Callable[..., Any], log_folder: Path, tmp_path: Path
) -> None:
    suite = (
        "name: c\ncorpus: {loader: folder, path: logs}\nreferences: [cnn]\n"
        "models: [{name: m, adapter: minilm}]\nclassifiers: [decision_tree]\n"
    )
    grid = "vary: {train_share: [0.2, 0.4, 0.6, 0.8, 1.0]}, seeds: [0, 1, 2, 3]"
    studies = (
        f"studies: [{{name: size, rows: [cnn, tfidf-word/linear_svc], {grid}}},"
        " {name: windows, rows: [m/decision_tree], vary: {context: [32, 64]}}]\n"
    )
    (tmp_path / "suite.yaml").write_text(suite)
    rows = plan("suite.yaml").stdout.splitlines()
    (tmp_path / "more.yaml").write_text(suite + studies)
    done = plan("more.yaml")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(rows) + 3
    shown = [line.split("study:")[1] for line in lines if " study:" in line]
    assert [text.split("  ")[0] for text in shown] == [
        "size cnn, 5 points, 0/20 done",
        "size tfidf-word/linear_svc, 5 points, 0/20 done",
        "windows m/decision_tree, 2 points, 0/2 done",
    ]
    assert float(re.findall(r" (\S+e\+\d+) ", shown[2])[0]) > 1e6  # FLOPs of both embeddings
    jobs = json.loads(plan("more.yaml", "--format", "json").stdout)["jobs"]
    splits = [job for job in jobs if job["kind"] == "split"]
    assert len(splits) == 20 and all(set(job) == JOB_KEYS for job in jobs)


def test_an_adaptation_on_a_share_of_train_is_estimated_on_that(
    log_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "suite.yaml").write_text(
        "name: c\ncorpus: {loader: folder, path: logs}\nclassifiers: [decision_tree]\n"
        "models: [{name: m, adapter: minilm, adapt: {block: 64}}]\n"
        "studies: [{name: s, rows: [m/decision_tree], vary: {train_share: [0.5]}}]\n"
    )
    suite = read(tmp_path / "suite.yaml")
    found = estimate(make_plan(suite, hash_file), guess(suite))
    whole, half = found["adapt:m/0"].flops, found["adapt:s:m@train_share=0.5/0"].flops
    assert whole is not None and half is not None and half / whole == pytest.approx(0.5, abs=0.05)


JOB_KEYS = {
    *("id", "kind", "state", "weights_unknown", "needs", "cpus", "workers", "device", "model"),
    *("size_unknown", "windows", "windows_per_document", "flops", "spending", "grant"),
    "missing_here",
}


NESTED = ("model", "device", "spending", "grant")


def test_the_json_of_a_plan_has_the_documented_keys(plan: Callable[..., Any]) -> None:
    done = plan(PAPER, "--format", "json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert set(content) == {"version", "suite", "corpus", "jobs", "totals"}
    assert content["version"] == 1 and content["suite"] == "paper"
    assert content["corpus"]["documents"] == 3262 and content["corpus"]["is_estimate"]
    assert content["totals"]["jobs"] == len(content["jobs"]) == 109
    assert all(set(job) == JOB_KEYS for job in content["jobs"])
    jobs = {job["id"]: job for job in content["jobs"]}
    llama = jobs["embed:llama2"]
    assert llama["state"] == "unknown" and "Llama-2-7b-hf" in llama["weights_unknown"]
    assert set(llama["model"]) == {
        *("parameters", "active_parameters", "weight_bytes", "held_as", "held_bytes")
    }
    assert llama["device"]["kind"] == "cuda" and 4 < llama["device"]["memory_bytes"] / 2**30 < 5
    assert jobs["classify:llama2/xgboost/0"]["model"] is None
    documented = (PAPER.parents[1] / "docs" / "plan.md").read_text()
    told = [content, content["corpus"], content["totals"], llama, *(llama[key] for key in NESTED)]
    for key in (key for section in told for key in section):
        assert f"`{key}`" in documented, key


def test_a_plan_imports_neither_torch_nor_transformers(tmp_path: Path) -> None:
    code = (
        "import sys; from suite.cli import main\n"
        f"assert main(['plan', {str(PAPER)!r}, '--workdir', {str(tmp_path)!r}]) == 0\n"
        "assert not {'torch', 'transformers', 'ray', 'sklearn'} & set(sys.modules)\n"
    )
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)
    assert time.perf_counter() - started < 10  # the goal, 2 s, is benchmarks/families.py's


def test_a_plan_of_what_is_computed_measures_the_documents(
    plan: Callable[..., Any], log_folder: Path, tmp_path: Path
) -> None:
    text = "name: c\ncorpus: {loader: folder, path: logs}\n"
    run_in_process(tmp_path, text)
    done = plan("suite.yaml", "--store", "store", "--format", "json")
    assert done.returncode == 0, done.stderr
    corpus = json.loads(done.stdout)["corpus"]
    assert corpus["is_estimate"] is False and corpus["documents"] == 42
