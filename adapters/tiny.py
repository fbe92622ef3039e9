"""Tiny random checkpoints: every family testable in milliseconds, without a download.

A tokenizer is learnt on the spot from given texts, the weights are drawn from a seed. The
configuration says so (`logmark_random_weights`), since a number from random weights must be marked
wherever it appears.
"""

import json
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import BertConfig, BertForMaskedLM, BertModel
from transformers.models.auto import modeling_auto

from adapters.family import Pooling
from adapters.loading import RANDOM_WEIGHTS, quiet
from adapters.tiny_configs import read_config, shrink, undeclared_limit
from adapters.tiny_tokenizers import BERT, KINDS, LLAMA, ROBERTA, T5, Kind, train_tokenizer
from results.errors import InputError

_PIECES = 512
_ASCII = " ".join(string.printable.split()[0])  # so that a log line has no unknown characters
_POOLED = {
    "mean": "pooling_mode_mean_tokens",
    "last": "pooling_mode_lasttoken",
    "first": "pooling_mode_cls_token",
}


@dataclass(frozen=True, kw_only=True)
class TinySize:
    """How small: a BERT of 2 layers, 32 wide, with 64 positions unless said otherwise."""

    hidden: int = 32
    layers: int = 2
    heads: int = 2
    context: int = 64
    vocabulary: int = 300


def build_tiny(
    folder: Path,
    texts: Iterable[str],
    *,
    size: TinySize | None = None,
    seed: int = 0,
    mlm_head: bool = False,
) -> Path:
    """Write a random BERT checkpoint with a WordPiece tokenizer learnt from `texts`.

    Args:
        folder: where to; created if need be.
        texts: what the tokenizer learns its vocabulary from.
        size: dimensions of the model.
        seed: decides the weights.
        mlm_head: save the masked-language-model head too.

    Returns:
        `folder`, loadable by `adapters.loading.load_encoder`.
    """
    size = size or TinySize()
    tokenizer = train_tokenizer(BERT, texts, size=size.vocabulary, context=size.context)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.hidden,
        max_position_embeddings=size.context,
        pad_token_id=tokenizer.pad_token_id,
    )
    setattr(config, RANDOM_WEIGHTS, True)
    return _save(folder, _draw(BertForMaskedLM if mlm_head else BertModel, config, seed), tokenizer)


def build_twin(
    folder: Path,
    config: Mapping[str, Any],
    texts: Iterable[str],
    *,
    seed: int = 0,
    sentence_transformers: Pooling | None = None,
) -> Path:
    """Write a random checkpoint of the same architecture as a full-size one, with its LM head.

    Args:
        folder: where to; created if need be.
        config: the `config.json` of the full-size model; `model_type` alone will do.
        texts: what the tokenizer, of the family's kind, learns its vocabulary from.
        seed: decides the weights.
        sentence_transformers: write that library's layout, with this pooling and without a head.

    Returns:
        `folder`; the same bytes in every process.

    Raises:
        InputError: an architecture that transformers does not know, or that is no text model.
    """
    with quiet():
        full = read_config(config)
        make = _with_head(full)
        kind = KINDS.get(full.model_type, _usual_kind(full, make))
        limit = undeclared_limit(full)
        tokenizer = train_tokenizer(kind, [*texts, _ASCII], size=_PIECES, context=limit)
        twin = shrink(config, tokenizer)
    if sentence_transformers:
        make = transformers.AutoModel.from_config
        _write_modules(folder, twin.hidden_size, sentence_transformers)
    model = _draw(make, twin, seed, untied=config.get("tie_word_embeddings") is False)
    _refuse_unless_it_runs(model)
    return _save(folder, model, tokenizer)


def _draw(make: Any, config: Any, seed: int, *, untied: bool = False) -> Any:
    """Make a model with random weights; the process's own generator is left alone.

    `untied`: the source has a head of its own. transformers 5.23 ties T5's whatever its
    configuration says, and only a checkpoint that holds both keeps them apart.
    """
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        model = make(config)
        head = model.get_output_embeddings()
        if untied and head is not None and head.weight is model.get_input_embeddings().weight:
            width = head.weight.shape[1]
            head.weight = torch.nn.Parameter(torch.randn_like(head.weight) * width**-0.5)
    return model


def _save(folder: Path, model: Any, tokenizer: Any) -> Path:
    with quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def _refuse_unless_it_runs(model: Any) -> None:
    """Try an architecture that nobody here has seen; its widths may depend on one another."""
    encoder = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
    try:
        with torch.inference_mode(), quiet():
            encoder.eval()(input_ids=torch.tensor([[0, 1, 2]]))
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"no tiny twin of model_type {model.config.model_type!r}: made narrow it does not run "
            f"({reason}); name a small checkpoint of it instead"
        ) from error


def _with_head(config: Any) -> Any:
    """Find the class with the head that domain adaptation trains."""
    kind = config.model_type
    heads: list[Any] = [
        modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    ]
    if config.is_encoder_decoder:
        heads = [modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES]
    for names in heads:
        if kind in names:
            return getattr(transformers, names[kind])
    raise InputError(f"no tiny twin of model_type {kind!r}: it is no language model")


def _usual_kind(config: Any, model: Any) -> Kind:
    """Choose the tokenizer of a family that has none of its own here."""
    if config.is_encoder_decoder:
        return T5
    return ROBERTA if model.__name__.endswith("MaskedLM") else LLAMA


def _write_modules(folder: Path, dimension: int, pooling: Pooling) -> None:
    """Add the files by which sentence-transformers knows what follows the encoder."""
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    modules = [
        {"idx": idx, "name": str(idx), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for idx, (path, kind) in enumerate(kinds.items())
    ]
    chosen = {name: way == pooling for way, name in _POOLED.items()}
    (folder / "1_Pooling").mkdir(parents=True, exist_ok=True)
    _write(folder / "modules.json", modules)
    _write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": dimension, **chosen})


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
