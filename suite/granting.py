"""What each job of a plan is granted and may take: the suite's word, else rules of thumb."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from suite.corpus_size import CorpusSize
from suite.grant import Grant
from suite.node import Node
from suite.quantities import Estimate
from suite.resources import Resources, parse_bytes, parse_seconds
from suite.spending import Spendings

PROCESS_BYTES = 1 << 30
"""What Python with torch and transformers holds before a model is loaded, about (2026-11: 0.7 to
0.9 GiB resident on Linux)."""

_HOUR_S = 3600.0
_LIMITS_S = {
    **dict.fromkeys(("corpus", "labels", "split", "templates", "alter"), 12 * _HOUR_S),
    "classify": 12 * _HOUR_S,
}
_LIMIT_S = 48 * _HOUR_S
LIMIT_FACTOR = 10
"""A job may take this many times what the plan expects, if that is more than its kind's limit."""


def granted(
    nodes: Sequence[Node],
    resources: Resources,
    estimates: Mapping[str, Estimate],
    size: CorpusSize,
) -> list[Node]:
    """Give every job its grant, and the seconds that it is expected to take.

    Args:
        nodes: the plan.
        resources: what the suite asks for.
        estimates: job id -> what it takes.
        size: the corpus, for how long the jobs may take.
    """
    spendings = Spendings(nodes, estimates, size)
    return [_granted(node, resources, estimates[node.id], spendings) for node in nodes]


def _granted(node: Node, resources: Resources, estimate: Estimate, spendings: Spendings) -> Node:
    asked = resources.of(node.kind, node.model)
    on_gpu = node.params.get("device") == "cuda"
    grant = Grant(
        gpus=asked.get("gpus", 1.0 if on_gpu or "accelerator" in asked else 0.0),
        memory_bytes=parse_bytes(asked["memory"]) if "memory" in asked else _memory(node, estimate),
        accelerator=asked.get("accelerator"),
        labels=asked.get("labels", {}),
        custom=asked.get("custom", {}),
        memory_is_estimate="memory" not in asked and estimate.model is not None,
        at_once=asked.get("at_once"),
    )
    node = replace(node, grant=grant)
    expected_s = spendings.planned_s(node)
    if "time_limit" in asked:
        limit_s = parse_seconds(asked["time_limit"])
    else:
        limit_s = _limit_s(node, expected_s)
    return replace(node, grant=replace(grant, time_limit_s=limit_s), expected_s=expected_s)


def _limit_s(node: Node, seconds: float | None) -> float:
    """Seconds after which a job is taken for hung: its kind's, or many times what is expected."""
    return max(_LIMITS_S.get(node.kind, _LIMIT_S), LIMIT_FACTOR * (seconds or 0.0))


def _memory(node: Node, estimate: Estimate) -> int | None:
    """Main memory of a job that loads a model; on a GPU its weights pass through it."""
    model = estimate.model
    if model is None or estimate.memory_bytes is None:
        return None
    on_cpu = node.params.get("device") == "cpu" and estimate.device == "cpu"
    return PROCESS_BYTES + (estimate.memory_bytes if on_cpu else model.held_bytes)
