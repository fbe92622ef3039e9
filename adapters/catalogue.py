"""Named models: the seed paper's five with the paper's context windows, and the usual others.

A name stands for a family, a checkpoint on the hub and a context. The configuration beside it is
the part of the hub's `config.json` that decides sizes and architecture, so that a plan can be made
and a tiny twin be built where nothing has been downloaded. Dimension and parameters follow from it
(`adapters.counting`); the tests hold the totals to those that the hub publishes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from adapters import counting
from adapters.architectures import width_of


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One named model.

    Attributes:
        family: its name in `adapters.registry.ADAPTERS`.
        checkpoint: its name on the hub.
        context: tokens per window, special tokens included, unless the suite says otherwise.
        licence: SPDX identifier, or the name of a licence that has none.
        gated: whether the hub hands it out only to accounts that have accepted its terms.
        config: what decides its architecture; `architectures` says what the weights hold.
    """

    family: str
    checkpoint: str
    context: int
    licence: str
    gated: bool
    config: Mapping[str, Any]

    @property
    def dimension(self) -> int:
        """Width of a vector."""
        return width_of(self.config)

    @property
    def parameters(self) -> int:
        """Weights of the published checkpoint; `counting.count(config)` counts the encoder's."""
        return counting.count(self.config, counting.checkpoint(self.config)).total


def _config(model_type: str, architecture: str, **numbers: Any) -> Mapping[str, Any]:
    return MappingProxyType({"model_type": model_type, "architectures": [architecture], **numbers})


def _bert(*, hidden: int, layers: int, inner: int, architecture: str) -> Mapping[str, Any]:
    return _config(
        "bert",
        architecture,
        vocab_size=30522,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=12,
        intermediate_size=inner,
        hidden_act="gelu",
        max_position_embeddings=512,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
        pad_token_id=0,
    )


def _t5(*, width: int, inner: int, layers: int, heads: int) -> Mapping[str, Any]:
    return _config(
        "t5",
        "T5ForConditionalGeneration",
        vocab_size=32128,
        d_model=width,
        d_kv=64,
        d_ff=inner,
        num_layers=layers,
        num_decoder_layers=layers,
        num_heads=heads,
        n_positions=512,
        relative_attention_num_buckets=32,
        relative_attention_max_distance=128,
        feed_forward_proj="gated-gelu",
        layer_norm_epsilon=1e-6,
        tie_word_embeddings=False,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )


