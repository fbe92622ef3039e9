"""Low-rank updates under a sequence classifier's head, over plain layers or over layers in 4 bits.

QLoRA (Dettmers et al., NeurIPS 2023) as the paper on pruning uses it: the encoder's layers are held
in NF4; embeddings, pooler and head are not. A layer is what stands in a list of layers
(`nn.ModuleList`), whatever the architecture calls it.
"""

from collections.abc import Iterator
from typing import Any

import torch
from pydantic import JsonValue
from torch import nn

from adapters import lora, quantization
from adapters.objective import LoraObjective
from adapters.pretrained import skeleton
from classifiers.sequence import Finetune
from results.errors import InputError

NF4_MULTIPLE = 32
"""What widths must be a multiple of: bitsandbytes' kernels (0.50, CPU)."""

_TARGETS = {
    "big_bird": ("query", "value"),
    "distilbert": ("q_lin", "v_lin"),
    "modernbert": ("Wqkv",),
}  # where peft 0.21 has no choice of its own


def attach(settings: Finetune, model: Any, seed: int) -> None:
    """Freeze a model, put low-rank updates into it, and leave the head to be trained in full.

    Raises:
        InputError: no layer is known, or none has a name that was given.
    """
    updates = LoraObjective(
        batch_size=settings.batch_size,
        learning_rate=settings.rate,
        rank=settings.rank,
        alpha=settings.alpha,
        dropout=settings.dropout,
        targets=settings.targets or _TARGETS.get(model.config.model_type),
        seed=seed,
    )
    head = [name for name, _ in model.named_parameters() if _in_head(model, name)]
    quantization.keep_packing(model)
    try:
        lora.attach(model, updates)
    except InputError as error:  # the same settings under another key of the suite file
        raise InputError(str(error).replace("adapt:", "finetune:", 1)) from error
    for name, parameter in model.named_parameters():
        if name in head:
            parameter.data = parameter.data.float()
            parameter.requires_grad_(True)


def in_four_bits(
    config: Any, architecture: str, dtype: torch.dtype, *, name: str, remote_code: bool
) -> dict[str, Any]:
    """Make what `from_pretrained` needs to hold the encoder's layers in NF4, and nothing else.

    Args:
        config: of the model.
        architecture: the class of transformers that will be loaded.
        dtype: what the layers compute in, and all else is held in.
        name: of the checkpoint, for messages.
        remote_code: run code that came with the checkpoint.

    Raises:
        InputError: a width that the 4-bit kernels cannot take, or fused experts.
    """
    model = skeleton(config, architecture, trust_remote_code=remote_code)
    layers = set(_linear_layers(model))
    for path in sorted(layers):
        if (width := model.get_submodule(path).in_features) % NF4_MULTIPLE:
            raise InputError(
                f"finetune: model {name!r} cannot be held in 4 bits: {path} is {width} wide, the "
                f"kernels need multiples of {NF4_MULTIPLE}: set `method: lora`"
            )
    if any(parameter.ndim == 3 for parameter in model.parameters()):
        raise InputError(
            f"finetune: model {name!r} has fused experts, whose updates cannot be merged out of 4 "
            "bits: set `method: lora`"
        )
    wanted = quantization.nf4(dtype)
    linear = [path for path, module in model.named_modules() if isinstance(module, nn.Linear)]
    wanted.llm_int8_skip_modules = [path for path in linear if path not in layers]
    return {"quantization_config": wanted}


def told_of_layers(model: Any, name: str) -> dict[str, JsonValue]:
    """Audit the encoder's layers apart: which share of their linear weights is in 4 bits.

    Raises:
        InputError: less than was promised.
    """
    share = quantization.weigh(nn.ModuleList(_stacks(model).values())).share_4bit_linear
    if share < quantization.PROMISE:
        raise InputError(
            f"finetune: only {share:.1%} of the layers of model {name!r} are in 4 bits under "
            "`method: qlora`: set `method: lora`, or report the architecture"
        )
    return {"share_4bit_layers": share}


def _in_head(model: Any, name: str) -> bool:
    """Tell the head: what is outside the bare model, and the pooler, which nothing else reads."""
    prefix = f"{model.base_model_prefix}."
    return not name.startswith(prefix) or name.startswith(f"{prefix}pooler.")


def _stacks(model: nn.Module) -> dict[str, nn.Module]:
    """Find the lists of layers; a list within a layer belongs to it."""
    found: dict[str, nn.Module] = {}
    for path, module in model.named_modules():
        inside = any(path.startswith(f"{outer}.") for outer in found)
        if isinstance(module, nn.ModuleList) and not inside:
            found[path] = module
    return found


def _linear_layers(model: nn.Module) -> Iterator[str]:
    for outer, stack in _stacks(model).items():
        for path, module in stack.named_modules(prefix=outer):
            if isinstance(module, nn.Linear):
                yield path
