"""The cluster's nodes beside the plan's jobs: what each asks for, and whether it has a place."""

import math
import time
from collections.abc import Iterable
from typing import Any

from results.errors import InputError
from suite.asking import Ask, clamped, machines, places, refusal, remedy
from suite.board import Board
from suite.node import Node
from suite.queue import Shape

_REFRESH_S = 5.0
_PATIENCE_S = 600.0  # for a node that the autoscaler may add, or that was lost and may come back
_GIB = 2**30


class Roster:
    """What the cluster could hold when it is empty.

    Attributes:
        cpus: CPUs of all nodes together.
    """

    def __init__(self, ray: Any, board: Board) -> None:
        """Look at the cluster."""
        self._ray = ray
        self._board = board
        self._cluster = machines(ray)
        self._looked = time.monotonic()
        self._said: set[Ask] = set()
        self._homeless_since: dict[Shape, float] = {}

    @property
    def cpus(self) -> float:
        """CPUs of all nodes together."""
        return sum(machine.resources.get("CPU", 0.0) for machine in self._cluster)

    def refresh(self) -> bool:
        """Look again, now and then; returns whether it did."""
        now = time.monotonic()
        if now - self._looked < _REFRESH_S:
            return False
        self._looked = now
        self._cluster = machines(self._ray)
        return True

    def homeless(self, shapes: Iterable[Shape]) -> list[tuple[Shape, str]]:
        """Find the shapes that no node can hold, some of which once had a place.

        It is said aloud at once, and for a while nodes may come, or come back.

        Returns:
            The shapes that have waited too long, and why.
        """
        now = time.monotonic()
        lost = {shape: f"it {self._lack(shape)}" for shape in shapes if not self.places(shape)}
        for shape, reason in lost.items():
            if shape not in self._homeless_since:
                self._board.say(f"a job waits for a node: {reason}")
        self._homeless_since = {shape: self._homeless_since.get(shape, now) for shape in lost}
        return [
            (shape, f"waited {_PATIENCE_S:.0f} s for a node: {reason}")
            for shape, reason in lost.items()
            if now - self._homeless_since[shape] > _PATIENCE_S
        ]

    def shape(self, name: str) -> Shape:
        """Return the shape of a node of the plan, with what it may ask of this cluster."""
        node = self._board.nodes[name]
        at_once = node.grant.at_once
        return Shape(
            ask=self._ask(node),
            workers=node.workers,
            kind=None if at_once is None else node.kind,
            at_once=at_once,
        )

    def _ask(self, node: Node) -> Ask:
        ask = Ask.of(node)
        if not node.grant.memory_is_estimate:
            return ask
        lower = clamped(ask, self._cluster)
        if lower != ask and ask not in self._said:
            self._said.add(ask)
            self._board.say(
                f"{node.id}: is estimated to need {ask.amount('memory') / _GIB:.1f} GiB of memory, "
                f"more than any node has; asking for {lower.amount('memory') / _GIB:.1f} GiB"
            )
        return lower

    def places(self, shape: Shape) -> int:
        """How many jobs of a shape the cluster holds at a time."""
        return places(shape.ask, self._cluster) // shape.workers

    def with_more_memory(self, shape: Shape, factor: float) -> Shape:
        """The shape of a job that ran out of memory: more of it, as far as a node has that much."""
        ask = shape.ask
        asked = ask.amount("memory") or self._fair_share(ask.amount("CPU"))
        more = clamped(ask.asking("memory", math.ceil(factor * asked)), self._cluster)
        return Shape(more, shape.workers, shape.kind, shape.at_once)

    def _fair_share(self, cpus: float) -> float:
        """Memory that goes with so many CPUs on the node that has most of it."""
        return max(
            machine.resources.get("memory", 0.0)
            * min(1.0, cpus / max(1.0, machine.resources.get("CPU", 1.0)))
            for machine in self._cluster
        )

    def refuse_infeasible(self) -> None:
        """Ray waits for ever for a node that can hold a job; say at once that there is none.

        Where an autoscaler may add one, `homeless` says so and waits for a while.

        Raises:
            InputError: there is none.
        """
        self._refuse_shared_training()
        if self._is_growing():
            return
        for node in self._board.nodes.values():
            if node.id in self._board.outcomes or node.unknown is not None:
                continue
            shape = self.shape(node.id)
            if not self.places(shape):
                raise InputError(f"{node.id} {self._lack(shape)}")

    def _refuse_shared_training(self) -> None:
        """Ray Train's workers exchange files in the store's folder, so it has to be one."""
        store = self._board.store
        for node in self._board.nodes.values():
            if node.workers > 1 and store.is_remote and node.id not in self._board.outcomes:
                raise InputError(
                    f"{node.id}: several workers of one training need a store in a folder that all "
                    f"nodes mount, and {store.uri} is none; set compute.workers to 1"
                )

    def _is_growing(self) -> bool:
        """Whether the cluster has an autoscaler that has said what nodes it can add."""
        state = self._ray._private.state.state  # Ray's public interface does not tell
        return state.get_max_resources_from_cluster_config() is not None

    def _lack(self, shape: Shape) -> str:
        """Say what a shape needs that the cluster has not."""
        found = places(shape.ask, self._cluster)
        if found:
            return (
                f"needs {shape.workers} workers of {shape.ask.amount('CPU'):g} CPUs and the "
                f"cluster has room for {found}; lower compute.workers or compute.threads in the "
                f"suite file"
            )
        return f"{refusal(shape.ask, self._cluster)}; {remedy(shape.ask, self._cluster)}"
