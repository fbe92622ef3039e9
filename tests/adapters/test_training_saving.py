"""A training's own weights: back into the same network, and into no other."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from adapters.training_saving import architecture, load_trained, save_trained
from results.errors import InputError


class Network(nn.Module):
    """Named tensors and nothing else; `trained` says which."""

    def __init__(self, trained: tuple[str, ...] = ("a", "b"), **shapes: tuple[int, ...]) -> None:
        super().__init__()
        for name, shape in shapes.items():
            weight = nn.Parameter(torch.ones(shape), requires_grad=name in trained)
            self.register_parameter(name, weight)


def test_trained_weights_come_back(tmp_path: Path) -> None:
    first, second = Network(a=(3, 4), b=(2,)), Network(a=(3, 4), b=(2,))
    nn.init.normal_(first.get_parameter("a"))
    save_trained(first, tmp_path)
    load_trained(second, tmp_path)
    assert torch.equal(first.get_parameter("a"), second.get_parameter("a"))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"a": (4,), "b": (2,)}, "a is torch.float32 (3, 4) there and torch.float32 (4,) here"),
        ({"a": (4, 3), "b": (2,)}, "a is torch.float32 (3, 4) there and torch.float32 (4, 3) here"),
        ({"a": (3, 4)}, "b is torch.float32 (1,) there and absent here"),
        ({"a": (3, 4), "b": (1,), "c": (1,)}, "c is absent there and torch.float32 (1,) here"),
        ({"a": (3, 4), "b": (5,)}, "b is torch.float32 (1,) there and torch.float32 (5,) here"),
    ],
)
def test_weights_that_fit_in_part_are_refused_and_change_nothing(
    tmp_path: Path, other: dict[str, Any], told: str
) -> None:
    """The last one is what torch would fill in by broadcasting."""
    first, second = Network(a=(3, 4), b=(1,)), Network(("a", "b", "c"), **other)
    nn.init.normal_(first.get_parameter("a"))
    save_trained(first, tmp_path)
    told = f"{re.escape(told)}; remove the folder to train anew"
    with pytest.raises(InputError, match=told):
        load_trained(second, tmp_path)
    assert all(torch.equal(p, torch.ones_like(p)) for p in second.parameters())


def test_weights_of_another_type_are_refused(tmp_path: Path) -> None:
    network = Network(a=(3,))
    save_trained(network, tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({"a": load_file(path)["a"].bfloat16()}, path)
    with pytest.raises(InputError, match="a is torch.bfloat16 .* there and torch.float32"):
        load_trained(network, tmp_path)


def test_architecture_is_names_shapes_types_and_what_is_trained() -> None:
    same = [architecture(Network(a=(3, 4), b=(2,))) for _ in range(2)]
    assert same[0] == same[1]
    others = [
        architecture(Network(a=(4, 3), b=(2,))),
        architecture(Network(a=(3, 4), c=(2,))),
        architecture(Network(("a",), a=(3, 4), b=(2,))),
        architecture(Network(a=(3, 4), b=(2,)).bfloat16()),
        architecture(Network(("a", "b"), a=(3, 4), b=(2,), frozen=(7,))),
        same[0],
    ]
    assert len(set(others)) == len(others)
