"""A language model with the head that an adaptation trains, and the rows of our tokens in it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers.models.auto import modeling_auto

from adapters import checkpoints
from adapters.encoder import Tokenizer
from adapters.loading import load_config, load_tokenizer, resolve_context
from adapters.objective import Objective, Request
from adapters.pretrained import load_pretrained
from adapters.training import device
from results.errors import InputError

_HEADS = {
    "mlm": "AutoModelForMaskedLM",
    "seq2seq": "AutoModelForSeq2SeqLM",
    "causal": "AutoModelForCausalLM",
}


@dataclass(frozen=True, kw_only=True)
class Start:
    """What an adaptation starts from.

    Attributes:
        model: with its head, and a row for each new token.
        tokenizer: knows our tokens.
        framed: the same one, for packing.
        block: tokens of a block, special ones included.
        own: ids of the model's own special tokens.
        added: ids of our tokens that the tokenizer did not know.
        fresh: names of the head's weights that the checkpoint lacked.
    """

    model: Any
    tokenizer: Any
    framed: Tokenizer
    block: int
    own: list[int]
    added: list[int]
    fresh: tuple[str, ...]


def fitting(config: Any) -> str | None:
    """Name the head that an architecture has, a key of `_HEADS`; None where it has none of them."""
    kind = config.model_type
    if config.is_encoder_decoder:
        known = kind in modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES
        return "seq2seq" if known else None
    if kind in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        return "mlm"
    return "causal" if kind in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES else None


def start(settings: Objective, request: Request, *, dtype: torch.dtype) -> Start:
    """Load a model with its head and add our tokens; what is new is drawn from the seed.

    Raises:
        InputError: an unusable checkpoint, or one without a head for this objective.
    """
    source, code = request.adapter.folder(), getattr(request.adapter, "remote_code", False)
    checkpoints.check(source)
    config = load_config(source, remote_code=code)
    _refuse_unfit(config, settings, source)
    tokenizer = load_tokenizer(source, remote_code=code)
    own, known = list(tokenizer.all_special_ids), len(tokenizer)
    tokenizer.add_tokens(list(request.special_tokens), special_tokens=True)
    loaded = load_pretrained(
        source,
        _HEADS[settings.head],
        dtype=dtype,
        quantize=getattr(request.adapter, "quantize", None),
        device=device(),
        seed=settings.seed,
        trust_remote_code=code,
    )
    context = resolve_context(None, config, tokenizer, name=source.name)
    _widen(loaded.model, len(tokenizer), settings.seed)
    return Start(
        model=loaded.model,
        tokenizer=tokenizer,
        framed=Tokenizer.of(tokenizer),
        block=min(settings.block, context),
        own=own,
        added=list(range(known, len(tokenizer))),
        fresh=loaded.fresh,
    )


def save_tokenizer(settings: Objective, request: Request, tokenizer: Any) -> Path:
    """Write what every adapted folder holds: the tokenizer, and which tokens it was trained with.

    Returns:
        The folder.
    """
    folder = request.out / "checkpoint"
    tokenizer.save_pretrained(folder)
    content = {
        "version": 1,
        "objective": settings.name,
        "special_tokens": list(request.special_tokens),
    }
    text = json.dumps(content, indent=1) + "\n"
    (folder / checkpoints.ADAPTATION).write_text(text, encoding="utf-8")
    return folder


def _refuse_unfit(config: Any, settings: Objective, source: Path) -> None:
    fits = fitting(config)
    if fits == settings.head:
        return
    way = f"use `adapt: {fits}`" if fits else "no objective here fits it, leave `adapt` out"
    raise InputError(
        f"model {source.name!r} ({config.model_type}) has no head for `adapt: {settings.name}`: "
        f"{way}"
    )


def _widen(model: Any, vocabulary: int, seed: int) -> None:
    """Give new tokens rows of their own, in the embedding and in the head."""
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    if head is not None and head.weight is not embedding.weight:
        model.config.tie_word_embeddings = False  # Flan-T5: transformers would tie its head now
    if vocabulary > embedding.num_embeddings:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model.resize_token_embeddings(vocabulary)
