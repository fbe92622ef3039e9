"""Fine-tuned models in and out: a checkpoint with a fresh head, and the folder it is saved to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers.models.auto import modeling_auto

from adapters import checkpoints, lora
from adapters.encoder import Tokenizer, audit_weights
from adapters.family import Family
from adapters.loading import (
    RANDOM_WEIGHTS,
    check_family,
    framed,
    load_config,
    load_tokenizer,
    quiet,
    resolve_context,
)
from adapters.pretrained import load_pretrained
from adapters.training import device
from adapters.training_saving import save_trained
from classifiers.sequence import Finetune, FittedSequence, Source
from classifiers.sequence_updates import attach, in_four_bits, told_of_layers
from results.errors import InputError

ARCHITECTURE = "AutoModelForSequenceClassification"
TOLD = "finetuned.json"


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model with its head, and what reads for it.

    Attributes:
        model: one of transformers' models for sequence classification.
        tokenizer: of the same checkpoint.
        framed: the same one, to tokenize with.
        context: tokens of a window, special ones included.
        fresh: names of the weights that the checkpoint lacked; all of them belong to the head.
        audit: of the weights as loaded; see `TransformerEncoder.audit`.
    """

    model: Any
    tokenizer: Any
    framed: Tokenizer
    context: int
    fresh: tuple[str, ...]
    audit: Mapping[str, Any]

    @property
    def room(self) -> int:
        """Tokens of a document in a window, beside the model's special ones."""
        return self.context - self.framed.num_special


def load(settings: Finetune, source: Source, classes: Sequence[str], *, seed: int) -> Loaded:
    """Load a model with a head for these classes; what is new is drawn from the seed.

    Raises:
        InputError: an unusable checkpoint, or one that cannot be fine-tuned.
    """
    folder, code = _folder(source), getattr(source.adapter, "remote_code", False)
    checkpoints.check(folder)
    with quiet():
        config = load_config(folder, remote_code=code)
        check_family(config, getattr(source.adapter, "family", Family()), folder.name)
        _refuse_headless(config, folder.name)
        tokenizer = load_tokenizer(folder, remote_code=code)
        context = resolve_context(source.adapter.context, config, tokenizer, name=folder.name)
        dtype, more = _dtype(settings, source, config), {}
        if settings.method == "qlora":
            more = in_four_bits(config, ARCHITECTURE, dtype, name=folder.name, remote_code=code)
        loaded = load_pretrained(
            folder,
            ARCHITECTURE,
            dtype=dtype,
            attention=source.attention,
            device=device(),
            seed=seed,
            id2label=dict(enumerate(classes)),
            label2id={name: number for number, name in enumerate(classes)},
            trust_remote_code=code,
            **more,
        )
    plain = framed(tokenizer, context)
    _settle(loaded.model, plain)
    audit = audit_weights(
        loaded.model,
        quantization="nf4" if settings.method == "qlora" else None,
        random_weights=bool(getattr(config, RANDOM_WEIGHTS, False)),
    )
    if settings.method == "qlora":
        audit |= told_of_layers(loaded.model, folder.name)
        _let_go_of_the_file(loaded.model)
    if settings.has_updates:
        attach(settings, loaded.model, seed)
    if settings.gradient_checkpointing:
        loaded.model.activation_checkpointing_enable({"use_reentrant": False})
    return Loaded(
        model=loaded.model,
        tokenizer=tokenizer,
        framed=plain,
        context=context,
        fresh=loaded.fresh,
        audit=audit,
    )


def save(fitted: FittedSequence, folder: Path) -> None:
    """Write a folder: a whole model as transformers reads it, or the weights that were trained.

    ``finetuned.json`` holds the classes, the settings and how the document was cut. What is read
    back, as one dense model, is read by `classifiers.sequence_merging.load_merged`.
    """
    loaded, settings = fitted.loaded, fitted.settings
    with quiet():
        if fitted.is_whole:
            loaded.model.save_pretrained(folder)
        else:
            save_trained(loaded.model, folder)
            loaded.model.config.save_pretrained(folder)
        loaded.tokenizer.save_pretrained(folder)
    content = {
        "version": 1,
        "architecture": type(loaded.model).__name__,
        "classes": fitted.classes,
        "context": loaded.context,
        "whole": fitted.is_whole,
        "settings": asdict(settings),
    }
    text = json.dumps(content, indent=1) + "\n"
    (folder / TOLD).write_text(text, encoding="utf-8")


def _folder(source: Source) -> Path:
    if getattr(source.adapter, "quantize", None):
        raise InputError(
            "finetune: a model in 4 bits cannot be fine-tuned end to end: leave `quantize` out and "
            "set `method: qlora`, which trains updates over layers in 4 bits"
        )
    if source.adapted is None:
        return source.adapter.folder()
    if lora.is_lora(source.adapted):
        raise InputError(
            "finetune: the model was adapted by low-rank updates (seq2seq or causal), on top of "
            "which fine-tuning cannot start: adapt it with `objective: mlm`, or leave `adapt` out"
        )
    return source.adapted


def _dtype(settings: Finetune, source: Source, config: Any) -> torch.dtype:
    """Keep what is trained in fp32; a frozen model may be held in what it computes in.

    Block-sparse attention computes in the type of its weights, and the head is trained in fp32.
    """
    frozen = settings.has_updates and getattr(config, "attention_type", "") != "block_sparse"
    return torch.bfloat16 if frozen and source.precision == "bf16" else torch.float32


def _settle(model: Any, framed: Tokenizer) -> None:
    """Tell the model what it is padded with, and that it will never generate."""
    model.config.use_cache = False
    if model.config.pad_token_id is None:
        model.config.pad_token_id = framed.pad_id


def _refuse_headless(config: Any, name: str) -> None:
    known = modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES
    if config.model_type not in known and ARCHITECTURE not in getattr(config, "auto_map", {}):
        raise InputError(
            f"model {name!r}: transformers has no sequence classifier of model_type "
            f"{config.model_type!r}: leave `finetune` out and classify its embedding"
        )


def _let_go_of_the_file(model: Any) -> None:
    """Copy what is not in 4 bits: on a CPU it is a view that keeps the whole file in memory."""
    for parameter in model.parameters():
        if parameter.dtype.is_floating_point:
            parameter.data = parameter.data.clone()
