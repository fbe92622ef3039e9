"""A suite submitted to a running cluster: with the token only, to its end, and stopped half-way."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers import run_logmark, write_logs

from results.run import Run

ROOT = Path(__file__).parents[2]
_BIN = Path(sys.executable).parent
# Neither the cluster's token nor these may show up in a log, a record or an artifact.
_SECRETS = {name: secrets.token_hex(16) for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY")}
_LIMIT_S = 200
SUITE = """
name: {name}
corpus: {{loader: folder, path: logs}}
models: [{{name: words, adapter: tfidf}}]
classifiers: {classifiers}
compute: {{threads: 1}}
"""
JOBS = 3 + 4 + 5  # corpus, labels, split; a majority row, two TF-IDF and a model; cells


class Cluster(NamedTuple):
    """A head and a worker node of this machine, and a folder that both see.

    Attributes:
        job: the folder that is submitted: two suites and logs.
        env: of whoever holds the token.
    """

    dashboard: str
    shared: Path
    job: Path
    session: Path
    token: str
    env: dict[str, str]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1]) % 7000 + 2000  # below the ports that Ray gives away


def _node(*words: str, env: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start a node by the script that ships."""
    command = [str(ROOT / "deploy" / "ray_node.sh"), *words, "--num-cpus=1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=env, **quiet)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    shared = tmp_path_factory.mktemp("shared")
    job = tmp_path_factory.mktemp("job")
    write_logs(job / "logs")
    shutil.copy(ROOT / "examples" / "cluster" / "submit.sh", job)
    (job / "suite.yaml").write_text(SUITE.format(name="small", classifiers="[decision_tree]"))
    forest = "[{name: random_forest, variants: [tuned]}, decision_tree]"
    (job / "longer.yaml").write_text(SUITE.format(name="longer", classifiers=forest))
    session = Path(tempfile.mkdtemp(prefix="r-", dir="/tmp"))
    port, dashboard = _free_port(), _free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    env = (
        kept
        | _SECRETS
        | {
            "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
            "RAY_AUTH_TOKEN_PATH": str(shared / "token"),
            "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{dashboard}",
        }
    )
    head = [
        *("head", f"--port={port}", f"--dashboard-port={dashboard}"),
        *(f"--ray-client-server-port={_free_port()}", f"--temp-dir={session}"),
    ]
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, session, ignore_errors=True)
        nodes = [stack.enter_context(_node(*head, env=env))]
        stack.callback(nodes[0].terminate)
        nodes.append(stack.enter_context(_node(f"127.0.0.1:{port}", env=env)))
        stack.callback(nodes[1].terminate)
        joined = [str(ROOT / "deploy" / "ray_node.sh"), "wait", f"127.0.0.1:{port}", "2"]
        subprocess.run(joined, env=env, check=True, timeout=_LIMIT_S)
        token = (shared / "token").read_text()
        client = env | {"RAY_AUTH_MODE": "token"}
        yield Cluster(env["RAY_API_SERVER_ADDRESS"], shared, job, session, token, client)


def _ray_job(cluster: Cluster, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [_BIN / "ray", "job", *words],
        cwd=cluster.job,
        env=cluster.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT_S,
    )


def _asked(cluster: Cluster, token: str | None) -> int:
    """Ask for the list of jobs; returns the status of the answer."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{cluster.dashboard}/api/jobs/", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_only_who_holds_the_token_is_answered(cluster: Cluster) -> None:
    assert _asked(cluster, None) == 401
    assert _asked(cluster, secrets.token_hex(32)) == 403
    assert _asked(cluster, cluster.token) == 200


def test_the_token_is_for_its_owner(cluster: Cluster) -> None:
    assert (cluster.shared / "token").stat().st_mode & 0o777 == 0o600


def _listening(port: int) -> list[str]:
    """The addresses, in the kernel's digits, at which something listens on a port."""
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
    ]
    places = [row[1].split(":") for row in rows if row[3] == "0A"]
    return [address for address, digits in places if int(digits, 16) == port]


def test_the_dashboard_answers_on_this_machine_only(cluster: Cluster) -> None:
    assert _listening(int(cluster.dashboard.rpartition(":")[2])) == ["0100007F"]


@pytest.fixture(scope="module")
def submitted(cluster: Cluster) -> "subprocess.CompletedProcess[str]":
    """The suite, run to its end by the script that ships."""
    words = ["suite.yaml", "--workdir", str(cluster.shared / "runs")]
    return subprocess.run(
        [cluster.job / "submit.sh", *words],
        env=cluster.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT_S,
    )


def test_a_submitted_suite_runs_to_its_report(
    cluster: Cluster, submitted: "subprocess.CompletedProcess[str]"
) -> None:
    assert submitted.returncode == 0, submitted.stdout
    assert f"computed {JOBS}, cached 0, failed 0" in submitted.stdout
    assert "SUCCEEDED" in _ray_job(cluster, "list").stdout
    run_dir = cluster.shared / "runs" / "small"
    assert (run_dir / "report" / "report.html").is_file()
    assert {record.status for record in Run.open(run_dir).records} == {"ok"}


def test_no_secret_is_written_anywhere(
    cluster: Cluster, submitted: "subprocess.CompletedProcess[str]"
) -> None:
    hidden = [cluster.token, *_SECRETS.values()]
    looked = 0
    for folder in (cluster.shared / "runs", cluster.session):
        for path in (x for x in folder.rglob("*") if x.is_file() and not x.is_symlink()):
            content, looked = path.read_bytes(), looked + 1
            for secret in hidden:
                assert secret.encode() not in content, path
    assert looked > 50
    assert not any(secret in submitted.stdout + submitted.stderr for secret in hidden)


def _computed(run_dir: Path) -> list[str]:
    """Jobs that a run has computed, by its own events."""
    path = run_dir / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [event["job"] for event in events if event["status"] == "computed"]


def test_a_stopped_job_leaves_a_run_that_goes_on(cluster: Cluster) -> None:
    words = ["logmark", "run", "longer.yaml", "--workdir", str(cluster.shared / "stopped")]
    submit = ["submit", "--submission-id", "half", "--no-wait", "--working-dir", ".", "--", *words]
    assert _ray_job(cluster, *submit).returncode == 0
    run_dir, deadline = cluster.shared / "stopped" / "longer", time.monotonic() + _LIMIT_S
    while len(_computed(run_dir)) < 3:
        assert time.monotonic() < deadline, _ray_job(cluster, "logs", "half").stdout
        time.sleep(0.05)
    stopped = _ray_job(cluster, "stop", "half")
    assert "was stopped" in stopped.stdout + stopped.stderr
    assert "the same command goes on where it stopped" in _ray_job(cluster, "logs", "half").stdout
    done = _computed(run_dir)
    workdir = cluster.shared / "stopped"
    plan = run_logmark(cluster.job, "plan", "longer.yaml", "--workdir", workdir, "--format", "json")
    assert json.loads(plan.stdout)["totals"]["cached"] >= len(done)
