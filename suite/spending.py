"""What the jobs of a plan will cost: seconds, device-hours and bytes, and what each rests on.

In: jobs and their quantities (`suite.estimate`). Out: a `Spending` for each. A number comes from a
measurement of today where there is one, else from what like jobs took before, else from FLOPs and
stated rates, else from a rule of thumb; what none of them covers is unknown, and stays so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Literal

from results.hashing import hash_json
from suite import rates, rules
from suite.corpus_size import CorpusSize
from suite.disk import disk_bytes
from suite.estimate import learnt_shares
from suite.node import Node
from suite.quantities import Estimate

Basis = Literal["cached", "calibrated", "past", "flops", "rule", "unknown"]

_HOUR_S = 3600


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What one job costs; None where nobody knows. What is cached costs nothing.

    Attributes:
        seconds: from its start to its end.
        basis: what the seconds rest on.
        cpu_hours: CPU cores that it holds, times hours.
        gpu_hours: GPUs that it holds, times hours.
        disk_bytes: that it adds to the store.
    """

    seconds: float | None
    basis: Basis
    cpu_hours: float | None
    gpu_hours: float | None
    disk_bytes: int | None


NOTHING = Spending(seconds=0.0, basis="cached", cpu_hours=0.0, gpu_hours=0.0, disk_bytes=0)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known beside the plan.

    Attributes:
        took_s: job id -> seconds that it took; of jobs that are done.
        flops_per_s: `weights_of` a job -> what its model computed just now on this machine.
    """

    took_s: Mapping[str, float] = field(default_factory=dict)
    flops_per_s: Mapping[str, float] = field(default_factory=dict)


class Spendings:
    """Reckons what jobs cost."""

    def __init__(
        self,
        nodes: Sequence[Node],
        estimates: Mapping[str, Estimate],
        size: CorpusSize,
        known: Known | None = None,
    ) -> None:
        """Take a plan, what its jobs take by job id, and what is known beside it."""
        self._nodes = {node.id: node for node in nodes}
        self._estimates = estimates
        self._size = size
        self._known = known or Known()
        self._shares = learnt_shares(nodes)
        self._factors = self._past()

    def of(self, node: Node) -> Spending:
        """Reckon what a job costs; the job may carry another grant than its plan has."""
        if node.id in self._known.took_s:
            return NOTHING
        seconds, basis = self.seconds(node)
        return replace(
            _held(node, self._estimates[node.id], seconds),
            basis=basis,
            disk_bytes=disk_bytes(node, self._estimates[node.id], self._size),
        )

    def planned_s(self, node: Node) -> float | None:
        """Reckon how long a job takes on the suite's own device, be it ever so slow."""
        estimate = self._estimates[node.id]
        if estimate.flops is None or estimate.device == node.params["device"]:
            return self.seconds(node)[0]
        rate = rates.stated(node, node.params["device"]) * node.workers
        return rules.MODEL_START_S + estimate.flops / rate

    def seconds(self, node: Node) -> tuple[float | None, Basis]:
        """Reckon how long a job takes, and say what that rests on."""
        if (measured := self._measured(node)) is not None:
            return measured, "calibrated"
        stated, basis = self._stated(node)
        if stated is not None and self._factors and (factor := self._factors.get(_sort(node))):
            return factor * stated, "past"
        return stated, basis

    def _measured(self, node: Node) -> float | None:
        """Seconds by what the job's model computed just now, where it did."""
        rate = self._known.flops_per_s.get(weights_of(node)) if self._known.flops_per_s else None
        estimate = self._estimates[node.id]
        if rate is None or estimate.flops is None or estimate.device != node.params["device"]:
            return None
        share = 1.0 if rates.is_forward(node) else rates.TRAINING
        return rules.MODEL_START_S + estimate.flops / (rate * share * node.workers)

    def _stated(self, node: Node) -> tuple[float | None, Basis]:
        """Seconds by stated rates and rules."""
        estimate = self._estimates[node.id]
        if estimate.flops is not None:
            rate = rates.stated(node, estimate.device) * node.workers
            return rules.MODEL_START_S + estimate.flops / rate, "flops"
        if estimate.unknown is not None:
            return None, "unknown"
        seconds = None
        if (work := self._work(node)) is not None:
            seconds = rules.seconds(node, work)
        return seconds, "unknown" if seconds is None else "rule"

    def _work(self, node: Node) -> rules.Work | None:
        features = self._features(node)
        documents = self._size.documents
        if "vectors" in node.needs and (features is None or documents is None):
            return None
        return rules.Work(
            characters=self._size.characters,
            learnt=(documents or 0) * self._shares[node.id],
            features=features or 0,
        )

    def _features(self, node: Node) -> int | None:
        """Features of the vectors that a job reads, as far as they are not zero."""
        if "vectors" not in node.needs:
            return None
        made = self._nodes[node.needs["vectors"]]
        model = self._estimates[made.id].model
        if model is not None:
            return model.width
        if made.params["adapter"] == "tfidf":
            return rules.SPARSE_FEATURES
        return 1 if made.params["adapter"] == "length" else None

    def _past(self) -> dict[str, float]:
        """How much longer the jobs of each sort took than stated, in the middle."""
        ratios: dict[str, list[float]] = {}
        for name, took_s in self._known.took_s.items():
            stated, _ = self._stated(self._nodes[name])
            if stated:
                ratios.setdefault(_sort(self._nodes[name]), []).append(took_s / stated)
        return {sort: median(found) for sort, found in ratios.items()}


def weights_of(node: Node) -> str:
    """Name the weights of a job's model and what they are computed on."""
    keys = ("adapter", "identity", "device", "precision", "threads")
    return hash_json({key: node.params.get(key) for key in keys})


def _sort(node: Node) -> str:
    """Name what takes alike for equal work: the kind, and what is trained or read with."""
    keys = ("adapter", "classifier", "tune", "detector", "device", "objective", "reference")
    return hash_json({"kind": node.kind, **{key: node.params.get(key) for key in keys}})


def _held(node: Node, estimate: Estimate, seconds: float | None) -> Spending:
    """Reckon the devices that a job holds while it runs."""
    hours = None if seconds is None else seconds / _HOUR_S * node.workers
    gpus = (node.grant.gpus or 1.0) if estimate.device == "cuda" else node.grant.gpus
    return Spending(
        seconds=seconds,
        basis="unknown",
        cpu_hours=None if hours is None else hours * node.cpus,
        gpu_hours=None if hours is None else hours * gpus,
        disk_bytes=None,
    )


def totals(spendings: Sequence[Spending]) -> dict[str, Any]:
    """Add up; what is unknown is counted, not taken for nothing."""
    return {
        "cpu_hours": sum(one.cpu_hours or 0.0 for one in spendings),
        "gpu_hours": sum(one.gpu_hours or 0.0 for one in spendings),
        "disk_bytes": sum(one.disk_bytes or 0 for one in spendings),
        "without_time": sum(one.seconds is None for one in spendings),
        "without_disk": sum(one.disk_bytes is None for one in spendings),
    }
