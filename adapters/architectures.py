"""What the layers of each architecture consist of, in closed form: tensors and attentions.

One function per family of architectures turns a configuration into its pieces; `adapters.counting`
adds them up. Only numbers enter: torch is not needed, and the tests compare with what transformers
builds on the meta device.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Config = Mapping[str, Any]
Part = Literal["encoder", "pooler", "decoder", "head", "next_sentence"]
Role = Literal["embeddings", "linear", "experts", "norms", "head", "rest"]


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """Some equal parameters of one model.

    Attributes:
        role: what they are for.
        size: weights in each.
        copies: how many there are.
        active: share of them that one token uses; below 1 for experts.
        multiplied: whether a token is multiplied with them: each weight counts 2 FLOPs.
    """

    role: Role
    size: int
    copies: int = 1
    active: float = 1.0
    multiplied: bool = False

    @property
    def total(self) -> int:
        """Weights in all of them."""
        return self.size * self.copies


@dataclass(frozen=True, kw_only=True)
class Attention:
    """The attention of some equal layers.

    Attributes:
        width: of queries and keys, over all heads.
        layers: how many there are.
        block: tokens of a block where attention is block-sparse (BigBird), else None.
        random: random blocks that each block sees besides its neighbours, the first and the last.
    """

    width: int
    layers: int
    block: int | None = None
    random: int = 0

    def flops(self, tokens: int) -> int:
        """FLOPs of a window of `tokens`, masked pairs included, as the kernels compute them."""
        return 4 * self.width * self.layers * self._pairs(tokens)

    def _pairs(self, tokens: int) -> int:
        """Count pairs of query and key (BigBird: Zaheer et al., NeurIPS 2020)."""
        if self.block is None or tokens <= (5 + 2 * self.random) * self.block:
            return tokens * tokens  # a short window is read with full attention
        blocks = -(-tokens // self.block)
        sparse = (blocks - 4) * (5 + self.random) + 2 * (4 + self.random)
        return self.block * self.block * (2 * blocks + sparse)


Pieces = Iterator[tuple[Part, Tensors | Attention]]


def width_of(config: Config) -> int:
    """Width of a token's state."""
    return int(config["hidden_size" if "hidden_size" in config else "d_model"])


def is_tied(config: Config) -> bool:
    """Whether the head is the embedding matrix once more."""
    return config.get("tie_word_embeddings") is not False


def _sizes(config: Config) -> tuple[int, int, int]:
    """Width, inner width and number of layers, under the names that most families use."""
    return config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]


def _linear(part: Part, rows: int, columns: int, copies: int = 1, *, bias: bool = False) -> Pieces:
    """Weights (and biases) of linear layers from `columns` to `rows` dimensions."""
    yield part, Tensors(role="linear", size=rows * columns, copies=copies, multiplied=True)
    if bias:
        yield part, Tensors(role="rest", size=rows, copies=copies)


def _norm(part: Part, width: int, copies: int = 1, *, bias: bool = False) -> Pieces:
    yield part, Tensors(role="norms", size=width, copies=copies * (2 if bias else 1))


def _table(part: Part, rows: int, columns: int) -> Pieces:
    yield part, Tensors(role="embeddings", size=rows * columns)


def _head(config: Config, *, bias: bool = False) -> Pieces:
    """The matrix from states to vocabulary, where it is stored, and its bias."""
    rows = config["vocab_size"]
    if not is_tied(config):
        yield "head", Tensors(role="head", size=rows * width_of(config), multiplied=True)
    if bias:
        yield "head", Tensors(role="rest", size=rows)


