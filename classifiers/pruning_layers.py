"""Where the MLP neurons of an architecture are, and how they are taken out.

A neuron is a row of the matrices that lead into the MLP's inner layer (two of them where it is
gated) and a column of the one that leads out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from results.errors import InputError, nearest


@dataclass(frozen=True)
class Mlp:
    """Names in the bare model.

    Attributes:
        layers: the list of layers.
        into: in a layer, the linear layers that lead in.
        out: in a layer, the linear layer that leads out.
        width: what the configuration calls the number of neurons.
        fused: how many matrices of that many rows stand in one that leads in, one below the other.
    """

    layers: str
    into: tuple[str, ...]
    out: str
    width: str = "intermediate_size"
    fused: int = 1


_BERT = Mlp("encoder.layer", ("intermediate.dense",), "output.dense")
_GATED = Mlp("layers", ("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj")

MLPS: dict[str, Mlp] = {
    "bert": _BERT,
    "big_bird": _BERT,
    "camembert": _BERT,
    "distilbert": Mlp("transformer.layer", ("ffn.lin1",), "ffn.lin2", "hidden_dim"),
    "electra": _BERT,
    "llama": _GATED,
    "mistral": _GATED,
    "modernbert": Mlp("layers", ("mlp.Wi",), "mlp.Wo", fused=2),
    "qwen2": _GATED,
    "qwen3": _GATED,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
}
"""By `model_type`."""


@dataclass(frozen=True)
class Block:
    """One layer's MLP.

    Attributes:
        into: linear layers that lead in.
        out: linear layer that leads out.
        fused: see `Mlp`.
    """

    into: tuple[nn.Linear, ...]
    out: nn.Linear
    fused: int


def mlp_of(model: Any) -> Mlp:
    """Find out where a model's neurons are.

    Raises:
        InputError: an architecture that is not known here.
    """
    kind = model.config.model_type
    if kind not in MLPS:
        raise InputError(
            f"prune: where a {kind!r} model has its MLP neurons is not known here: leave `prune` "
            f"out, or take another model. {nearest(kind, MLPS)}"
        )
    return MLPS[kind]


def width(model: Any) -> int:
    """Count the neurons of a layer, which all layers have alike.

    Raises:
        InputError: see `mlp_of`.
    """
    return int(getattr(model.config, mlp_of(model).width))


def blocks(model: Any) -> list[Block]:
    """List the MLPs of a model with its head, from the first layer to the last.

    Raises:
        InputError: see `mlp_of`.
    """
    mlp = mlp_of(model)
    return [
        Block(
            tuple(layer.get_submodule(name) for name in mlp.into),
            layer.get_submodule(mlp.out),
            mlp.fused,
        )
        for layer in model.base_model.get_submodule(mlp.layers)
    ]


def cut(model: Any, kept: Sequence[Int[Tensor, " k"]]) -> None:
    """Take out all neurons but those kept, in place; in their old order.

    Args:
        model: with its head, dense.
        kept: numbers of the neurons that stay in each layer, ascending, as many in each.
    """
    before, mlp = width(model), mlp_of(model)
    for block, neurons in zip(blocks(model), kept, strict=True):
        index = neurons.to(block.out.weight.device)
        rows = torch.cat([index + part * before for part in range(block.fused)])
        for layer in block.into:
            _take(layer, rows, dim=0)
        _take(block.out, index, dim=1)
    setattr(model.config, mlp.width, len(kept[0]))


def _take(layer: nn.Linear, index: Int[Tensor, " k"], *, dim: int) -> None:
    layer.weight = nn.Parameter(layer.weight.detach().index_select(dim, index).contiguous())
    if dim == 0 and layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.detach()[index].contiguous())
    layer.out_features, layer.in_features = layer.weight.shape
