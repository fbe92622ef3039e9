"""The undisturbed batch, an S3-compatible server and a cluster of three nodes, each once."""

import importlib.util
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.batch import Base, make_base
from faults.nodes import Nodes, cluster


@pytest.fixture(scope="package")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """The batch and what it gives when nothing happens."""
    return make_base(tmp_path_factory.mktemp("batch"))


@pytest.fixture(scope="package")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start a server with the bucket `batch`; gives the variables that lead there, or none."""
    if not all(map(importlib.util.find_spec, ("moto", "s3fs"))):
        yield {}
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    address, folder = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("s3")
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as server,
    ):
        try:
            _create_bucket(f"{address}/batch")
            yield {
                "AWS_ENDPOINT_URL": address,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "us-east-1",
                "LOGMARK_CACHE": str(folder / "cache"),
            }
        finally:
            server.terminate()


def _create_bucket(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.2)


@pytest.fixture(scope="package")
def started(s3: dict[str, str]) -> Iterator[Nodes]:
    """A head without CPUs and two nodes of one CPU, that know the server."""
    with cluster(s3) as nodes:
        yield nodes


@pytest.fixture
def nodes(started: Nodes) -> Nodes:
    """The cluster, all of it."""
    started.mend()
    return started


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder for a run's own store and run folder."""
    return tmp_path / "own"
