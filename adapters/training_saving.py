"""What a training's own checkpoints hold of a model: the weights that it trains, and nothing else.

A frozen base of billions of weights is not written each epoch, and weights that are shared under
two names are written once. What is read must fit the model in all its names, shapes and types.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from results.errors import InputError
from results.hashing import hash_json

_FILE = "model.safetensors"


def save_trained(model: nn.Module, checkpoint: Path) -> None:
    """Write the trained weights and the buffers that belong to the model's state."""
    checkpoint.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in _trained(model).items()}
    save_file(state, checkpoint / _FILE, metadata={"format": "pt"})


def load_trained(model: nn.Module, checkpoint: Path) -> None:
    """Put saved weights back into a model that trains the same ones.

    Raises:
        InputError: other names, shapes or types; the model is then left as it was.
    """
    state, trained = load_file(checkpoint / _FILE), _trained(model)
    there, here = _formats(state), _formats(trained)
    for name in sorted(there.keys() | here.keys()):
        if there.get(name) != here.get(name):
            raise InputError(
                f"checkpoint {checkpoint} is of another network: {name} is "
                f"{there.get(name, 'absent')} there and {here.get(name, 'absent')} here; remove "
                "the folder to train anew"
            )
    with torch.no_grad():
        for name, tensor in trained.items():
            tensor.copy_(state[name])


def architecture(model: nn.Module) -> str:
    """Hash the names, shapes and types of all weights, and which of them are trained."""
    trained = _trained(model)
    weights = {**dict(model.named_parameters()), **trained}
    told = {name: [what, name in trained] for name, what in _formats(weights).items()}
    return hash_json(told)


def _formats(weights: dict[str, torch.Tensor]) -> dict[str, str]:
    """Say what each weight is, as in ``torch.float32 (16, 4)``."""
    return {name: f"{weight.dtype} {tuple(weight.shape)}" for name, weight in weights.items()}


def _trained(model: nn.Module) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {
        name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad
    }
    for path, module in model.named_modules():
        for name, buffer in module.named_buffers(path, recurse=False):
            if name.rpartition(".")[2] not in module._non_persistent_buffers_set:
                found[name] = buffer
    return found
