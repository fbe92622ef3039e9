"""Two ways into MLflow: a server's REST API, and a folder or database through MLflow's own package.

The server is spoken to directly: that needs no package (mlflow-skinny asks for a newer cachetools
than drain3 allows, and takes seconds to import), and no call waits longer than `TIMEOUT_S`. The API
is described at https://mlflow.org/docs/latest/rest-api.html (version 2.0).
"""

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from results.errors import InputError

TIMEOUT_S = 10.0
_MOST_PARAMS = 100  # in one request, as the API has it
_ARTIFACTS = "mlflow-artifacts:"


class TrackingError(Exception):
    """MLflow could not be reached, or refused; one line."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is logged of one run of MLflow's.

    Attributes:
        files: to upload, where the store of artifacts takes them.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


class Sink(Protocol):
    """Where MLflow's runs go; every verb may raise `TrackingError`."""

    def experiment(self, name: str) -> str:
        """Find or make an experiment; returns its id."""

    def start(self, experiment: str, name: str, tags: Mapping[str, str], now_ms: int) -> str:
        """Start a run; returns its id."""

    def log(self, run: str, entry: Entry, now_ms: int) -> None:
        """Log into a run."""

    def end(self, run: str, status: str, now_ms: int) -> None:
        """Set a run's status (RUNNING, FINISHED, FAILED, KILLED)."""


