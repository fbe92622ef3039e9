"""What a training's own checkpoints hold of a model: the weights that it trains, and nothing else.

A frozen base of billions of weights is not written each epoch, and weights that are shared under
two names are written once.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

_FILE = "model.safetensors"


def save_trained(model: nn.Module, checkpoint: Path) -> None:
    """Write the trained weights and the buffers that belong to the model's state."""
    checkpoint.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in _trained(model).items()}
    save_file(state, checkpoint / _FILE, metadata={"format": "pt"})


def load_trained(model: nn.Module, checkpoint: Path) -> None:
    """Put saved weights back into a model that trains the same ones."""
    state, trained = load_file(checkpoint / _FILE), _trained(model)
    assert state.keys() == trained.keys(), "the checkpoint is of another model"
    with torch.no_grad():
        for name, tensor in trained.items():
            tensor.copy_(state[name])


def _trained(model: nn.Module) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {
        name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad
    }
    for path, module in model.named_modules():
        for name, buffer in module.named_buffers(path, recurse=False):
            if name.rpartition(".")[2] not in module._non_persistent_buffers_set:
                found[name] = buffer
    return found
