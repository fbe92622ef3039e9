"""What is damaged between two runs is computed again, said aloud, and nothing else is."""

import random
import shutil
from pathlib import Path

import pytest
from faults import damage
from faults.batch import Base, Driver, Place, attempts, results

KINDS = (damage.truncate, damage.delete, damage.halve_commit)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_three_damaged_artifacts_are_computed_again_and_said_aloud(base: Base, own: Path) -> None:
    place, rng = Place(base.folder, own), random.Random(3)
    shutil.copytree(base.store, place.store)
    damaged: set[tuple[str, str]] = set()
    for how in KINDS:
        while (artifact := how(place.store, rng)) in damaged:
            continue
        damaged.add(artifact)
    ended = Driver(place).wait()
    assert ended.status == 0, ended.output
    named = [job for job, artifact in base.artifacts.items() if artifact in damaged]
    for job in named:
        assert f"{job}: the stored artifact is damaged" in ended.output
    assert ended.computed == len(damaged)
    begun = {(one.kind, one.key) for one in attempts(own)}
    assert begun == damaged
    assert results(place.run_dir) == base.results
