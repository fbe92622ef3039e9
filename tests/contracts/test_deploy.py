"""Kubernetes, Slurm and our own command accept what lies in deploy/ and examples/cluster/."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from documents import blocks
from helpers import run_logmark, write_logs
from stranger import commands

from suite.cli import _parser
from suite.spec import read

ROOT = Path(__file__).parents[2]
SCRIPTS = ["deploy/ray_node.sh", "deploy/slurm.sh", "examples/cluster/submit.sh"]
_KUBERNETES = "1.30"
_BIN = Path(sys.executable).parent


@pytest.fixture
def manifest() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "rayjob.yaml").read_text())
    return content


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(__file__).parent / "rayjob.schema.json").read_text())
    return content


def _groups(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = manifest["spec"]["rayClusterSpec"]
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def _containers(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for group in _groups(manifest):
        yield from group["template"]["spec"]["containers"]


def test_the_rayjob_has_kuberays_fields(manifest: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.validate(manifest, schema)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (["spec"], "entryPoint", "logmark"),
        (["spec", "rayClusterSpec"], "authOptions", {"mode": "tokens"}),
        (["spec", "rayClusterSpec", "headGroupSpec", "rayStartParams"], "num-cpus", 0),
        (["spec", "rayClusterSpec", "workerGroupSpecs", 0], "rayStartParam", {}),
    ],
)
def test_a_field_that_kuberay_does_not_know_is_noticed(
    manifest: dict[str, Any], schema: dict[str, Any], path: list[Any], key: str, value: object
) -> None:
    place: Any = manifest
    for step in path:
        place = place[step]
    place[key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, schema)


def _validate_pod(template: dict[str, Any]) -> None:
    pod = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "x"}}
    kubernetes_validate.validate(pod | {"template": template}, _KUBERNETES, strict=True)


def test_its_pods_have_kubernetes_fields(manifest: dict[str, Any]) -> None:
    for group in _groups(manifest):
        _validate_pod(group["template"])
    template = _groups(manifest)[0]["template"]
    template["spec"]["containers"][0]["volumeMount"] = []
    with pytest.raises(kubernetes_validate.ValidationError, match="volumeMount"):
        _validate_pod(template)


def test_its_cluster_asks_for_a_token_and_stays_inside(manifest: dict[str, Any]) -> None:
    cluster = manifest["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert cluster["headGroupSpec"]["enableIngress"] is False


def test_its_secrets_come_from_kubernetes(manifest: dict[str, Any]) -> None:
    for container in _containers(manifest):
        assert container["envFrom"] == [{"secretRef": {"name": "logmark-store"}}]
        assert "env" not in container


def test_its_pods_get_what_they_ask_for_and_room_for_shared_memory(
    manifest: dict[str, Any],
) -> None:
    for container in _containers(manifest):
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert {"name": "shared-memory", "mountPath": "/dev/shm"} in container["volumeMounts"]
    for group in _groups(manifest):
        (memory,) = [
            v for v in group["template"]["spec"]["volumes"] if v["name"] == "shared-memory"
        ]
        assert memory["emptyDir"]["medium"] == "Memory"


def test_its_ray_is_the_one_we_pin(manifest: dict[str, Any]) -> None:
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    assert f"ray=={manifest['spec']['rayClusterSpec']['rayVersion']}" in pins


def test_it_runs_our_command_on_a_suite_that_ships(manifest: dict[str, Any]) -> None:
    words = shlex.split(manifest["spec"]["entrypoint"])
    assert words[0] == "logmark"
    options = _parser().parse_args(words[1:])
    assert (ROOT / options.suite).is_file()
    assert options.store.startswith("s3://")


def test_the_image_is_built_from_files_that_are_there() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    (base,) = [line for line in lines if line.startswith("FROM")]
    assert base == "FROM python:3.11-slim"
    (install,) = [line for line in lines if "pip install" in line]
    assert "-c constraints.txt" in install and (ROOT / "constraints.txt").is_file()
    extras = re.findall(r"'\.\[([\w,]+)\]'", install)[0].split(",")
    project = (ROOT / "pyproject.toml").read_text()
    assert all(re.search(rf"^{extra} = ", project, re.MULTILINE) for extra in extras)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_sound_shell(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    subprocess.run(["bash", "-n", ROOT / name], check=True)
    subprocess.run([_BIN / "shellcheck", ROOT / name], check=True)


def test_the_example_is_a_suite() -> None:
    assert read(ROOT / "examples" / "cluster" / "suite.yaml").name == "first-batch"


SRUN = """#!/usr/bin/env bash
while [[ "$1" == --* ]]; do shift; done
echo "srun $*" >>"$SHIMS"
exec "$@"
"""
SCONTROL = """#!/usr/bin/env bash
echo "scontrol $*" >>"$SHIMS"
[ "$1" = requeue ] || { hostname; hostname; }
"""
SUITE = """
name: small
corpus: {loader: folder, path: logs}
models: [{name: words, adapter: tfidf}]
classifiers: [decision_tree]
compute: {threads: 1}
"""


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """The environment of a batch script in `tmp_path`, whose two nodes are this machine."""
    shims = tmp_path / "bin"
    shims.mkdir()
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
        (shims / name).write_text(text)
        (shims / name).chmod(0o755)
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "suite.yaml").write_text(SUITE)
    write_logs(tmp_path / "logs")
    kept = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_TOKEN"}
    return kept | {
        "PATH": f"{shims}{os.pathsep}{os.environ['PATH']}",
        "SHIMS": str(tmp_path / "shims.log"),
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NODELIST": "two",
        "SLURM_CPUS_PER_TASK": "1",
        "SLURM_MEM_PER_NODE": "2000",
    }


def test_the_slurm_script_runs_a_suite_on_two_nodes_and_is_queued_again_before_its_end(
    tmp_path: Path, slurm: dict[str, str]
) -> None:
    command = ["bash", str(ROOT / "deploy" / "slurm.sh"), "suite.yaml"]
    log, token = tmp_path / "slurm.log", tmp_path / f".ray-token-{os.getpid()}"
    with (
        log.open("w") as stream,
        subprocess.Popen(command, env=slurm, stdout=stream, stderr=stream) as job,
    ):
        deadline = time.monotonic() + 200
        while "/12] labels" not in log.read_text():
            assert job.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        assert token.stat().st_mode & 0o777 == 0o600
        secret = token.read_text()
        job.send_signal(signal.SIGUSR1)
        assert job.wait(timeout=120) == 130, log.read_text()
    said = (tmp_path / "shims.log").read_text()
    assert said.count("srun deploy/ray_node.sh") == 2
    assert f"scontrol requeue {os.getpid()}" in said
    assert "the same command goes on where it stopped" in log.read_text()
    assert not token.exists() and not Path(f"/tmp/ray-{os.getpid()}").exists()
    assert secret not in log.read_text() + said
    plan = run_logmark(tmp_path, "plan", "suite.yaml", "--format", "json")
    assert json.loads(plan.stdout)["totals"]["cached"] >= 2


def _ray_node(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {"PATH": os.environ["PATH"], "RAY_AUTH_TOKEN_PATH": str(folder / "sub" / "token")}
    command = [ROOT / "deploy" / "ray_node.sh", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_ray_node_says_how_it_is_used_and_that_it_has_no_token(tmp_path: Path) -> None:
    usage = _ray_node(tmp_path)
    assert usage.returncode == 2 and "deploy/ray_node.sh head [OPTION...]" in usage.stderr
    with socket.create_server(("127.0.0.1", 0)) as head:
        nothing = _ray_node(tmp_path, f"127.0.0.1:{head.getsockname()[1]}")
    assert nothing.returncode == 2 and "no token in" in nothing.stderr


def test_a_token_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "token"
    _ray_node(tmp_path, "token")
    first = path.read_text()
    _ray_node(tmp_path, "token")
    assert re.fullmatch("[0-9a-f]{64}", first) and path.read_text() == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_page_on_clusters_shows_commands_that_ray_takes() -> None:
    from ray.scripts.scripts import cli

    typed = [words for block in blocks("docs/cluster.md") for words in commands(block.text)]
    shown = [words for words in typed if words[0] == "ray"]
    assert {words[2] for words in shown} == {"list", "logs", "stop"}
    for words in shown:
        command = cli.commands[words[1]].commands[words[2]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_the_page_on_clusters_asks_for_resources_that_a_suite_may_ask_for(tmp_path: Path) -> None:
    (block,) = [block.text for block in blocks("docs/cluster.md") if block.language == "yaml"]
    model = "models: [{name: llama2, adapter: llama2-7b}]\nclassifiers: [decision_tree]\n"
    (tmp_path / "suite.yaml").write_text(f"name: x\ncorpus: {{loader: tm500}}\n{model}{block}")
    asked = read(tmp_path / "suite.yaml").resources.of("embed", "llama2")
    assert asked["memory"] == "40 GiB" and asked["time_limit"] == "6 h"
