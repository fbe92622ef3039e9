"""Two runs of one suite that share a store: each artifact is made once, both end the same."""

import shutil
import time
from collections import Counter
from pathlib import Path

import pytest
from faults.batch import Base, Driver, Ended, attempts, committed, repeated, results, without
from faults.nodes import Nodes

FOLDERS = ("one", "two")
LOST = (
    *("corpus", "labels", "embed:plain", "embed:tfidf-word/0", "embed:majority/0"),
    *("classify:plain/decision_tree/0", "classify:tfidf-word/linear_svc/0"),
)


def _start(base: Base, own: Path, nodes: Nodes) -> list[Driver]:
    place = without(base, own, LOST)
    shutil.rmtree(place.store / "windows")
    return [Driver(place, address=nodes.address, runs=name) for name in FOLDERS]


def _ended(drivers: list[Driver]) -> list[Ended]:
    return [driver.wait() for driver in drivers]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_drivers_make_each_artifact_once(base: Base, nodes: Nodes, own: Path) -> None:
    ended = _ended(_start(base, own, nodes))
    assert [one.status for one in ended] == [0, 0], [one.output for one in ended]
    counts = Counter((one.kind, one.key) for one in attempts(own) if one.kind != "memory")
    assert {pair: count for pair, count in counts.items() if count > 1} == {}
    assert sum(one.computed for one in ended) == len(LOST)
    for name in FOLDERS:
        assert results(own / name / "batch") == base.results


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_driver_finishes_what_a_killed_one_had_begun(base: Base, nodes: Nodes, own: Path) -> None:
    killed, other = _start(base, own, nodes)
    until = time.monotonic() + 240
    before = committed(own / "store")
    while len(committed(own / "store") - before) < 2:
        assert time.monotonic() < until and not killed.is_over, killed.output
        time.sleep(0.05)
    killed.process.kill()
    assert killed.wait().status == -9
    ended = other.wait()
    assert ended.status == 0, ended.output
    assert repeated(attempts(own)) == []
    assert results(own / "two" / "batch") == base.results
