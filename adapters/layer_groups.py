"""A model's weights from the head down to the embeddings, in groups that are thawed one by one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from results.errors import InputError

Group = tuple[str, ...]
"""Beginnings of the names of a group's weights."""


def layer_groups(model: Any, layers: int) -> list[Group]:
    """Group the weights of one of transformers' models, the top group first.

    The first group is the head, `""`, which is whatever fits no other group (the norm behind the
    last layer too); then come the layers in at most `layers` groups of like size; the last one is
    the embeddings. A matrix that head and embedding share belongs to the embeddings.

    Raises:
        InputError: the model has no list of layers.
    """
    top = f"{model.base_model_prefix}."
    lists = {k: v for k, v in model.base_model.named_modules() if isinstance(v, nn.ModuleList)}
    if not lists:
        raise InputError(
            f"a {model.config.model_type} model has no list of layers to thaw one after the other: "
            "use `adapt: mlm`"
        )
    stack = max(lists, key=lambda path: len(lists[path]))
    names = [f"{top}{stack}.{number}." for number in reversed(range(len(lists[stack])))]
    cut = np.array_split(np.array(names), min(layers, len(names)))
    below = [name for name, _ in model.base_model.named_children()]
    below = below[: below.index(stack.partition(".")[0])]
    return [("",), *(tuple(part.tolist()) for part in cut), tuple(f"{top}{k}." for k in below)]


def number_of(name: str, groups: Sequence[Group]) -> int:
    """Find the group of a weight: the one with the longest beginning that fits."""
    lengths = [
        max((len(start) for start in group if name.startswith(start)), default=-1)
        for group in groups
    ]
    return int(np.argmax(lengths))


def thaw(model: Any, groups: Sequence[Group], count: int) -> None:
    """Have the weights of the top `count` groups require gradients, and no others."""
    for name, weight in model.named_parameters():
        weight.requires_grad_(number_of(name, groups) < count)
