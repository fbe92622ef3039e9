"""The batch on the cluster with its store on an S3-compatible server; its driver is killed once."""

import re
import time
from collections import Counter
from pathlib import Path

import pytest
from faults.batch import Base, Driver, Place, results
from faults.nodes import Nodes, watched

URI = "s3://batch/store"
_BEGUN = re.compile(r"^--- (\S+) attempt (\S+) ", re.MULTILINE)


def _begun(own: Path) -> Counter[str]:
    """Count the attempts at each job, by the jobs' logs."""
    logs = (own / "runs" / "batch" / "logs").glob("*.log")
    return Counter(job for log in logs for job, _ in set(_BEGUN.findall(log.read_text())))


def _finished(own: Path) -> list[str]:
    events = own / "runs" / "batch" / "events.jsonl"
    text = events.read_text() if events.exists() else ""
    return re.findall(r'"job": "([^"]+)"[^\n]+"status": "computed"', text)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_batch_on_s3_survives_its_drivers_death_and_gives_the_same(
    base: Base, nodes: Nodes, s3: dict[str, str], own: Path
) -> None:
    if not s3:
        pytest.skip("needs moto, which serves S3 here, and s3fs")
    place, environment = Place(base.folder, own), {**watched(), **s3}

    def start() -> Driver:
        return Driver(place, address=nodes.address, store=URI, environment=environment)

    killed = start()
    until = time.monotonic() + 300
    while len(_finished(own)) < 4:
        assert time.monotonic() < until and not killed.is_over, killed.output
        time.sleep(0.05)
    killed.process.kill()
    assert killed.wait().status == -9
    finished = set(_finished(own))
    again = start().wait()
    assert again.status == 0, again.output
    assert results(place.run_dir) == base.results
    begun = _begun(own)
    assert {job for job in finished if begun[job] > 1} == set()
    assert max(Counter(_finished(own)).values()) == 1
    third = start().wait()
    assert third.status == 0 and third.computed == 0, third.output
