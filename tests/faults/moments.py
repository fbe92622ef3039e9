"""Moments: a run is disturbed at a random point, run again, and must end as if nothing had been.

A moment is drawn from a seed and its number, so that one can be replayed. It starts from a store
in which a random part of the batch is done already, or from nothing; it waits until a chosen job
is at work, or for a while after the start; then it strikes.
"""

import random
import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGSTOP, SIGTERM

import psutil
from faults import damage
from faults.batch import (
    LIMITED,
    PARTS,
    Attempt,
    Base,
    Driver,
    Ended,
    Place,
    attempts,
    committed,
    loads,
    logged,
    repeated,
    results,
    without,
)
from faults.nodes import Nodes, busy, strike

_POLL_S = 0.02
_GONE_S = 30.0  # until a killed driver's workers must have gone
_WAIT_S = 240.0  # until the chosen job must have started
_START_S = 6.0  # a driver imports, plans and starts Ray meanwhile
_DELAY_S = 0.6  # into a job, beside the time that it works: its process starts first


@dataclass(frozen=True)
class Moment:
    """What happens, and when.

    Attributes:
        kind: a name in `KINDS`.
        job: the one to wait for; empty for a time after the driver's start.
        delay_s: from then on.
        lost: jobs whose artifacts the store does not hold when the run starts.
        attached: on the cluster of several nodes, else on a Ray that the driver starts.
    """

    number: int
    seed: int
    kind: str
    job: str
    delay_s: float
    lost: frozenset[str]
    attached: bool

    def __str__(self) -> str:
        where = "cluster" if self.attached else "local"
        when = f"{self.delay_s:.2f} s into {self.job or 'the run'}"
        return f"{self.number} (seed {self.seed}) {self.kind} on {where}, {when}"


@dataclass
class Scene:
    """A moment under way: who takes part, and what was seen."""

    base: Base
    nodes: Nodes
    moment: Moment
    place: Place
    rng: random.Random
    struck: str = "nothing"
    damaged: frozenset[tuple[str, str]] = frozenset()
    done: set[tuple[str, str]] = field(default_factory=set)
    begun: int = 0
    loads: int = 0

    def start(self, runs: str = "runs", suite: str = "suite.yaml") -> Driver:
        address = self.nodes.address if self.moment.attached else None
        return Driver(self.place, address=address, runs=runs, suite=suite)

    def wait(self, driver: Driver) -> None:
        """Wait for the moment; a run that is over before it comes is left alone."""
        until = time.monotonic() + _WAIT_S
        while self.moment.job and not self.at_work(driver, {self.moment.job}):
            assert time.monotonic() < until, f"{self.moment.job} has not started: {driver.output}"
            if driver.is_over:
                return
            time.sleep(_POLL_S)
        time.sleep(self.moment.delay_s)

    def at_work(self, driver: Driver, jobs: Collection[str] = ()) -> list[psutil.Process]:
        """Find the workers at work on one of some jobs, or on any."""
        jobs = jobs or self.base.artifacts
        if self.moment.attached:
            return busy(self.nodes.raylets(), jobs)
        return [] if driver.is_over else busy([psutil.Process(driver.process.pid)], jobs)

    def look(self) -> None:
        """Note what is finished just before the strike."""
        self.done = committed(self.place.store)
        self.begun = len(attempts(self.place.own))
        self.loads = len(loads(self.base))

    def rest(self) -> list[Attempt]:
        """The attempts that began after the strike."""
        return attempts(self.place.own)[self.begun :]


def _kill_worker(scene: Scene) -> Ended:
    driver = scene.start()
    scene.wait(driver)
    scene.look()
    if workers := scene.at_work(driver):
        strike(chosen := scene.rng.choice(workers))
        scene.struck = f"worker {chosen.pid}"
    return driver.wait()


def _stop_worker(scene: Scene) -> Ended:
    driver = scene.start(suite="limited.yaml")
    scene.wait(driver)
    scene.look()
    if workers := scene.at_work(driver, {scene.moment.job}):
        strike(workers[0], SIGSTOP)
        scene.struck = f"worker {workers[0].pid}"
    return driver.wait()


def _kill_one_of_two(scene: Scene) -> Ended:
    driver, other = scene.start(), scene.start("other")
    scene.wait(driver)
    scene.look()
    if not driver.is_over:
        driver.process.kill()
        scene.struck = f"driver {driver.process.pid}"
    ended = other.wait()
    assert ended.status == 0, f"{scene.moment}: the other run: {ended.output}"
    assert results(scene.place.own / "other" / "batch") == scene.base.results
    return driver.wait()


