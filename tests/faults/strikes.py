"""How a run is disturbed: what is killed, stopped or damaged at a moment."""

import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGSTOP, SIGTERM

import psutil
from faults import damage
from faults.batch import Attempt, Base, Driver, Ended, Place, attempts, committed, loads, results
from faults.nodes import Nodes, busy, strike

_POLL_S = 0.02
_GONE_S = 90  # Ray's agents look for their raylet now and then only
_WAIT_S = 600.0  # until the chosen job must have started


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
        while self.moment.job and not self.has_begun(driver):
            assert time.monotonic() < until, f"{self.moment.job} has not started: {driver.output}"
            if driver.is_over:
                return
            time.sleep(_POLL_S)
        time.sleep(self.moment.delay_s)

    def has_begun(self, driver: Driver) -> bool:
        """Whether the chosen job is at work, or has been."""
        key = self.base.artifacts[self.moment.job]
        begun = any((one.kind, one.key) == key for one in attempts(self.place.own))
        return begun or bool(self.at_work(driver, {self.moment.job}))

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
    if damage.commits(scene.place.store):  # else the moment came before there was anything
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

STATUS = {
    "driver-killed": (-SIGKILL,),
    "one-of-two-killed": (-SIGKILL,),
    "interrupted": (130, -SIGINT),  # by the signal itself, while Python still imports
    "terminated": (130, -SIGTERM),
}
"""How a run ends that does not survive; one that was over before may also have ended well."""

EMBEDDED = {"plain": "embed:plain", "adapted": "embed:adapted/0"}
"""Tag of a model's weights -> the job that loads them."""

ONLY_ATTACHED = ("node-lost", "node-replaced", "one-of-two-killed")
SLOW = ("adapt:adapted/0", "embed:plain", "embed:adapted/0", "reference:cnn/0")
