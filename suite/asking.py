"""What a job asks of a node, and which nodes could ever give it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from suite.node import Node

_GIB = 2**30


@dataclass(frozen=True)
class Machine:
    """One living node of the cluster: what it has when it is empty."""

    name: str
    resources: Mapping[str, float]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Ask:
    """What one process of a job asks for; equal asks are interchangeable.

    Attributes:
        resources: Ray's name of a resource (`CPU`, `GPU`, `memory`, ...) -> amount.
        labels: labels that the node must have.
        accelerator: type of the GPU.
    """

    resources: tuple[tuple[str, float], ...]
    labels: tuple[tuple[str, str], ...] = ()
    accelerator: str | None = None

    @classmethod
    def of(cls, node: Node) -> "Ask":
        """Read a node of the plan: its CPU threads and its grant."""
        grant = node.grant
        wanted = {"CPU": node.cpus, "GPU": grant.gpus, "memory": grant.memory_bytes or 0}
        wanted |= dict(grant.custom)
        return cls(
            resources=tuple((name, float(amount)) for name, amount in wanted.items() if amount),
            labels=tuple(sorted(grant.labels.items())),
            accelerator=grant.accelerator,
        )

    def options(self) -> dict[str, Any]:
        """Write it as Ray's options of a task or an actor."""
        amounts = dict(self.resources)
        memory = amounts.pop("memory", 0.0)
        options: dict[str, Any] = {
            "num_cpus": amounts.pop("CPU", 0.0),
            "num_gpus": amounts.pop("GPU", 0.0),
        }
        if memory:
            options["memory"] = int(memory)
        if amounts:
            options["resources"] = amounts
        if self.labels:
            options["label_selector"] = dict(self.labels)
        if self.accelerator:
            options["accelerator_type"] = self.accelerator
        return options

    def amount(self, name: str) -> float:
        """How much it asks of a resource."""
        return dict(self.resources).get(name, 0.0)

    def asking(self, name: str, amount: float) -> "Ask":
        """The same with another amount of one resource."""
        others = tuple(pair for pair in self.resources if pair[0] != name)
        return replace(self, resources=(*others, (name, amount)))

    def places(self, machine: Machine) -> int:
        """How many such processes a machine holds when it is empty."""
        if any(machine.labels.get(name) != value for name, value in self.labels):
            return 0
        if self.accelerator and f"accelerator_type:{self.accelerator}" not in machine.resources:
            return 0
        held = (machine.resources.get(name, 0.0) / amount for name, amount in self.resources)
        return max(0, math.floor(min(held, default=0.0) + 1e-9))


def machines(ray: Any) -> list[Machine]:
    """List the living nodes that can run jobs."""
    return [
        Machine(node["NodeManagerHostname"], node["Resources"], node.get("Labels") or {})
        for node in ray.nodes()
        if node["Alive"]
    ]


def places(ask: Ask, cluster: Sequence[Machine]) -> int:
    """How many such processes the cluster holds when it is empty."""
    return sum(ask.places(machine) for machine in cluster)


def clamped(ask: Ask, cluster: Sequence[Machine]) -> Ask:
    """Lower an estimate of memory to what the largest node that has the rest could give."""
    without = replace(ask, resources=tuple(p for p in ask.resources if p[0] != "memory"))
    most = max((m.resources.get("memory", 0.0) for m in cluster if without.places(m)), default=0.0)
    return ask.asking("memory", most) if 0 < most < ask.amount("memory") else ask


def refusal(ask: Ask, cluster: Sequence[Machine]) -> str:
    """Say what an ask needs, and what the largest node has; for one that has no place anywhere."""
    for name, amount in ask.resources:
        most = max((machine.resources.get(name, 0.0) for machine in cluster), default=0.0)
        if most < amount:
            return f"needs {_amount(name, amount)} and the largest node has {_amount(name, most)}"
    if ask.accelerator and not any(
        f"accelerator_type:{ask.accelerator}" in machine.resources for machine in cluster
    ):
        kinds = {
            name.partition(":")[2]
            for machine in cluster
            for name in machine.resources
            if name.startswith("accelerator_type:")
        }
        have = ", ".join(sorted(kinds)) or "no accelerator with a type"
        return f"needs an accelerator {ask.accelerator} and the cluster has {have}"
    for name, value in ask.labels:
        if all(machine.labels.get(name) != value for machine in cluster):
            have = ", ".join(sorted({m.labels[name] for m in cluster if name in m.labels}))
            return f"needs a node labelled {name}={value} and the cluster has {have or 'none'}"
    together = ", ".join(_amount(name, amount) for name, amount in ask.resources)
    return f"needs {together} on one node, and no node has them together"


def remedy(ask: Ask, cluster: Sequence[Machine]) -> str:
    """Say where the suite file can ask for less."""
    cpus = max((machine.resources.get("CPU", 0.0) for machine in cluster), default=0.0)
    lower = "compute.threads" if ask.amount("CPU") > cpus else "its resources"
    return f"lower {lower} in the suite file, or give Ray a node that has them"


def _amount(name: str, amount: float) -> str:
    if name == "memory":
        return f"{amount / _GIB:.1f} GiB of memory"
    if name in ("CPU", "GPU"):
        return f"{amount:g} {name}{'' if amount == 1 else 's'}"
    return f"{amount:g} of {name}"
