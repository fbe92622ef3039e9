"""Which MLP neurons matter: by their weights, or by what the loss would lose with them.

Each criterion gives one score per neuron and layer; the smallest are removed, layer by layer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from adapters.training_guards import generators_kept
from classifiers.pruning_layers import Block, blocks
from classifiers.sequence_model import SequenceModel

Scores = list[Float[Tensor, " w"]]


def magnitude(model: Any) -> Scores:
    """L2 norm of all weights of a neuron: its rows leading in with their biases, its column out."""
    return [_squares(block).sqrt() for block in blocks(model)]


def taylor(network: SequenceModel, documents: Iterable[Mapping[str, Tensor]]) -> Scores:
    """Mean over documents of |activation x its gradient|, summed over a document's tokens.

    It estimates how much the loss of a document changes without the neuron: the derivative by a
    gate of 1 on the activation. Molchanov et al., "Importance Estimation for Neural Network
    Pruning", CVPR 2019, section 3.2 (gates), with absolute values instead of squares.

    Args:
        network: a dense model with its head; left in evaluation mode.
        documents: batches of one document each, with labels.
    """
    place = next(network.parameters()).device
    total: Scores = []
    frozen = {parameter: parameter.requires_grad for parameter in network.parameters()}
    network.eval().requires_grad_(False)
    with generators_kept(), _gated(blocks(network.model)) as gates:
        for number, batch in enumerate(documents, start=1):
            loss = network(**{name: part.to(place) for name, part in batch.items()})["loss"]
            found = [slope.abs() for slope in torch.autograd.grad(loss, gates)]
            pairs = zip(total or [torch.zeros_like(one) for one in found], found, strict=True)
            total = [mean + (one - mean) / number for mean, one in pairs]
    for parameter, trained in frozen.items():
        parameter.requires_grad_(trained)
    return total


def best(scores: Sequence[Float[Tensor, " w"]], keep: int) -> list[Int[Tensor, " k"]]:
    """Number the neurons with the greatest scores, in ascending order; of equals the first."""
    return [one.argsort(descending=True, stable=True)[:keep].sort().values for one in scores]


def _squares(block: Block) -> Float[Tensor, " w"]:
    width = block.out.in_features
    total = block.out.weight.detach().float().square().sum(dim=0)
    for layer in block.into:
        rows = layer.weight.detach().float().square().sum(dim=1)
        if layer.bias is not None:
            rows = rows + layer.bias.detach().float().square()
        total = total + rows.view(block.fused, width).sum(dim=0)
    return total


@contextmanager
def _gated(mlps: Sequence[Block]) -> Iterator[list[Tensor]]:
    """Put a gate of 1 on each neuron's activation."""
    gates = [torch.ones_like(block.out.weight[0], requires_grad=True) for block in mlps]
    handles = [
        block.out.register_forward_pre_hook(_times(gate))
        for block, gate in zip(mlps, gates, strict=True)
    ]
    try:
        yield gates
    finally:
        for handle in handles:
            handle.remove()


def _times(gate: Tensor) -> Callable[[nn.Module, Any], tuple[Tensor]]:
    return lambda module, args: (args[0] * gate,)
