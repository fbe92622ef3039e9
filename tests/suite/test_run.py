"""`logmark run` as its user sees it: real Ray, real jobs, a small folder of logs."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import psutil
import pytest
from helpers import run_in_process, run_logmark, write_logs

SUITE = """
name: small
seeds: [0]
corpus: {loader: folder, path: logs}
models:
  - {name: words, adapter: tfidf, analyzer: word, ngram: [1, 1]}
classifiers: [decision_tree, {name: random_forest, variants: [default]}]
compute: {threads: 1}
"""
# corpus, labels, split; length (also for the majority row), two TF-IDF and one model; 4 + 2 cells
JOBS = 3 + 4 + 6


def _suite(folder: Path, text: str = SUITE, name: str = "suite.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def _report_files(folder: Path) -> dict[str, bytes]:
    """The quality tables of a report."""
    names = ("quality.csv", "quality.md", "table2.tex", "classes.csv")
    return {name: (folder / "report" / name).read_bytes() for name in names}


def _runs(folder: Path) -> Counter[str]:
    """How often each job of a run has been computed, by the run's own events."""
    lines = (folder / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return Counter(event["job"] for event in events if event["status"] == "computed")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs, `suite.yaml` and its undisturbed run."""
    folder = tmp_path_factory.mktemp("finished")
    write_logs(folder / "logs")
    _suite(folder)
    done = run_logmark(folder, "run", "suite.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"computed {JOBS}, cached 0, failed 0"
    return folder


def _busy_worker(driver: int) -> psutil.Process | None:
    """Find a Ray worker of a driver that is at work on a job of ours."""
    for process in psutil.Process(driver).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            title = " ".join(process.cmdline())
            if title.startswith("ray::") and "IDLE" not in title and "Agent" not in title:
                return process
    return None


class Disturbed(NamedTuple):
    """A run that was hindered: where it is, what came of it, and of a second one meanwhile."""

    run_dir: Path
    process: int
    status: int
    output: str
    errors: str
    second: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Disturbed:
    """The same run elsewhere and quiet, robbed of a worker, and started again meanwhile."""
    folder = tmp_path_factory.mktemp("disturbed")
    write_logs(folder / "logs")
    words = ["run", str(_suite(folder)), "--workdir", "other", "--quiet"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(
        [sys.executable, "-m", "suite.cli", *words], cwd=folder, text=True, **pipes
    ) as process:
        while (worker := _busy_worker(process.pid)) is None:
            assert process.poll() is None
            time.sleep(0.02)
        worker.kill()
        worker.wait()
        second = run_logmark(folder, *words)
        output, errors = process.communicate(timeout=240)
    run_dir = folder / "other" / "small"
    return Disturbed(run_dir, process.pid, process.returncode, output, errors, second)


def test_a_run_ends_in_a_report_and_a_second_run_computes_nothing(finished: Path) -> None:
    run_dir = finished / "runs" / "small"
    tables = _report_files(run_dir)
    page = (run_dir / "report" / "report.html").read_text()
    for model in ("words", "tfidf-char", "tfidf-word", "length", "majority"):
        assert model in page

    second = run_logmark(finished, "run", "suite.yaml", "--json")
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout) == {
        "computed": 0,
        "cached": JOBS,
        "failed": 0,
        "failures": [],
        "exit_status": 0,
        "run": str(run_dir),
        "report": str(run_dir / "report" / "report.html"),
    }
    assert _report_files(run_dir) == tables
    assert set(_runs(run_dir).values()) == {1}

    plan = run_logmark(finished, "plan", "suite.yaml")
    assert f"{JOBS} jobs: {JOBS} cached, 0 ready, 0 waiting" in plan.stdout.splitlines()


def test_a_report_can_be_written_again_elsewhere(finished: Path, tmp_path: Path) -> None:
    run_dir = finished / "runs" / "small"
    done = run_logmark(finished, "report", "runs/small", "--out", tmp_path / "again" / "report")
    assert done.returncode == 0, done.stderr
    assert _report_files(tmp_path / "again") == _report_files(run_dir)


def test_the_tables_do_not_depend_on_where_and_when(finished: Path, disturbed: Disturbed) -> None:
    assert _report_files(disturbed.run_dir) == _report_files(finished / "runs" / "small")


def test_a_quiet_run_says_what_it_did_and_nothing_else(disturbed: Disturbed) -> None:
    assert disturbed.errors == ""
    assert disturbed.output == f"computed {JOBS}, cached 0, failed 0\n"


def test_a_killed_worker_is_replaced(disturbed: Disturbed) -> None:
    assert disturbed.status == 0
    assert len(_runs(disturbed.run_dir)) == JOBS


def test_the_same_suite_twice_at_once_is_refused(disturbed: Disturbed) -> None:
    assert disturbed.second.returncode == 2
    assert f"being run here already by process {disturbed.process}" in disturbed.second.stderr


def test_suites_share_a_store_and_a_new_seed_embeds_nothing_again(
    logmark, log_folder: Path, tmp_path: Path
) -> None:
    head = SUITE[: SUITE.index("models:")]
    text = (
        f"{head}models: [{{name: tiny, adapter: minilm, context: 32}}]\n"
        "classifiers: [decision_tree]\ncompute: {threads: 1}\n"
    )
    assert set(run_in_process(tmp_path, text).reasons.values()) == {"ok"}
    more = text.replace("name: small", "name: larger").replace("[0]", "[0, 1]")
    done = logmark("run", _suite(tmp_path, more, "larger.yaml"), "--store", "store")
    assert done.returncode == 0, done.stderr
    again = _runs(tmp_path / "runs" / "larger")
    assert "embed:tiny" not in again and again["classify:tiny/decision_tree/1"] == 1
    assert "classify:tiny/decision_tree/0" not in again


def test_every_cell_carries_its_predictions_and_its_provenance(finished: Path) -> None:
    run_dir = finished / "runs" / "small"
    records = [json.loads(x) for x in (run_dir / "records.jsonl").read_text().splitlines()]
    assert len(records) == 6
    for record in records:
        assert record["status"] == "ok"
        assert record["provenance"]["split_hash"] and record["provenance"]["hardware"]
        assert record["costs"]["cell"]["wall_s"] > 0
        folder = run_dir.parent / "store" / record["artifacts"]["cell"]["path"]
        predictions = pd.read_parquet(folder / "predictions.parquet")
        right = (predictions["label"] == predictions["predicted"]).mean()
        assert record["cell"]["scores"]["accuracy"] == pytest.approx(right)


def test_kill_9_and_again_equals_an_undisturbed_run(
    logmark, finished: Path, log_folder: Path, tmp_path: Path
) -> None:
    _suite(tmp_path)
    command = [sys.executable, "-m", "suite.cli", "run", "suite.yaml", "--workdir", "killed"]
    run_dir = tmp_path / "killed" / "small"
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 120
        while not (run_dir / "events.jsonl").exists() or len(_runs(run_dir)) < 4:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    before = _runs(run_dir)
    assert len(before) < JOBS
    done = logmark("run", "suite.yaml", "--workdir", "killed")
    assert done.returncode == 0, done.stderr
    assert max(_runs(run_dir).values()) == 1, "a finished job was run again"
    assert _report_files(run_dir) == _report_files(finished / "runs" / "small")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_run_that_can_go_on(
    log_folder: Path, tmp_path: Path, number: int
) -> None:
    command = [sys.executable, "-m", "suite.cli", "run", str(_suite(tmp_path))]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        events = tmp_path / "runs" / "small" / "events.jsonl"
        while not events.exists() or not events.read_text():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted; the same command goes on" in errors and "Traceback" not in errors


def test_a_job_that_no_node_can_hold_is_an_error_at_once(
    logmark, log_folder: Path, tmp_path: Path
) -> None:
    model = "models: [{name: big, adapter: minilm}]\n"
    text = SUITE[: SUITE.index("models:")] + model + "compute: {threads: 4096}\n"
    done = logmark("run", _suite(tmp_path, text))
    assert done.returncode == 2
    assert "embed:big needs 4096 CPUs and the largest node has" in done.stderr
    assert "compute.threads" in done.stderr


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "no Ray head node answers there"),
        ("nowhere", "no Ray head node answers there"),
        ("ray://127.0.0.1:10001", "Ray Client addresses are not supported"),
    ],
)
def test_a_cluster_that_is_not_there_is_an_error_at_once(
    logmark, log_folder: Path, tmp_path: Path, address: str, message: str
) -> None:
    started = time.monotonic()
    done = logmark("run", _suite(tmp_path), "--address", address, "--quiet")
    assert done.returncode == 2 and time.monotonic() - started < 30
    assert message in done.stderr and done.stderr.count("\n") == 1


def test_a_failed_job_fails_its_dependants_only(logmark, finished: Path, tmp_path: Path) -> None:
    for folder in ("logs", "runs/store"):
        shutil.copytree(finished / folder, tmp_path / folder)
    models = (
        "  - {name: pairs, adapter: tfidf, ngram: [2, 2]}\n"
        "  - {name: rare, adapter: tfidf, min_df: 1000}\n"
    )
    text = SUITE.replace("classifiers:", f"{models}classifiers:")
    done = logmark("run", _suite(tmp_path, text), "--json")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    counts = [told[key] for key in ("computed", "cached", "failed", "exit_status")]
    assert counts == [3, JOBS, 3, 2]
    (failure,) = told["failures"]
    assert failure["job"] == "embed:rare/0" and failure["fault"] == "input"
    (line,) = [x for x in done.stderr.splitlines() if x.startswith("FAILED")]
    assert "embed:rare/0" in line and "no term occurs in 1000 train documents" in line
    retry = f"logmark run {tmp_path / 'suite.yaml'} --retry-failed"
    assert done.stderr.splitlines()[-1] == f"next: mend what is named above, then {retry}"
    page = (tmp_path / "runs" / "small" / "report" / "report.html").read_text()
    assert page.count("blocked by embed:rare/0") >= 2