def _lose_node(scene: Scene, *, replaced: bool) -> Ended:
    driver = scene.start()
    scene.wait(driver)
    scene.look()
    raylets = [
        one for one in scene.nodes.raylets() if busy([one], scene.base.artifacts)
    ] or scene.nodes.raylets()
    scene.nodes.kill(chosen := scene.rng.choice(raylets))
    scene.struck = f"node {chosen.pid}"
    if replaced:
        scene.nodes.mend()
    return driver.wait()


def _signal_driver(scene: Scene, number: int) -> Ended:
    driver = scene.start()
    scene.wait(driver)
    scene.look()
    own = [] if driver.is_over else psutil.Process(driver.process.pid).children(recursive=True)
    if not driver.is_over:
        scene.struck = f"driver {driver.process.pid}"
    strike_driver(driver, number)
    ended = driver.wait(60)
    _, alive = psutil.wait_procs(own, timeout=_GONE_S)
    assert not alive, f"processes outlive their driver by {_GONE_S:.0f} s: {alive}"
    return ended


def strike_driver(driver: Driver, number: int) -> None:
    if not driver.is_over:
        driver.process.send_signal(number)


def _damage(scene: Scene, how: Callable[[Path, random.Random], tuple[str, str]]) -> Ended:
    scene.damaged = frozenset({how(scene.place.store, scene.rng)})
    scene.struck = " ".join(f"{kind}/{key[:8]}" for kind, key in scene.damaged)
    scene.look()
    return scene.start().wait()


KINDS: dict[str, Callable[[Scene], Ended]] = {
    "driver-killed": lambda scene: _signal_driver(scene, SIGKILL),
    "worker-killed": _kill_worker,
    "node-lost": lambda scene: _lose_node(scene, replaced=False),
    "interrupted": lambda scene: _signal_driver(scene, SIGINT),
    "node-replaced": lambda scene: _lose_node(scene, replaced=True),
    "terminated": lambda scene: _signal_driver(scene, SIGTERM),
    "worker-stopped": _stop_worker,
    "one-of-two-killed": _kill_one_of_two,
    "file-truncated": lambda scene: _damage(scene, damage.truncate),
    "file-deleted": lambda scene: _damage(scene, damage.delete),
    "commit-truncated": lambda scene: _damage(scene, damage.halve_commit),
}
"""What can happen, in the order in which moments take turns."""

_STATUS = {
    "driver-killed": -SIGKILL,
    "one-of-two-killed": -SIGKILL,
    "interrupted": 130,
    "terminated": 130,
}
"""How a run ends that does not survive; one that was over before may also have ended well."""

EMBEDDED = {"plain": "embed:plain", "adapted": "embed:adapted/0"}
"""Tag of a model's weights -> the job that loads them."""

_ONLY_ATTACHED = ("node-lost", "node-replaced", "one-of-two-killed")
_SLOW = ("adapt:adapted/0", "embed:plain", "embed:adapted/0", "reference:cnn/0")


def draw(base: Base, seed: int, number: int, *, fresh: bool = True) -> Moment:
    """Draw a moment; with `fresh` one in six starts from an empty store."""
    rng = random.Random(f"{seed}/{number}")
    kind = list(KINDS)[number % len(KINDS)]
    jobs = sorted(base.artifacts)
    job = rng.choice(_SLOW if rng.random() < 0.5 else jobs)
    if kind == "worker-stopped":
        job = rng.choice([one for one in jobs if base.artifacts[one][0] in LIMITED])
    lost = {one for one in jobs if rng.random() < 0.2} | {job}
    if fresh and rng.random() < 1 / 6:
        lost = set(jobs)
    delay_s = rng.random() * (base.seconds[job] + _DELAY_S)
    if kind in _STATUS and rng.random() < 1 / 4:  # before any job, too
        job, delay_s = "", rng.random() * _START_S
    attached = kind in _ONLY_ATTACHED or rng.random() < 0.5
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


def happen(base: Base, nodes: Nodes, moment: Moment, own: Path) -> str:
    """Let a moment happen and run again.

    Returns:
        One line: what was struck, how the run ended, and what was computed after it.

    Raises:
        AssertionError: the rerun failed, a finished job ran again, or the results differ.
    """
    nodes.mend()
    rng = random.Random(f"{moment.seed}/{moment.number}/strike")
    scene = Scene(base, nodes, moment, lay(base, moment, own), rng)
    started = time.monotonic()
    ended = KINDS[moment.kind](scene)
    struck = scene.struck != "nothing"
    expected = _STATUS.get(moment.kind, 0) if struck else 0
    assert ended.status in {expected, 0}, f"{moment}: status {ended.status}: {ended.output}"
    again = scene.start().wait()
    assert again.status == 0, f"{moment}: the rerun's status is {again.status}: {again.output}"
    check(scene, again)
    took_s = time.monotonic() - started
    return f"{moment}: struck {scene.struck}, {ended.status}, then {again.computed}; {took_s:.0f} s"


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
