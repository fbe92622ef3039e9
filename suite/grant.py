"""What a job is granted on a cluster; none of it changes a byte, and none of it stands in a key.

CPU threads are no part of it: networks compute other bytes on other numbers of threads, so they
belong to the job (`Node.cpus`, from `compute.threads`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Grant:
    """What each process of a job asks of the node it runs on.

    Attributes:
        gpus: devices; a fraction shares one.
        memory_bytes: main memory; None asks for none.
        accelerator: the type of GPU, as Ray names it (`A100`, `L4`).
        labels: labels that the node must have.
        custom: custom resources of the cluster, and how much of each.
        time_limit_s: seconds it may run, from its start; None for as long as it takes.
        memory_is_estimate: the memory is a rule of thumb, not the user's word: a scheduler lowers
            it to what the largest node has.
        at_once: jobs of its kind that may run at a time; None for as many as there is room for.
    """

    gpus: float = 0.0
    memory_bytes: int | None = None
    accelerator: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    custom: Mapping[str, float] = field(default_factory=dict)
    time_limit_s: float | None = None
    memory_is_estimate: bool = False
    at_once: int | None = None
