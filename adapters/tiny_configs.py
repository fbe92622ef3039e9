"""A model's configuration made tiny: the same architecture, two narrow layers, its full context.

Widths stay multiples of 64, so that NF4 can quantize them. What makes a family what it is stays as
in the source: activation, norms, tying, grouped keys, experts, rotary settings, sparse attention
(with smaller blocks, so that short documents meet it) and the number of positions.
"""

from collections.abc import Mapping
from typing import Any

from transformers import CONFIG_MAPPING

from adapters.loading import RANDOM_WEIGHTS
from results.errors import InputError, nearest

_SMALL = {
    "hidden_size": 64,
    "d_model": 64,
    "dim": 64,
    "n_embd": 64,
    "embedding_size": 64,
    "num_hidden_layers": 2,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "n_layers": 2,
    "n_layer": 2,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "num_attention_heads": 2,
    "num_heads": 2,
    "n_heads": 2,
    "n_head": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "head_dim": 32,
    "d_kv": 32,
    "intermediate_size": 128,
    "d_ff": 128,
    "hidden_dim": 128,
    "n_inner": 128,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "ffn_dim": 128,
    "moe_intermediate_size": 64,
    "block_size": 16,  # of BigBird's sparse attention: sparse from 177 tokens on, as 64 is from 705
}
_MOST_EXPERTS = 8
_EXPERTS = ("num_local_experts", "num_experts")
_DROPPED = frozenset(
    {
        "_name_or_path",
        "architectures",
        "auto_map",
        "decoder_start_token_id",
        "dtype",
        "layer_types",  # one per layer: follows from the number of layers
        "model_type",
        "quantization_config",
        "torch_dtype",
        "transformers_version",
        "vocab_size",
    }
)
_ROLES = ("bos", "cls", "eos", "pad", "sep")


def read_config(config: Mapping[str, Any]) -> Any:
    """Make transformers' configuration object of a full-size model.

    Raises:
        InputError: transformers does not know the architecture, or it is not one text model.
    """
    kind = config.get("model_type", "")
    if kind not in CONFIG_MAPPING:
        known = nearest(kind, CONFIG_MAPPING).partition("Known:")[0].strip()
        hint = known or "name one that `transformers.CONFIG_MAPPING` lists"
        raise InputError(f"no tiny twin of model_type {kind!r}, unknown to transformers: {hint}")
    make = CONFIG_MAPPING[kind]
    if getattr(make, "sub_configs", None):
        raise InputError(f"no tiny twin of model_type {kind!r}: it is made of several models")
    return make(**{key: value for key, value in config.items() if key not in _DROPPED})


def shrink(config: Mapping[str, Any], tokenizer: Any) -> Any:
    """Make the twin's configuration, for the vocabulary of its own tokenizer.

    Raises:
        InputError: see `read_config`.
    """
    full = read_config(config)
    kept = {key: value for key, value in config.items() if key not in _DROPPED}
    ids = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in _ROLES}
    told = full.to_dict()
    small = {key: size for key, size in _SMALL.items() if _counts(told.get(key))}
    small |= {key: min(told[key], _MOST_EXPERTS) for key in _EXPERTS if _counts(told.get(key))}
    if "num_key_value_heads" in told:
        small["num_key_value_heads"] = _key_value_heads(full)
    twin = type(full)(**{**kept, **small, **ids, "vocab_size": len(tokenizer)})
    if full.is_encoder_decoder:
        twin.decoder_start_token_id = tokenizer.pad_token_id
    setattr(twin, RANDOM_WEIGHTS, True)
    return twin


def undeclared_limit(full: Any) -> int | None:
    """Say what the tokenizer of a model without absolute positions (T5) declares instead."""
    if getattr(full, "max_position_embeddings", None):
        return None
    return int(getattr(full, "n_positions", None) or 512)


def _counts(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _key_value_heads(full: Any) -> int:
    """Keep grouped queries grouped: one head of keys for two of queries."""
    return 1 if (full.num_key_value_heads or 0) < full.num_attention_heads else 2
