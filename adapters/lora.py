"""Low-rank updates as files: kept apart from the base model, put into a bare encoder when loaded.

The folder is one that peft reads, too: ``adapter_config.json`` and ``adapter_model.safetensors``
name layers as the bare encoder does (`AutoModel`; of an encoder-decoder model the encoder), which
is all that embedding needs. Beside them, ``new_tokens.safetensors`` holds the new tokens' rows.
"""

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
from safetensors.torch import load_file, save_file
from torch import nn

from adapters.objective import LoraObjective
from results.errors import InputError

_CONFIG, _WEIGHTS, _ROWS = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "new_tokens.safetensors",
)
_PREFIX = "base_model.model."  # peft's, before every name
_NAME = "default"
_KINDS = (".lora_A.", ".lora_B.")


def is_lora(folder: Path) -> bool:
    """Say whether an adapted folder holds low-rank updates instead of a whole checkpoint."""
    return (folder / _CONFIG).is_file()


def attach(model: Any, settings: LoraObjective) -> LoraConfig:
    """Freeze a model and put fresh updates into it, which change nothing yet; in place.

    The updates are fp32 whatever the model is, as QLoRA's.

    Returns:
        peft's configuration, with the target layers resolved.

    Raises:
        InputError: no target is known for the architecture, or none has a name that was given.
    """
    kind = model.config.model_type
    # peft would look them up itself, but for Mixtral it fails to (0.21)
    targets = settings.targets or TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING.get(kind, ())
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(targets),
    )
    try:
        _inject(model, config, seed=settings.seed)
    except ValueError as error:
        given = f"no layer is called {' or '.join(targets)}" if targets else "no layers are known"
        raise InputError(
            f"adapt: {given} in a {kind!r} model: set `targets` to the names of the linear layers "
            "to update, such as [q_proj, v_proj]"
        ) from error
    return config


def save(model: Any, config: LoraConfig, rows: dict[int, torch.Tensor], folder: Path) -> None:
    """Write the updates of a model's encoder and the rows of new tokens.

    Args:
        model: with its head, updates attached.
        config: as `attach` returned it.
        rows: token id -> its row in the embedding.
        folder: exists already.
    """
    weights = {
        _PREFIX + name.replace(f".{_NAME}.", "."): parameter.detach().cpu().contiguous()
        for name, parameter in _updates(_bare_names(model)).items()
    }
    save_file(weights, folder / _WEIGHTS, metadata={"format": "pt"})
    if rows:
        ids = torch.tensor(list(rows))
        save_file({"ids": ids, "rows": torch.stack([*rows.values()]).cpu()}, folder / _ROWS)
    told: Any = config
    content = {
        key: sorted(value) if isinstance(value, set) else value  # a set's order varies by process
        for key, value in told.to_dict().items()
    }
    content |= {"inference_mode": True, "base_model_name_or_path": None}
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    (folder / _CONFIG).write_text(text, encoding="utf-8")


def apply(model: Any, folder: Path) -> Any:
    """Put saved updates and new tokens' rows into a bare encoder, in place.

    Args:
        model: as `AutoModel` gives it, or the encoder of an encoder-decoder model; in any format.
        folder: written by `save`.

    Returns:
        The model.

    Raises:
        InputError: the updates were made for another architecture.
    """
    weights = {
        name.removeprefix(_PREFIX): value for name, value in load_file(folder / _WEIGHTS).items()
    }
    layer = next(iter(weights)).partition(".lora_")[0]
    if layer not in dict(model.named_modules()):  # the encoder's stack without its wrapper
        weights = {name.removeprefix("encoder."): value for name, value in weights.items()}
    if (folder / _ROWS).is_file():
        _apply_rows(model, **load_file(folder / _ROWS))
    names = sorted({name.partition(".lora_")[0] for name in weights})
    told = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    # nothing else in it counts here, and peft would import and read what some of it names
    config = LoraConfig(r=told["r"], lora_alpha=told["lora_alpha"], target_modules=names)
    try:
        _inject(model, config, seed=0)
        own = {name.replace(f".{_NAME}.", "."): p for name, p in _updates(model).items()}
        if {n: p.shape for n, p in own.items()} != {n: w.shape for n, w in weights.items()}:
            raise ValueError("other layers or widths")
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(weights[name])
    except (ValueError, RuntimeError) as error:
        raise InputError(
            f"adapted folder {folder.name!r} does not fit a {model.config.model_type!r} model of "
            f"this size ({str(error).splitlines()[0]}): name the checkpoint that was adapted"
        ) from error
    return model


def _inject(model: nn.Module, config: LoraConfig, *, seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        inject_adapter_in_model(config, model, adapter_name=_NAME)
    model.train(model.training)  # for the new layers, too
    for parameter in _updates(model).values():
        parameter.data = parameter.data.float()


def _updates(named: Any) -> dict[str, nn.Parameter]:
    """Find the updates' parameters in a model, or among named parameters."""
    items = named.named_parameters() if isinstance(named, nn.Module) else named.items()
    return {name: p for name, p in items if any(kind in name for kind in _KINDS)}


def _bare_names(model: Any) -> dict[str, nn.Parameter]:
    """Name parameters as the bare encoder does, leaving out what it does not have."""
    named = dict(model.named_parameters())
    if model.config.is_encoder_decoder:
        prefix = f"{model.base_model_prefix}."  # BART's inner model; T5 has none
        inner = {name.removeprefix(prefix): p for name, p in named.items()}
        return {name: p for name, p in inner.items() if name.startswith("encoder.")}
    prefix = f"{model.base_model_prefix}."
    return {n.removeprefix(prefix): p for n, p in named.items() if n.startswith(prefix)}


def _apply_rows(model: Any, ids: torch.Tensor, rows: torch.Tensor) -> None:
    embedding = model.get_input_embeddings()
    needed = int(ids.max()) + 1
    if needed > embedding.num_embeddings:
        with torch.random.fork_rng():
            model.resize_token_embeddings(needed, mean_resizing=False)
        embedding = model.get_input_embeddings()
    with torch.no_grad():
        embedding.weight[ids.to(embedding.weight.device)] = rows.to(embedding.weight)
