"""`--mlflow`: a run in a server (a stand-in, and a real one where there is one) and in a folder.

`LOGMARK_MLFLOW=/path/to/mlflow` names the command of a real server, installed in an environment of
its own; the whole file then runs against that, too.
"""

import json
import os
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from helpers import Inline, run_in_process, write_logs

from results.errors import InputError
from results.run import Run
from suite.mlflow_sinks import Server, TrackingError, sink_of
from suite.tracking import Tracker

SUITE = """
name: small
corpus: {loader: folder, path: logs}
models: [{name: lines, adapter: length}]
classifiers: [decision_tree]
compute: {threads: 1}
"""
CELLS = 5  # one, and four trivial rows


class _StandIn(BaseHTTPRequestHandler):
    """The part of MLflow's API that is used, as its documentation has it; all in memory."""

    runs: dict[str, dict[str, Any]]
    files: dict[str, bytes]
    experiments: dict[str, str]
    refusing: bool

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path.endswith("experiments/get-by-name"):
            name = query["experiment_name"]
            if name not in self.experiments:
                self._say({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}, 404)
            else:
                self._say({"experiment": {"experiment_id": self.experiments[name]}})
        else:
            self._say({"run": self.runs[query["run_id"]]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        verb = self.path.removeprefix("/api/2.0/mlflow/")
        if self.refusing:
            self._say({"error_code": "INTERNAL_ERROR", "message": "full"}, 500)
        elif verb == "experiments/create":
            self.experiments[body["name"]] = "7"
            self._say({"experiment_id": "7"})
        elif verb == "runs/search":
            self._say({"runs": list(self.runs.values())})
        elif verb == "runs/create":
            self._create(body)
        elif body["run_id"] not in self.runs:
            self._say({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no run"}, 404)
        else:
            self._change(verb, body)

    def _create(self, body: dict[str, Any]) -> None:
        name = f"r{len(self.runs)}"
        info = {"run_id": name, "run_name": body["run_name"], "status": "RUNNING"}
        place = {"artifact_uri": f"mlflow-artifacts:/7/{name}/artifacts"}
        data = {"tags": body["tags"], "params": [], "metrics": []}
        self.runs[name] = {"info": {**info, **place}, "data": data}
        self._say({"run": self.runs[name]})

    def _change(self, verb: str, body: dict[str, Any]) -> None:
        run = self.runs[body["run_id"]]
        if verb == "runs/update":
            run["info"]["status"] = body["status"]
        for part in ("params", "metrics", "tags"):
            run["data"][part] += body.get(part, [])
        self._say({})

    def do_PUT(self) -> None:
        self.files[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._say({})

    def _say(self, answer: dict[str, Any], status: int = 200) -> None:
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words: Any) -> None:
        """Say nothing."""


@contextmanager
def _stand_in(*, refusing: bool = False) -> Iterator[tuple[str, type[_StandIn]]]:
    fields = {"runs": {}, "files": {}, "experiments": {}, "refusing": refusing}
    handler = type("Handler", (_StandIn,), fields)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler
        finally:
            server.shutdown()
            thread.join()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def _real(folder: Path) -> Iterator[str]:
    command = os.environ.get("LOGMARK_MLFLOW")
    if command is None:
        pytest.skip("no MLflow server; LOGMARK_MLFLOW may name the command of one")
    uri = f"http://127.0.0.1:{(port := _free_port())}"
    words = [command, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", f"sqlite:///{folder}/m.db"]
    words += ["--artifacts-destination", str(folder / "artifacts")]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(words, cwd=folder, stdout=log, stderr=log) as server,
    ):
        try:
            while True:
                assert server.poll() is None
                try:
                    urllib.request.urlopen(f"{uri}/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.5)
            yield uri
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Inline:
    folder = tmp_path_factory.mktemp("done")
    write_logs(folder / "logs")
    return run_in_process(folder, SUITE)


@pytest.fixture
def run(done: Inline, tmp_path: Path) -> Run:
    """A recorded run with a report of one file."""
    meta = {
        "suite": "small", "suite_hash": "h", "store": str(done.store.root), "report": {},
        "command": "logmark run", "resolved": {}, "jobs": {},
    }  # fmt: skip
    run_dir = tmp_path / "small"
    (run_dir / "report").mkdir(parents=True)
    (run_dir / "report" / "report.html").write_text("<p>all of it")
    Run.write(run_dir, meta, done.records)
    return Run.open(run_dir)


@pytest.fixture(params=["stand-in", "real"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "real":
        with _real(tmp_path) as uri:
            yield uri
    else:
        with _stand_in() as (uri, _):
            yield uri


def _track(uri: str, run: Run, said: list[str]) -> None:
    tracker = Tracker(sink_of(uri), uri, run.run_dir, said.append)
    tracker.begin(run.suite)
    tracker.finish(run, "FINISHED")


def _runs(uri: str) -> dict[str, dict[str, Any]]:
    """What a server has, by name: its status, and params, metrics and tags as dictionaries."""
    experiment = Server(uri).experiment("small")
    found = Server(uri)._call("POST", "runs/search", {"experiment_ids": [experiment]})["runs"]
    assert len({one["info"]["run_name"] for one in found}) == len(found), "logged twice"
    return {
        one["info"]["run_name"]: {
            "id": one["info"]["run_id"],
            "status": one["info"]["status"],
            **{
                part: {pair["key"]: pair["value"] for pair in one["data"].get(part, [])}
                for part in ("params", "metrics", "tags")
            },
        }
        for one in found
    }


def test_a_server_gets_the_suite_and_in_it_every_cell_once(server: str, run: Run) -> None:
    said: list[str] = []
    _track(server, run, said)
    _track(server, run, said)
    assert said == []
    found = _runs(server)
    assert len(found) == 1 + CELLS and {one["status"] for one in found.values()} == {"FINISHED"}
    suite, cell = found["small"], found["lines/decision_tree/0"]
    assert suite["metrics"]["cells_ok"] == CELLS
    assert cell["tags"]["mlflow.parentRunId"] == suite["id"]
    assert cell["params"]["classifier"] == "decision_tree" and cell["params"]["seed"] == "0"
    metrics = cell["metrics"]
    assert metrics["macro_f1_low"] <= metrics["macro_f1"] <= metrics["macro_f1_high"]
    (record,) = [one for one in run.records if one.name == "lines/decision_tree/0"]
    assert record.cell and metrics["accuracy"] == pytest.approx(record.cell.scores.accuracy)
    assert cell["tags"]["logmark.artifact.cell"] == record.artifacts["cell"].path


def test_a_server_that_takes_files_gets_the_report_and_the_cells(run: Run) -> None:
    with _stand_in() as (uri, handler):
        _track(uri, run, [])
    files = {path.rpartition("/")[2]: text for path, text in handler.files.items()}
    assert len(handler.files) == 1 + CELLS
    assert files["report.html"] == b"<p>all of it" and json.loads(files["cell.json"])["scores"]


def test_a_run_that_was_taken_away_is_made_again(run: Run) -> None:
    with _stand_in() as (uri, handler):
        _track(uri, run, [])
        handler.runs.clear()
        said: list[str] = []
        _track(uri, run, said)
        assert said == [] and "small" in _runs(uri)


def test_a_server_that_is_not_there_is_said_once_and_early(run: Run) -> None:
    said: list[str] = []
    uri = f"http://127.0.0.1:{_free_port()}"
    tracker = Tracker(sink_of(uri), uri, run.run_dir, said.append)
    tracker.begin(run.suite)
    assert len(said) == 1 and f"{uri} cannot be reached" in said[0]
    assert said[0].endswith("the run goes on without it")
    tracker.finish(run, "FINISHED")
    tracker.interrupt()
    assert len(said) == 1 and not (run.run_dir / "mlflow.json").exists()


def test_a_server_that_refuses_is_said_once(run: Run) -> None:
    said: list[str] = []
    with _stand_in(refusing=True) as (uri, _):
        _track(uri, run, said)
    assert len(said) == 1 and "refused: 500" in said[0]


def test_what_is_no_mlflow_server_is_said() -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello")

        def log_message(self, *words: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(TrackingError, match="does not answer as an MLflow server"):
            Server(f"http://127.0.0.1:{server.server_port}").experiment("x")
        thread.join()


def test_an_interrupted_run_is_marked(run: Run) -> None:
    with _stand_in() as (uri, _):
        tracker = Tracker(sink_of(uri), uri, run.run_dir, lambda text: None)
        tracker.begin(run.suite)
        assert _runs(uri)["small"]["status"] == "RUNNING"
        tracker.interrupt()
        assert _runs(uri)["small"]["status"] == "KILLED"


def test_without_an_address_nothing_is_logged(run: Run) -> None:
    tracker = Tracker(None, "", run.run_dir, pytest.fail)
    tracker.begin(run.suite)
    tracker.finish(run, "FINISHED")
    assert not (run.run_dir / "mlflow.json").exists()


def test_a_password_does_not_stand_in_the_command_line() -> None:
    with pytest.raises(InputError, match="MLFLOW_TRACKING_PASSWORD") as refused:
        sink_of("https://me:secret@host/")
    assert "secret" not in str(refused.value)


def test_a_folder_needs_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    with pytest.raises(InputError, match=r"pip install 'logmark\[mlflow\]'"):
        sink_of(str(tmp_path / "mlruns"))


@pytest.mark.filterwarnings("ignore")
def test_a_folder_gets_the_same(run: Run, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    said: list[str] = []
    place = tmp_path / "mlruns"
    _track(str(place), run, said)
    _track(str(place), run, said)
    assert said == []
    client = mlflow.MlflowClient(tracking_uri=place.as_uri())
    found = client.search_runs([client.get_experiment_by_name("small").experiment_id])
    assert len(found) == 1 + CELLS and {one.info.status for one in found} == {"FINISHED"}
    by_name = {one.info.run_name: one for one in found}
    cell, suite = by_name["lines/decision_tree/0"], by_name["small"]
    assert cell.data.tags["mlflow.parentRunId"] == suite.info.run_id
    assert cell.data.metrics["macro_f1_low"] <= cell.data.metrics["macro_f1_high"]
    assert [one.path for one in client.list_artifacts(cell.info.run_id)] == ["cell.json"]