def _decoder_only(config: Config) -> Pieces:
    """LLaMA, Mistral, Mixtral, Qwen: grouped queries, gated layers, RMS norms, no biases."""
    width, layers, heads = (
        config[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")
    )
    size = config.get("head_dim") or width // heads
    queries, keys = heads * size, (config.get("num_key_value_heads") or heads) * size
    bias = bool(config.get("attention_bias"))
    qwen2 = config["model_type"] == "qwen2"
    yield from _table("encoder", config["vocab_size"], width)
    yield from _linear("encoder", queries, width, layers, bias=bias or qwen2)
    yield from _linear("encoder", keys, width, 2 * layers, bias=bias or qwen2)
    yield from _linear("encoder", width, queries, layers, bias=bias)
    yield "encoder", Attention(width=queries, layers=layers)
    yield from _experts(config) if "num_local_experts" in config else _gated(config)
    yield from _norm("encoder", width, 2 * layers + 1)
    if config["model_type"] == "qwen3":
        yield from _norm("encoder", size, 2 * layers)
    yield from _head(config)


def _gated(config: Config) -> Pieces:
    width, inner, layers = _sizes(config)
    bias = bool(config.get("mlp_bias"))
    yield from _linear("encoder", inner, width, 2 * layers, bias=bias)
    yield from _linear("encoder", width, inner, layers, bias=bias)


def _experts(config: Config) -> Pieces:
    """A router and fused experts: one tensor for gate and up, one for down, in every layer."""
    width, inner, layers = _sizes(config)
    experts = config["num_local_experts"]
    active = config["num_experts_per_tok"] / experts
    for rows in (2 * inner, inner):
        yield (
            "encoder",
            Tensors(
                role="experts",
                size=experts * rows * width,
                copies=layers,
                active=active,
                multiplied=True,
            ),
        )
    yield "encoder", Tensors(role="rest", size=experts * width, copies=layers, multiplied=True)


def _bert(config: Config) -> Pieces:
    """BERT and its kin: learnt positions, biases everywhere, a head with a layer of its own."""
    width, inner, layers = _sizes(config)
    kind = config["model_type"]
    yield from _table("encoder", config["vocab_size"], width)
    yield from _table("encoder", config["max_position_embeddings"], width)
    if kind == "mpnet":
        buckets = config.get("relative_attention_num_buckets", 32)
        yield from _table("encoder", buckets, config["num_attention_heads"])
    else:
        yield from _table("encoder", config["type_vocab_size"], width)
    qkv_bias = bool(config.get("use_bias", True))
    yield from _linear("encoder", width, width, 3 * layers, bias=qkv_bias)
    yield from _linear("encoder", width, width, layers, bias=True)
    yield from _linear("encoder", inner, width, layers, bias=True)
    yield from _linear("encoder", width, inner, layers, bias=True)
    yield from _norm("encoder", width, 2 * layers + 1, bias=True)
    sparse = kind == "big_bird" and config.get("attention_type") == "block_sparse"
    yield (
        "encoder",
        Attention(
            width=width,
            layers=layers,
            block=config["block_size"] if sparse else None,
            random=config["num_random_blocks"] if sparse else 0,
        ),
    )
    yield from _bert_heads(config)


def _bert_heads(config: Config) -> Pieces:
    width = config["hidden_size"]
    yield from _linear("pooler", width, width, bias=True)
    yield from _linear("next_sentence", 2, width, bias=True)
    yield from _linear("head", width, width, bias=True)
    yield from _norm("head", width, bias=True)
    yield from _head(config, bias=True)


def _modernbert(config: Config) -> Pieces:
    """ModernBERT: rotary positions, fused projections, gated layers; the first lacks a norm."""
    width, inner, layers = _sizes(config)
    attention, mlp, norm = (
        bool(config.get(f"{name}_bias")) for name in ("attention", "mlp", "norm")
    )
    yield from _table("encoder", config["vocab_size"], width)
    yield from _linear("encoder", 3 * width, width, layers, bias=attention)
    yield from _linear("encoder", width, width, layers, bias=attention)
    yield from _linear("encoder", 2 * inner, width, layers, bias=mlp)
    yield from _linear("encoder", width, inner, layers, bias=mlp)
    yield from _norm("encoder", width, 2 * layers + 1, bias=norm)
    yield "encoder", Attention(width=width, layers=layers)
    yield from _linear("head", width, width, bias=bool(config.get("classifier_bias")))
    yield from _norm("head", width, bias=norm)
    yield from _head(config, bias=bool(config.get("decoder_bias", True)))


def _t5(config: Config) -> Pieces:
    """T5: relative positions in the first layer, no biases; the decoder looks at the encoder."""
    yield from _table("encoder", config["vocab_size"], config["d_model"])
    yield from _t5_stack(config, "encoder", config["num_layers"], attentions=1)
    layers = config.get("num_decoder_layers") or config["num_layers"]
    yield from _t5_stack(config, "decoder", layers, attentions=2)
    yield from _head(config)


def _t5_stack(config: Config, part: Part, layers: int, *, attentions: int) -> Pieces:
    width, inner, heads = config["d_model"], config["d_ff"], config["num_heads"]
    over_all = heads * config["d_kv"]
    gates = 2 if str(config.get("feed_forward_proj", "relu")).startswith("gated") else 1
    yield from _table(part, config.get("relative_attention_num_buckets", 32), heads)
    yield from _linear(part, over_all, width, 4 * attentions * layers)
    yield from _linear(part, inner, width, (gates + 1) * layers)
    yield from _norm(part, width, (attentions + 1) * layers + 1)
    yield part, Attention(width=over_all, layers=attentions * layers)


FORMS: Mapping[str, Callable[[Config], Pieces]] = {
    "bert": _bert,
    "big_bird": _bert,
    "llama": _decoder_only,
    "mistral": _decoder_only,
    "mixtral": _decoder_only,
    "modernbert": _modernbert,
    "mpnet": _bert,
    "qwen2": _decoder_only,
    "qwen3": _decoder_only,
    "roberta": _bert,
    "t5": _t5,
    "xlm-roberta": _bert,
}
"""By `model_type`."""
