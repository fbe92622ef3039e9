"""The loss of every network that classifies: classes weigh alike, kernels may be kept small."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional


def class_weights(labels: Int[np.ndarray, " n"], classes: int) -> Float[np.ndarray, " c"]:
    """Weigh the C classes that occur by n / (C n_c), others by 0; over documents the mean is 1."""
    counts = np.bincount(labels, minlength=classes)
    present = counts > 0
    weights = np.zeros(classes)
    weights[present] = len(labels) / (present.sum() * counts[present])
    return weights


def weighted_loss(
    logits: Float[Tensor, "n c"], labels: Int[Tensor, " n"], weights: Float[Tensor, " c"]
) -> Float[Tensor, ""]:
    """Mean of the cross-entropies (nats), each times the weight of its document's class."""
    each = functional.cross_entropy(logits.float(), labels, reduction="none")
    return (each * weights[labels]).mean()


def l2_penalty(layers: Iterable[Any]) -> Float[Tensor, ""]:
    """Sum of the squared kernels of some layers; biases are exempt."""
    penalty: Tensor = sum(layer.weight.square().sum() for layer in layers)
    return penalty
