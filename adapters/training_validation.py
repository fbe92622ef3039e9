"""What a validation measures: exact means over all that is held out, whoever computed them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from adapters import training_workers as group
from adapters.training import Metrics


@dataclass(frozen=True)
class Validation:
    """What was measured.

    Attributes:
        values: name -> value, ``loss`` among them.
        broken: number of the first batch whose loss is infinite or no number, 0-based; `None` where
            there is none, or where other workers computed it.
    """

    values: Mapping[str, float]
    broken: int | None


def validate(
    net: nn.Module, batches: Iterable[Any], *, metrics: Metrics | None, workers: int
) -> Validation:
    """Compute the mean loss over all labels but -100, means of other sums, and metrics.

    Args:
        net: see `adapters.training.train`; left in evaluation mode.
        batches: this worker's, on the network's device.
        metrics: of the logits and labels of all examples at once.
        workers: processes whose batches count together.
    """
    net.eval()
    sums: dict[str, torch.Tensor] = {}
    losses, logits, labels = [], [], []
    with torch.no_grad():
        for batch in batches:
            output = net(**batch)
            found = _sums(output, batch["labels"])
            losses.append(found["loss"][0])
            for name, pair in found.items():
                sums[name] = sums[name] + pair if name in sums else pair
            if metrics is not None:
                logits.append(output["logits"].float().cpu().numpy())
                labels.append(batch["labels"].cpu().numpy())
    means = _means({name: pair.tolist() for name, pair in sums.items()}, workers)
    broken = (n for n, loss in enumerate(losses) if not math.isfinite(loss))
    if metrics is not None:
        means |= metrics(np.concatenate(logits), np.concatenate(labels))
    return Validation(means, None if math.isfinite(means["loss"]) else next(broken, None))


def _sums(output: Any, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    """Sum and count of a batch's losses, and of what else the network sums up."""
    count = (labels != -100).sum().double()
    loss = output["loss"].double() * count if count else torch.zeros_like(count)
    return {"loss": torch.stack([loss, count]), **output.get("sums", {})}


def _means(held: dict[str, list[float]], workers: int) -> dict[str, float]:
    """Divide sums by counts, over all workers; what was never counted is left out."""
    added = group.totals(held, workers)
    assert added.get("loss", [0.0, 0.0])[1], "the validation data holds no label"
    return {name: total / count for name, (total, count) in added.items() if count}
