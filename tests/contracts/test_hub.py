"""A gated model on a hub: refused without a token, used with one that is written down nowhere.

Used on a cluster that runs already, so that this is also where such a cluster is seen to be used.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import ray_head, run_logmark, write_logs
from hub import COMMIT, REPO, TOKEN, serve

from adapters.tiny import build_tiny

SUITE = f"""
name: gated
corpus: {{loader: folder, path: logs}}
models: [{{name: m, checkpoint: {REPO}, context: 32}}]
classifiers: [decision_tree]
compute: {{threads: 1, precision: fp32}}
"""


@pytest.fixture
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub with one gated checkpoint, and an empty cache."""
    checkpoint = build_tiny(tmp_path / "published", ["I: step 3 of 4 took 7 ms"])
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with serve(checkpoint) as (endpoint, files):
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        yield files


def test_a_gated_model_without_a_token_says_how_to_get_in(
    tmp_path: Path, handed: list[str]
) -> None:
    done = run_logmark(tmp_path, "adapters", "fetch", REPO)
    assert done.returncode == 2
    message = done.stderr.strip().splitlines()[-1]
    assert "is gated: accept its licence on its page, then set HF_TOKEN" in message
    assert "Traceback" not in done.stderr
    assert handed == []


def test_a_fetched_model_lies_in_the_cache(
    tmp_path: Path, handed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    done = run_logmark(tmp_path, "adapters", "fetch", REPO)
    assert done.returncode == 0, done.stderr
    assert COMMIT in done.stdout
    assert "model.safetensors" in handed
    handed.clear()
    assert run_logmark(tmp_path, "adapters", "fetch", REPO, "--revision", COMMIT).returncode == 0
    assert "model.safetensors" not in handed


def test_a_running_cluster_is_used_and_left_running_and_the_token_is_written_down_nowhere(
    tmp_path: Path, handed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_logs(tmp_path / "logs")
    (tmp_path / "suite.yaml").write_text(SUITE)
    assert "HF_TOKEN" not in os.environ  # nor, therefore, in the cluster's environment
    with ray_head() as (address, head):
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        deadline, done = time.monotonic() + 60, None
        while done is None or done.returncode:
            assert time.monotonic() < deadline and head.poll() is None, done
            done = run_logmark(tmp_path, "run", "suite.yaml", "--quiet", "--address", address)
        assert head.poll() is None
    assert "model.safetensors" in handed
    lines = (tmp_path / "runs" / "gated" / "events.jsonl").read_text().splitlines()
    computed = [
        event["job"] for line in lines if (event := json.loads(line))["status"] == "computed"
    ]
    assert len(computed) == len(set(computed)) and "embed:m" in computed
    written = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert len(written) > 20
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()]
    assert TOKEN not in done.stdout + done.stderr
