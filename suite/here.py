"""Whether this machine could hold a job at all; a plan may be made for a cluster that can."""

import os
from dataclasses import dataclass
from pathlib import Path

from suite.node import Node
from suite.quantities import Estimate


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a machine has."""

    cpus: int
    gpus: int
    memory_bytes: int


def this_machine() -> Machine:
    """Look around, without any of the devices' libraries."""
    return Machine(
        cpus=os.cpu_count() or 1,
        gpus=len(list(Path("/dev").glob("nvidia[0-9]*"))),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    )


def missing_here(node: Node, estimate: Estimate, machine: Machine) -> str | None:
    """Say what a job needs that a machine does not have; None where it has everything."""
    grant = node.grant
    if grant.gpus > machine.gpus:
        what = f"{grant.gpus:g} GPU{'' if grant.gpus <= 1 else 's'}"
        return f"{what}, and this machine has {machine.gpus or 'none'}"
    if estimate.device == "cuda" and not machine.gpus:
        return "a GPU, or more than a day on a CPU, and this machine has none"
    if node.cpus > machine.cpus:
        return f"{node.cpus} CPUs, and this machine has {machine.cpus}"
    memory = grant.memory_bytes or 0
    if memory > machine.memory_bytes:
        gib = 1 << 30
        return (
            f"{memory / gib:.1f} GiB of memory, and this machine has "
            f"{machine.memory_bytes / gib:.1f} GiB"
        )
    named = [*(f"{key}={value}" for key, value in grant.labels.items()), *grant.custom]
    return f"{', '.join(named)}, which only a cluster names" if named else None
