"""The peers' benchmark: well-formed lines, absent peers named, a worker that fails says why."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

ECHO = """
import json, sys
import numpy as np
print(json.dumps({"computed_in": "fp32", "versions": {}}), flush=True)
for line in sys.stdin:
    order = json.loads(line)
    if order["save"]:
        np.save(order["save"], np.ones((order["limit"], 3), dtype=np.float32))
    print(json.dumps({"seconds": 0.5}), flush=True)
"""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.mark.slow
def test_quick_prints_one_well_formed_line_per_peer_and_names_the_absent(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "peers.py", "--quick", "--envs", tmp_path],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 13
    for line in lines:
        assert {"figure", "value", "goal", "met", "conditions"} <= set(line)
        assert line["value"] is not None or (line["reason"] and not line["met"])
    absent = [line["reason"] for line in lines if "no environment" in line.get("reason", "")]
    assert len(absent) == 11
    assert all(f"peers.py --install --envs {tmp_path}" in reason for reason in absent)
    (measured,) = [line for line in lines if line["value"] is not None]
    assert measured["conditions"]["cosine_min"] > 0.99


def test_each_peer_has_an_environment_and_a_worker(module: Any) -> None:
    peers, worker = module("peers"), module("peer_worker")
    environments = {entry.environment for entry in peers.ENTRIES} - {None}
    assert environments == set(peers.REQUIREMENTS) == set(worker.PEERS) == set(worker.PACKAGES)
    assert set(worker.EXPORTS) == set(peers.EXPORTING)


def test_windows_are_distinct_and_none_would_be_cut_off(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGMARK_SHARED", str(tmp_path))
    windows = module("peer_windows").sample_windows(12)
    assert len(set(windows.texts)) == 12 == windows.facts["windows"]
    assert windows.facts["corpus"] == "synthetic (tm500)"
    lengths = module("peer_processes").Ours("fp32").lengths(windows.texts)
    assert max(lengths) <= 256 and sum(lengths) == windows.tokens
    with windows.file() as path:
        assert [json.loads(line) for line in path.read_text().splitlines()] == windows.texts


def test_ours_agrees_with_the_main_peer_in_fp32(module: Any) -> None:
    texts = ["block received", "block received and " + "served " * 90, "exception while writing"]
    ours = module("peer_processes").Ours("fp32").encode(texts)
    peer = module("peer_sentence_transformers").encode(texts, dtype="fp32")
    ours /= np.linalg.norm(ours, axis=1, keepdims=True)
    np.testing.assert_allclose(ours, peer, atol=2e-6)


def test_a_sample_is_scaled_to_all_texts(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    main = module("peer_sentence_transformers")
    clock, embedded = iter([0.0, 2.0]), []
    monkeypatch.setattr(main, "encode", lambda texts, **_: embedded.append(len(texts)))
    monkeypatch.setattr(main.time, "perf_counter", lambda: next(clock))
    seconds = main.encode_seconds([str(n) for n in range(50)], dtype="fp32", sample=10)
    assert (seconds, embedded[-1]) == (10.0, 10)


def test_a_worker_answers_orders_with_seconds_and_vectors(module: Any) -> None:
    with module("peer_processes").Worker([sys.executable, "-c", ECHO]) as worker:
        assert worker.seconds(2, 8) == 0.5
        assert worker.vectors(2, 8).shape == (2, 3)
        assert worker.facts["computed_in"] == "fp32"


def test_a_worker_that_dies_says_why(module: Any) -> None:
    worker = module("peer_processes").Worker([sys.executable, "-c", "raise SystemExit('no AVX')"])
    with pytest.raises(RuntimeError, match="the peer's process ended: no AVX"), worker:
        pass
