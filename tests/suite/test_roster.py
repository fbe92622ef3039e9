"""Nodes that come and go: a job that has lost its place waits for a while, and that is said."""

from pathlib import Path
from typing import Any

import pytest

from results.errors import InputError
from results.store import Store
from suite import roster
from suite.board import Board
from suite.grant import Grant
from suite.node import Node
from suite.roster import Roster


class Cluster:
    """What `ray.nodes` answers, of nodes that no machine here has."""

    def __init__(self) -> None:
        self.gpus = [2.0]

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {
                "NodeManagerHostname": f"n{number}",
                "Alive": True,
                "Resources": {"CPU": 4.0, "GPU": gpus, "memory": 8.0 * 2**30},
            }
            for number, gpus in enumerate(self.gpus)
        ]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(roster, "_REFRESH_S", 0.0)
    return Cluster()


def _board(folder: Path, said: list[str], **grant: Any) -> Board:
    node = Node(id="embed:x", kind="embed", params={}, grant=Grant(gpus=1, **grant))
    return Board([node], Store(folder), folder, say=said.append)


def test_a_job_whose_node_is_lost_waits_for_another_and_is_given_up_at_last(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    nodes = Roster(cluster, _board(tmp_path, said))
    shape = nodes.shape("embed:x")
    assert nodes.places(shape) == 2 and nodes.homeless([shape]) == []
    cluster.gpus = [0.0]
    assert nodes.refresh() and nodes.homeless([shape]) == []
    assert said == [
        "a job waits for a node: it needs 1 GPU and the largest node has 0 GPUs; lower its "
        "resources in the suite file, or give Ray a node that has them"
    ]
    cluster.gpus = [0.0, 1.0]
    nodes.refresh()
    assert nodes.homeless([shape]) == [] and nodes.places(shape) == 1
    cluster.gpus = []
    nodes.refresh()
    nodes.homeless([shape])
    monkeypatch.setattr(roster, "_PATIENCE_S", -1.0)
    ((given_up, reason),) = nodes.homeless([shape])
    assert given_up == shape and "for a node: it needs 1 CPU and the largest node has 0" in reason


def test_a_job_that_ran_out_of_memory_asks_for_more_up_to_what_a_node_has(
    cluster: Cluster, tmp_path: Path
) -> None:
    nodes = Roster(cluster, _board(tmp_path, [], memory_bytes=4 * 2**30))
    shape = nodes.shape("embed:x")
    more = nodes.with_more_memory(shape, 1.5)
    assert more.ask.amount("memory") == 6 * 2**30
    assert nodes.with_more_memory(more, 1.5).ask.amount("memory") == 8 * 2**30
    silent = Roster(cluster, _board(tmp_path, []))
    fair = silent.with_more_memory(silent.shape("embed:x"), 1.5).ask.amount("memory")
    assert fair == 3 * 2**30, "of what goes with its one CPU of four"


def test_several_workers_of_one_training_need_a_folder(cluster: Cluster, tmp_path: Path) -> None:
    node = Node(id="adapt:x/0", kind="adapt", params={}, workers=2)
    board = Board([node], Store("s3://bucket/store"), tmp_path)
    with pytest.raises(InputError, match="adapt:x/0: several workers of one training need a store"):
        Roster(cluster, board).refuse_infeasible()