def sink_of(uri: str) -> Sink:
    """Choose the way into MLflow by the address.

    Raises:
        InputError: an address that nothing can be logged to.
    """
    parts = urlsplit(uri)
    if parts.username or parts.password:
        raise InputError(
            f"--mlflow {parts.scheme}://...@{parts.hostname}: the command line is recorded; give "
            "name and password in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    return Server(uri.rstrip("/")) if parts.scheme in {"http", "https"} else Package(uri)


class Server:
    """An MLflow server, by its REST API."""

    def __init__(self, uri: str) -> None:
        """Take its address, `http://host:port` or `https://...`."""
        self._uri = uri
        self._places: dict[str, str] = {}  # run -> where its artifacts go

    def experiment(self, name: str) -> str:
        """Find or make an experiment; returns its id."""
        try:
            found = self._call("GET", f"experiments/get-by-name?experiment_name={quote(name)}")
            return str(found["experiment"]["experiment_id"])
        except TrackingError as error:
            if "RESOURCE_DOES_NOT_EXIST" not in str(error):
                raise
        return str(self._call("POST", "experiments/create", {"name": name})["experiment_id"])

    def start(self, experiment: str, name: str, tags: Mapping[str, str], now_ms: int) -> str:
        """Start a run; returns its id."""
        body = {
            "experiment_id": experiment,
            "run_name": name,
            "start_time": now_ms,
            "tags": _pairs(tags),
        }
        info = self._call("POST", "runs/create", body)["run"]["info"]
        self._places[info["run_id"]] = info["artifact_uri"]
        return str(info["run_id"])

    def log(self, run: str, entry: Entry, now_ms: int) -> None:
        """Log into a run; files where the server itself takes them."""
        params = _pairs(entry.params)
        body = {
            "run_id": run,
            "params": params[:_MOST_PARAMS],
            "tags": _pairs(entry.tags),
            "metrics": [
                {"key": key, "value": value, "timestamp": now_ms, "step": 0}
                for key, value in entry.metrics.items()
            ],
        }
        self._call("POST", "runs/log-batch", body)
        place = self._place(run) if entry.files else ""
        if place.startswith(_ARTIFACTS):
            for path in entry.files:
                self._put(f"{urlsplit(place).path}/{quote(path.name)}", path)

    def end(self, run: str, status: str, now_ms: int) -> None:
        """Set a run's status."""
        ended = {} if status == "RUNNING" else {"end_time": now_ms}
        self._call("POST", "runs/update", {"run_id": run, "status": status, **ended})

    def _place(self, run: str) -> str:
        if run not in self._places:
            info = self._call("GET", f"runs/get?run_id={quote(run)}")["run"]["info"]
            self._places[run] = info["artifact_uri"]
        return self._places[run]

    def _put(self, place: str, path: Path) -> None:
        url = f"{self._uri}/api/2.0/mlflow-artifacts/artifacts{place}"
        self._answer("PUT", url, path.read_bytes(), "application/octet-stream")

    def _call(self, method: str, verb: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self._uri}/api/2.0/mlflow/{verb}"
        try:
            answer = json.loads(self._answer(method, url, data, "application/json"))
        except ValueError:
            raise TrackingError(f"{self._uri} does not answer as an MLflow server") from None
        if not isinstance(answer, dict):
            raise TrackingError(f"{self._uri} does not answer as an MLflow server")
        return answer

    def _answer(self, method: str, url: str, data: bytes | None, content: str) -> bytes:
        headers = {"Content-Type": content, **_credentials()}
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                text: bytes = answer.read()
                return text
        except urllib.error.HTTPError as error:
            said = error.read(400).decode(errors="replace").replace("\n", " ")
            raise TrackingError(f"{self._uri} refused: {error.code} {said}") from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise TrackingError(f"{self._uri} cannot be reached: {reason}") from None


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _credentials() -> dict[str, str]:
    """What MLflow's own clients read from the environment."""
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    name = os.environ.get("MLFLOW_TRACKING_USERNAME")
    if name is None:
        return {}
    pair = f"{name}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


class Package:
    """A folder or a database, through the package mlflow or mlflow-skinny."""

    def __init__(self, uri: str) -> None:
        """Take an address that the package knows, or a folder.

        Raises:
            InputError: the package is not installed, or does not know the address.
        """
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # else folders are refused
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            self._mlflow: Any = import_module("mlflow")
        except ImportError:
            raise InputError(
                f"--mlflow {uri}: a folder or a database needs MLflow's package: "
                "pip install 'logmark[mlflow]'; a server (http://...) needs none"
            ) from None
        place = uri if "://" in uri or uri.startswith("file:") else Path(uri).absolute().as_uri()
        self._client: Any = _tried(lambda: self._mlflow.MlflowClient(tracking_uri=place))

    def experiment(self, name: str) -> str:
        """Find or make an experiment; returns its id."""
        found = _tried(lambda: self._client.get_experiment_by_name(name))
        if found is not None:
            return str(found.experiment_id)
        return str(_tried(lambda: self._client.create_experiment(name)))

    def start(self, experiment: str, name: str, tags: Mapping[str, str], now_ms: int) -> str:
        """Start a run; returns its id."""
        run = _tried(
            lambda: self._client.create_run(
                experiment, run_name=name, start_time=now_ms, tags=dict(tags)
            )
        )
        return str(run.info.run_id)

    def log(self, run: str, entry: Entry, now_ms: int) -> None:
        """Log into a run."""
        _tried(lambda: self._log(run, entry, now_ms))

    def _log(self, run: str, entry: Entry, now_ms: int) -> None:
        made = self._mlflow.entities
        self._client.log_batch(
            run,
            metrics=[made.Metric(key, value, now_ms, 0) for key, value in entry.metrics.items()],
            params=[made.Param(key, value) for key, value in entry.params.items()][:_MOST_PARAMS],
            tags=[made.RunTag(key, value) for key, value in entry.tags.items()],
        )
        for path in entry.files:
            self._client.log_artifact(run, str(path))

    def end(self, run: str, status: str, now_ms: int) -> None:
        """Set a run's status."""
        if status == "RUNNING":
            _tried(lambda: self._client.update_run(run, status=status))
        else:
            _tried(lambda: self._client.set_terminated(run, status=status, end_time=now_ms))


def _tried(call: Any) -> Any:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - whatever the package raises must not end the run
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise TrackingError(f"{type(error).__name__}: {first}") from None
