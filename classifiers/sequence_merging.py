"""One dense model in fp32 out of whatever fine-tuning trained: updates merged, 4 bits unpacked.

It is what predicts, what is weighed and timed (the published sizes are merged fp32), and what
pruning cuts. Under QLoRA the base is the unpacked one: the weights that the updates were trained
over, not those that the checkpoint had.
"""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from bitsandbytes import functional
from bitsandbytes.nn.modules import Params4bit
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from transformers.initialization import no_init_weights

from adapters.encoder import audit_weights
from adapters.loading import RANDOM_WEIGHTS, framed, load_tokenizer, quiet
from adapters.pretrained import load_pretrained
from adapters.training import device
from adapters.training_saving import load_trained
from classifiers.registry import FINETUNE
from classifiers.sequence import Source
from classifiers.sequence_loading import ARCHITECTURE, TOLD, Loaded, load
from results.registry import build

_ADAPTER = "default"


def load_merged(folder: Path, source: Source) -> Loaded:
    """Load what `FittedSequence.save` wrote as one dense model in fp32.

    Args:
        folder: its ``checkpoint/``.
        source: what the training started from; read only where the folder holds updates alone.

    Raises:
        InputError: the source is not what the updates were trained on, or is unusable.
    """
    told = json.loads((folder / TOLD).read_text(encoding="utf-8"))
    if told["whole"]:
        return _whole(folder, source, told["context"])
    settings = build("finetune", "finetune", FINETUNE, told["settings"])
    loaded = load(settings, source, told["classes"], seed=0)
    load_trained(loaded.model, folder)
    return replace(loaded, model=merged(loaded.model))


def _whole(folder: Path, source: Source, context: int) -> Loaded:
    code = getattr(source.adapter, "remote_code", False)
    with quiet():
        tokenizer = load_tokenizer(folder, remote_code=code)
        model = load_pretrained(
            folder,
            ARCHITECTURE,
            dtype=torch.float32,
            attention=source.attention,
            device=device(),
            trust_remote_code=code,
        ).model
    marked = bool(getattr(model.config, RANDOM_WEIGHTS, False))
    return Loaded(
        model=model,
        tokenizer=tokenizer,
        framed=framed(tokenizer, context),
        context=context,
        fresh=(),
        audit=audit_weights(model, random_weights=marked),
    )


def merged(model: Any) -> Any:
    """Make one dense model in fp32 of a model with updates; the model itself stays as it is."""
    config = copy.deepcopy(model.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with quiet(), torch.random.fork_rng(devices=[]), no_init_weights():
        dense = type(model)(config).float()
        dense.tie_weights()
    held, updates = _held(model), _updates(model)
    with torch.no_grad():
        for name, weight in dense.state_dict().items():
            weight.copy_(_unpacked(held[name]))
            if name in updates:
                weight += updates[name].get_delta_weight(_ADAPTER).to(weight)
    return dense.to(next(model.parameters()).device).eval()


def count_merged(model: nn.Module) -> int:
    """Count the weights of the dense model, without making it."""
    named = model.named_parameters()
    return sum(_shape(weight).numel() for path, weight in named if ".lora_" not in path)


def _held(model: nn.Module) -> dict[str, Tensor]:
    """Find weights and buffers by the names that they have without updates, tied ones twice."""
    weights = model.named_parameters(remove_duplicate=False)
    buffers = model.named_buffers(remove_duplicate=False)
    return {_plain(name): tensor for name, tensor in [*weights, *buffers]}


def _updates(model: nn.Module) -> dict[str, Any]:
    """Find the layers that have updates, by the name of the weight that they update."""
    modules = model.named_modules()
    return {f"{_plain(p)}.weight": layer for p, layer in modules if isinstance(layer, LoraLayer)}


def _plain(name: str) -> str:
    """Name a weight as if there were no updates, and T5's `wo` were not hidden."""
    return name.replace(".base_layer.", ".").replace(".wo.layer.", ".wo.")


def _shape(weight: Tensor) -> torch.Size:
    return torch.Size(weight.quant_state.shape) if isinstance(weight, Params4bit) else weight.shape


def _unpacked(weight: Tensor) -> Tensor:
    if not isinstance(weight, Params4bit):
        return weight
    plain: Tensor = functional.dequantize_4bit(weight.data, weight.quant_state)
    return plain
