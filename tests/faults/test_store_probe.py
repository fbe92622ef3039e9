"""A node that does not see the store is named at once, before anything is computed there."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.batch import Base, Driver, Place, attempts
from faults.nodes import Nodes


def _can_unshare() -> bool:
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    tried = ["unshare", "--mount", "true"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


@pytest.fixture
def blind_node(nodes: Nodes, own: Path) -> Iterator[None]:
    """A further node, over whose store folder lies an empty file system of its own."""
    if not _can_unshare():
        pytest.skip("a node with a file system of its own needs root and unshare")
    own.mkdir(parents=True)
    before = nodes.count()
    ray = f"{sys.executable} -m ray.scripts.scripts start --address={nodes.address} --num-cpus=1"
    script = f"mount -t tmpfs blind {own} && exec {ray} --block --object-store-memory=80000000"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script], **quiet
    ) as node:
        try:
            until = time.monotonic() + 60
            while nodes.count() == before:
                assert time.monotonic() < until and node.poll() is None
                time.sleep(0.2)
            yield
        finally:
            node.terminate()
            node.wait(timeout=60)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_node_that_does_not_see_the_store_is_refused_by_name(
    base: Base, nodes: Nodes, own: Path, blind_node: None
) -> None:
    ended = Driver(Place(base.folder, own), address=nodes.address).wait(240)
    assert ended.status == 2, ended.output
    (line,) = [one for one in ended.output.splitlines() if one.startswith("logmark:")]
    assert "store" in line and "node" in line
    assert attempts(own) == []
