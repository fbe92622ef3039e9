"""Learning rates that differ: between groups of weights, and along the steps of one cycle."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

_START, _END = 1 / 25, 1e-5  # of the peak, fastai's `fit_one_cycle` (div, div_final)


def rate_of(name: str, rates: Iterable[tuple[str, float]]) -> float:
    """Find a weight's factor; see `adapters.training.TrainingSettings`."""
    fitting = [pair for pair in rates if name.startswith(pair[0])]
    return max(fitting, key=lambda pair: len(pair[0]), default=("", 1.0))[1]


def split_by_rate(
    optimizer: Optimizer, model: nn.Module, rates: Sequence[tuple[str, float]]
) -> None:
    """Split an optimizer's groups, so that each weight gets its own factor of the learning rate."""
    if not rates:
        return
    factors = {id(weight): rate_of(name, rates) for name, weight in model.named_parameters()}
    groups: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        for factor in sorted({factors[id(weight)] for weight in group["params"]}, reverse=True):
            weights = [weight for weight in group["params"] if factors[id(weight)] == factor]
            groups.append({**group, "params": weights, "lr": group["lr"] * factor})
    optimizer.param_groups = groups


def one_cycle(optimizer: Optimizer, *, steps: int, warmup_share: float) -> LambdaLR:
    """Let the rate rise to its peak and fall again, once (Smith, "Super-Convergence", 2018).

    fastai's form: along a cosine from 1/25 of the peak over `warmup_share` of the steps, along
    another one to 1/100,000 of it. The optimizer's betas stay (fastai moves the first one too).
    """
    rise = warmup_share * steps

    def factor(step: int) -> float:
        if step < rise:
            return _between(_START, 1.0, step / rise)
        return _between(1.0, _END, min(1.0, (step - rise) / max(1.0, steps - 1 - rise)))

    return LambdaLR(optimizer, factor)


def _between(start: float, end: float, share: float) -> float:
    """Go from `start` to `end` along half a cosine."""
    return end + (start - end) * (1.0 + math.cos(math.pi * share)) / 2.0
