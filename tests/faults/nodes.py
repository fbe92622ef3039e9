"""A real Ray cluster of several nodes on this machine, and its processes.

`ray.cluster_utils.Cluster` is not thread-safe: everything here belongs on the main thread. Nothing
is ever stopped by name, only by process id.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

WATCH = Path(__file__).parent / "watch"
_HEALTH = {  # a lost node is noticed within a second
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 300,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 5,
}
_OBJECT_STORE_BYTES = 80 * 2**20


def watched(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return an environment in which every Python process notes its attempts (`watch`)."""
    path = [str(WATCH), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(path)}


class Nodes:
    """A head without CPUs and as many nodes of one CPU as asked for."""

    def __init__(self, count: int, environment: Mapping[str, str]) -> None:
        from ray.cluster_utils import Cluster

        self._count, self._environment = count, environment
        head = {"num_cpus": 0, "include_dashboard": False, "dashboard_port": _free_port()}
        with _environment(environment):
            self._cluster: Any = Cluster(
                initialize_head=True,
                head_node_args={**head, "_system_config": _HEALTH, **_small()},
            )
        self.mend()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def count(self) -> int:
        """Count the nodes that the cluster knows and that are alive, the head included."""
        return len(self._cluster.global_state._live_node_ids())

    def mend(self) -> None:
        """Remove nodes that have died and add new ones until all are there."""
        for node in list(self._cluster.worker_nodes):
            if not psutil.pid_exists(_raylet(node)) or not node.remaining_processes_alive():
                self._cluster.remove_node(node, allow_graceful=False)
        while len(self._cluster.worker_nodes) < self._count:
            self.add()

    def add(self) -> None:
        with _environment(self._environment):
            self._cluster.add_node(num_cpus=1, **_small())

    def kill(self, raylet: psutil.Process) -> None:
        """Kill a node's raylet as a crash would, and let go of what is left of the node."""
        raylet.kill()
        (node,) = (one for one in self._cluster.worker_nodes if _raylet(one) == raylet.pid)
        self._cluster.remove_node(node, allow_graceful=False)

    def raylets(self) -> list[psutil.Process]:
        return [psutil.Process(_raylet(node)) for node in self._cluster.worker_nodes]

    def close(self) -> None:
        with _environment(self._environment):
            self._cluster.shutdown()


def _free_port() -> int:
    """Find a port for what listens even without a dashboard: other clusters may run here."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _small() -> dict[str, Any]:
    return {"object_store_memory": _OBJECT_STORE_BYTES}


def _raylet(node: Any) -> int:
    return int(node.all_processes["raylet"][0].process.pid)


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process, from which what it starts has them."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def cluster(variables: Mapping[str, str] = MappingProxyType({}), count: int = 2) -> Iterator[Nodes]:
    """Start a cluster whose processes note their attempts; stop it whatever happens."""
    folder = Path("/tmp") / f"r-{secrets.token_hex(4)}"  # sockets' names must be short
    (folder / "ray").mkdir(parents=True)
    own = {"RAY_TMPDIR": str(folder)}  # no other Ray is told of this one
    nodes = Nodes(count, {**watched(), **own, **variables})
    try:
        yield nodes
    finally:
        nodes.close()
        shutil.rmtree(folder, ignore_errors=True)


def busy(parents: Iterable[psutil.Process], jobs: Collection[str]) -> list[psutil.Process]:
    """Find the Ray workers below some processes that are at work on one of some jobs.

    Hands on a job's pieces count as at work on any of them.
    """
    titles = tuple(f"ray::{job}" for job in (*jobs, "_Actor"))
    below = [process for parent in parents for process in _below(parent)]
    return [process for process in below if _title(process).startswith(titles)]


def _below(parent: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return parent.children(recursive=True)
    return []


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline()).strip()
    return ""


def strike(process: psutil.Process, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may have ended just now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
