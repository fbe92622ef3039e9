"""How fast the models at hand compute on this machine, measured on a few windows of each.

Windows of random tokens take as long as those of logs. Each model is loaded as its job would load
it and computes full batches for some seconds; what comes out is FLOPs per second, so that it holds
for any number and length of windows, and for training with the same model.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adapters import registry
from adapters.counting import count
from embedders.batching import BUDGETS
from embedders.shard import Shard
from jobs.process import limited
from results.steps import Step, counted, untold
from suite.node import Node
from suite.quantities import Estimate
from suite.spending import weights_of

_LEAST_S = 2.0
_LOWEST_TOKEN, _HIGHEST_TOKEN = 1000, 20_000


def measured_rates(
    nodes: Sequence[Node], estimates: Mapping[str, Estimate], *, step: Step = untold
) -> dict[str, float]:
    """Measure every model that some jobs load, once.

    Args:
        nodes: jobs that have to be computed.
        estimates: job id -> what it takes.
        step: is told how far this is.

    Returns:
        `weights_of` a job -> FLOPs per second of a forward pass; nothing of models whose weights
        are not at hand, or whose jobs need another device than this machine has.
    """
    found: dict[str, Node] = {}
    for node in nodes:
        estimate = estimates[node.id]
        is_here = estimate.model is not None and estimate.device == node.params["device"]
        if is_here and node.unknown is None:
            found.setdefault(weights_of(node), node)
    timed = counted(list(found.items()), "timing models", step)
    return {weights: _rate(node) for weights, node in timed}


def _rate(node: Node) -> float:
    """FLOPs per second of a job's model."""
    from embedders.forward import window_vectors

    params = node.params
    adapter = registry.of_job(params, node.local)
    budget = params.get("batch_tokens", BUDGETS[params["device"]])
    with limited(node.cpus):
        encoder = adapter.load(
            device=params["device"],
            dtype=params["precision"],
            attention=params.get("attention", "sdpa"),
            checkpoint=None,
        )
        windows = max(1, budget // encoder.context)
        window_vectors(_random(encoder, 1), encoder, batch_tokens=budget)  # warms up
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < _LEAST_S:
            window_vectors(_random(encoder, windows), encoder, batch_tokens=budget)
            done += windows
        elapsed = time.perf_counter() - started
    return done * count(adapter.config()).flops(encoder.context) / elapsed


def _random(encoder: Any, windows: int) -> Shard:
    """Draw full windows of random tokens."""
    length = encoder.context - encoder.num_special
    tokens = np.random.default_rng(0).integers(
        _LOWEST_TOKEN, _HIGHEST_TOKEN, windows * length, dtype=np.int32
    )
    return Shard(first=0, tokens=tokens, lengths=np.full(windows, length, dtype=np.int32))
