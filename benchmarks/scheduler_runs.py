"""Plans of synthetic jobs run by the scheduler on a Ray that is up, beside bare Ray tasks."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.registry import KINDS
from results.store import Store
from suite import cluster, scheduler
from suite.board import Board
from suite.cluster import Joined
from suite.node import Node

SYNTHETIC = Path(__file__).parent / "synthetic"
CPUS = 2


@contextlib.contextmanager
def ray_of_two_cpus() -> Iterator[Joined]:
    """Start a Ray whose workers know the synthetic kinds."""
    sys.path.insert(0, str(SYNTHETIC))
    import synthetic_jobs

    synthetic_jobs.register(KINDS)
    known, count = os.environ.get("PYTHONPATH"), os.cpu_count
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SYNTHETIC), known]))
    os.cpu_count = lambda: CPUS  # what the scheduler grants a Ray of its own
    try:
        with tempfile.TemporaryDirectory() as folder, cluster.joined(None, Path(folder)) as joined:
            yield joined
    finally:
        os.cpu_count = count
        os.environ.pop("PYTHONPATH") if known is None else os.environ.update(PYTHONPATH=known)


def plan(kind: str, count: int, **params: Any) -> list[Node]:
    """Name so many independent jobs of a synthetic kind."""
    return [
        Node(id=f"{kind}:{number}", kind=kind, params={"number": number, **params})
        for number in range(count)
    ]


def run(joined: Joined, nodes: list[Node]) -> float:
    """Run a plan into a store of its own; returns the seconds it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        board = Board(nodes, Store(folder / "store"), folder / "logs")
        nothing: Any = lambda told: None  # noqa: E731 - nobody is told
        scheduler.run_on(joined, board, board.advance(), settled=nothing, tick=nothing)
        took_s = time.perf_counter() - started
        failed = [outcome.reason for outcome in board.outcomes.values() if outcome.commit is None]
        assert not failed, failed[0]
    return took_s


def bare(joined: Joined, count: int, seconds: float = 0.0, **decorations: Any) -> float:
    """Run so many bare Ray tasks that compute for a while; returns the seconds it took."""
    import bare_tasks

    task = joined.ray.remote(**decorations)(bare_tasks.compute).options(num_cpus=1)
    started = time.perf_counter()
    joined.ray.get([task.remote(seconds) for _ in range(count)])
    return time.perf_counter() - started
