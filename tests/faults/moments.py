"""Moments: a run is disturbed at a random point, run again, and must end as if nothing had been.

A moment is drawn from a seed and its number, so that one can be replayed. It starts from a store
in which a random part of the batch is done already, or from nothing; it waits until a chosen job
is at work, or for a while after the start; then it strikes.
"""

import random
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from faults.batch import (
    LIMITED,
    PARTS,
    Base,
    Ended,
    Place,
    attempts,
    loads,
    logged,
    repeated,
    results,
    without,
)
from faults.nodes import Nodes
from faults.strikes import EMBEDDED, KINDS, ONLY_ATTACHED, SLOW, STATUS, Moment, Scene

_START_S = 6.0  # a driver imports, plans and starts Ray meanwhile
_DELAY_S = 0.6  # into a job, beside the time that it works: its process starts first


def draw(base: Base, seed: int, number: int, *, fresh: bool = True) -> Moment:
    """Draw a moment; with `fresh` one in six starts from an empty store."""
    rng = random.Random(f"{seed}/{number}")
    kind = list(KINDS)[number % len(KINDS)]
    jobs = sorted(base.artifacts)
    job = rng.choice(SLOW if rng.random() < 0.5 else jobs)
    delay_s = rng.random() * (base.seconds[job] + _DELAY_S)
    if kind == "worker-stopped":
        job = rng.choice([one for one in jobs if base.artifacts[one][0] in LIMITED])
        delay_s = 0.1 * rng.random()
    lost = {one for one in jobs if rng.random() < 0.2} | {job}
    if fresh and rng.random() < 1 / 6:
        lost = set(jobs)
    if kind in STATUS and rng.random() < 1 / 4:  # before any job, too
        job, delay_s = "", rng.random() * _START_S
    attached = kind in ONLY_ATTACHED or rng.random() < 0.5
    return Moment(number, seed, kind, job, delay_s, frozenset(lost), attached)


def lay(base: Base, moment: Moment, own: Path) -> Place:
    """Make a store that holds a part of the batch."""
    place = without(base, own, moment.lost)
    rng = random.Random(f"{moment.seed}/{moment.number}/parts")
    for kind in PARTS:
        for path in sorted(place.store.glob(f"{kind}/*")):
            if rng.random() < 0.5 or len(moment.lost) == len(base.artifacts):
                shutil.rmtree(path)
    return place


class Held(NamedTuple):
    """A moment after which all was well; `struck` is False where it came too late for anything."""

    struck: bool
    line: str


def happen(base: Base, nodes: Nodes, moment: Moment, own: Path) -> Held:
    """Let a moment happen and run again.

    Returns:
        What was struck, how the run ended, and what was computed after it, in one line.

    Raises:
        AssertionError: the rerun failed, a finished job ran again, or the results differ.
    """
    nodes.mend()
    rng = random.Random(f"{moment.seed}/{moment.number}/strike")
    scene = Scene(base, nodes, moment, lay(base, moment, own), rng)
    started = time.monotonic()
    ended = KINDS[moment.kind](scene)
    struck = scene.struck != "nothing"
    expected = STATUS.get(moment.kind, (0,)) if struck else (0,)
    assert ended.status in {*expected, 0}, f"{moment}: status {ended.status}: {ended.output}"
    again = scene.start().wait()
    assert again.status == 0, f"{moment}: the rerun's status is {again.status}: {again.output}"
    check(scene, again)
    took_s = time.monotonic() - started
    line = f"{moment}: struck {scene.struck}, {ended.status}, then {again.computed}; {took_s:.0f} s"
    return Held(struck, line)


def check(scene: Scene, again: Ended) -> None:
    """Check that nothing finished ran again, that nothing ran too often, and the results."""
    moment, begun = scene.moment, attempts(scene.place.own)
    assert not (found := repeated(begun, scene.damaged)), f"{moment}: {found}"
    finished = scene.done - scene.damaged
    late = [one for one in scene.rest() if (one.kind, one.key) in finished]
    late = [one for one in late if one.kind != "memory"]
    assert not late, f"{moment}: finished before the strike and begun again: {late}"
    tags = {tag for tag, job in EMBEDDED.items() if scene.base.artifacts[job] in finished}
    loaded = tags.intersection(loads(scene.base)[scene.loads :])
    assert not loaded, f"{moment}: embedded before the strike and loaded again: {loaded}"
    unknown = logged(scene.place.run_dir) - {one.attempt for one in begun}
    assert not unknown, f"{moment}: attempts in the logs that nobody saw: {unknown}"
    pairs = [(one.kind, one.key) for one in begun]
    often = [pair for pair in set(pairs) if pairs.count(pair) > 2 and pair[0] != "memory"]
    assert not often, f"{moment}: attempted more than twice: {often}"
    same = results(scene.place.run_dir)
    differ = [name for name in {*same, *scene.base.results} if not _equal(scene.base, same, name)]
    assert not differ, f"{moment}: other results: {sorted(differ)}"


def _equal(base: Base, found: dict[str, bytes], name: str) -> bool:
    return base.results.get(name) == found.get(name)