def _llama(model_type: str, architecture: str, **numbers: Any) -> Mapping[str, Any]:
    """What LLaMA 2 7B, LLaMA 3 8B, Mistral 7B and Mixtral 8x7B have in common."""
    shared = {
        "vocab_size": 32000,
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14336,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    return _config(model_type, architecture, **{**shared, **numbers})


ENTRIES: dict[str, Entry] = {
    # The seed paper's five; contexts as in the paper.
    "llama2-7b": Entry(
        family="llama",
        checkpoint="meta-llama/Llama-2-7b-hf",
        context=2048,
        licence="Llama 2 Community License",
        gated=True,
        config=_llama(
            "llama",
            "LlamaForCausalLM",
            num_key_value_heads=32,
            intermediate_size=11008,
            max_position_embeddings=4096,
            rope_theta=10000.0,
        ),
    ),
    "mixtral-8x7b": Entry(
        family="mixtral",
        checkpoint="mistralai/Mixtral-8x7B-v0.1",
        context=512,
        licence="Apache-2.0",
        gated=True,
        config=_llama(
            "mixtral",
            "MixtralForCausalLM",
            num_local_experts=8,
            num_experts_per_tok=2,
            max_position_embeddings=32768,
            rope_theta=1e6,
            sliding_window=None,
        ),
    ),
    "flan-t5-large": Entry(
        family="t5",
        checkpoint="google/flan-t5-large",
        context=512,
        licence="Apache-2.0",
        gated=False,
        config=_t5(width=1024, inner=2816, layers=24, heads=16),
    ),
    "bert-base-uncased": Entry(
        family="bert",
        checkpoint="google-bert/bert-base-uncased",
        context=512,
        licence="Apache-2.0",
        gated=False,
        config=_bert(hidden=768, layers=12, inner=3072, architecture="BertForPreTraining"),
    ),
    "bigbird-roberta-base": Entry(
        family="bigbird",
        checkpoint="google/bigbird-roberta-base",
        context=4096,
        licence="Apache-2.0",
        gated=False,
        config=_config(
            "big_bird",
            "BigBirdForPreTraining",
            vocab_size=50358,
            hidden_size=768,
            num_hidden_layers=12,
            num_attention_heads=12,
            intermediate_size=3072,
            hidden_act="gelu_new",
            max_position_embeddings=4096,
            type_vocab_size=2,
            layer_norm_eps=1e-12,
            use_bias=True,
            attention_type="block_sparse",
            block_size=64,
            num_random_blocks=3,
            rescale_embeddings=False,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            sep_token_id=66,
        ),
    ),
    # Others; contexts as they were trained, or less where that is more than logs need.
    "llama3-8b": Entry(
        family="llama",
        checkpoint="meta-llama/Meta-Llama-3-8B",
        context=8192,
        licence="Meta Llama 3 Community License",
        gated=True,
        config=_llama(
            "llama",
            "LlamaForCausalLM",
            vocab_size=128256,
            max_position_embeddings=8192,
            rope_theta=500000.0,
            bos_token_id=128000,
            eos_token_id=128001,
        ),
    ),
    "mistral-7b": Entry(
        family="mistral",
        checkpoint="mistralai/Mistral-7B-v0.1",
        context=4096,  # its attention's window; more is possible
        licence="Apache-2.0",
        gated=True,
        config=_llama(
            "mistral",
            "MistralForCausalLM",
            max_position_embeddings=32768,
            rope_theta=10000.0,
            sliding_window=4096,
        ),
    ),
    "flan-t5-base": Entry(
        family="t5",
        checkpoint="google/flan-t5-base",
        context=512,
        licence="Apache-2.0",
        gated=False,
        config=_t5(width=768, inner=2048, layers=12, heads=12),
    ),
    "modernbert-base": Entry(
        family="modernbert",
        checkpoint="answerdotai/ModernBERT-base",
        context=8192,
        licence="Apache-2.0",
        gated=False,
        config=_config(
            "modernbert",
            "ModernBertForMaskedLM",
            vocab_size=50368,
            hidden_size=768,
            num_hidden_layers=22,
            num_attention_heads=12,
            intermediate_size=1152,
            hidden_activation="gelu",
            max_position_embeddings=8192,
            norm_eps=1e-5,
            norm_bias=False,
            attention_bias=False,
            mlp_bias=False,
            classifier_bias=False,
            decoder_bias=True,
            global_attn_every_n_layers=3,
            local_attention=128,
            global_rope_theta=160000.0,
            local_rope_theta=10000.0,
            pad_token_id=50283,
            bos_token_id=50281,
            cls_token_id=50281,
            eos_token_id=50282,
            sep_token_id=50282,
        ),
    ),
    "qwen3-embedding-0.6b": Entry(
        family="qwen",
        checkpoint="Qwen/Qwen3-Embedding-0.6B",
        context=8192,  # of 32,768
        licence="Apache-2.0",
        gated=False,
        config=_config(
            "qwen3",
            "Qwen3ForCausalLM",
            vocab_size=151669,
            hidden_size=1024,
            num_hidden_layers=28,
            num_attention_heads=16,
            num_key_value_heads=8,
            head_dim=128,
            intermediate_size=3072,
            hidden_act="silu",
            max_position_embeddings=32768,
            rms_norm_eps=1e-6,
            rope_theta=1e6,
            attention_bias=False,
            tie_word_embeddings=True,
            bos_token_id=151643,
            eos_token_id=151643,
        ),
    ),
    "all-minilm-l6-v2": Entry(
        family="sentence_transformers",
        checkpoint="sentence-transformers/all-MiniLM-L6-v2",
        context=256,
        licence="Apache-2.0",
        gated=False,
        config=_bert(hidden=384, layers=6, inner=1536, architecture="BertModel"),
    ),
    "all-mpnet-base-v2": Entry(
        family="sentence_transformers",
        checkpoint="sentence-transformers/all-mpnet-base-v2",
        context=384,
        licence="Apache-2.0",
        gated=False,
        config=_config(
            "mpnet",
            "MPNetModel",  # the hub's config names a head that the weights lack
            vocab_size=30527,
            hidden_size=768,
            num_hidden_layers=12,
            num_attention_heads=12,
            intermediate_size=3072,
            hidden_act="gelu",
            max_position_embeddings=514,
            relative_attention_num_buckets=32,
            layer_norm_eps=1e-5,
            pad_token_id=1,
            bos_token_id=0,
            eos_token_id=2,
        ),
    ),
}


def by_checkpoint(name: str) -> Entry | None:
    """Find the entry of a hub name."""
    return next((entry for entry in ENTRIES.values() if entry.checkpoint == name), None)
