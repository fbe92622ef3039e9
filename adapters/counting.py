"""How large a model is, from its configuration alone: parameters by role, bytes, FLOPs.

A plan has to know this for models whose weights are not at hand, and within two seconds, which
leaves no time to import torch and to build the model. So the parameters of each architecture stand
here in closed form; the tests hold them to the meta device, and the FLOPs to torch's own counter.

A matrix of m x n takes 2 m n FLOPs per token; attention takes 4 w FLOPs for every pair of a query
and a key, w wide over all heads. Norms, activations and look-ups count nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from adapters.architectures import FORMS, Attention, Config, Part, Role, Tensors, is_tied, width_of
from results.errors import InputError, nearest

ENCODER: tuple[Part, ...] = ("encoder",)
"""What is embedded with: the stack of layers; of T5 its encoder; no pooler, no head."""

_IN_4_BITS = ("linear", "experts")
_BLOCK, _NESTED_BLOCK = 64, 256  # weights per constant, constants per second-order constant
_CODES_BYTES = 16 * 4 + 256 * 4 + 4  # tables of both quantizations and the offset, per tensor


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What one model, or a part of it, consists of.

    Attributes:
        tensors: its parameters; one that two layers share stands here once.
        attentions: its attention layers.
        width: of a token's state.
        logits: outputs of the head per token; 0 without one.
        tied: weights of a head that is the embedding matrix once more: computed, not stored.
    """

    tensors: tuple[Tensors, ...]
    attentions: tuple[Attention, ...]
    width: int
    logits: int
    tied: int

    def of(self, role: Role) -> int:
        """Count the weights of one role."""
        return sum(tensor.total for tensor in self.tensors if tensor.role == role)

    @property
    def total(self) -> int:
        """All weights."""
        return sum(tensor.total for tensor in self.tensors)

    @property
    def active(self) -> int:
        """Weights that one token activates: all but the experts that its router passes over."""
        return round(sum(tensor.total * tensor.active for tensor in self.tensors))

    @property
    def bf16_bytes(self) -> int:
        """Bytes of the weights in bf16."""
        return 2 * self.total

    @property
    def nf4_bytes(self) -> int:
        """Bytes with linear layers and experts in NF4, double quantization, the rest in bf16."""
        return sum(
            tensor.copies * _nf4_bytes(tensor.size)
            if tensor.role in _IN_4_BITS
            else 2 * tensor.total
            for tensor in self.tensors
        )

    @property
    def largest_in_4_bits(self) -> int:
        """Weights read out of 4 bits at once: a linear layer's, or all experts' of a layer."""
        linear = [tensor.size for tensor in self.tensors if tensor.role == "linear"]
        experts = sum(tensor.size for tensor in self.tensors if tensor.role == "experts")
        return max([*linear, experts])

    @property
    def layers(self) -> int:
        """Number of layers, counted by their attentions."""
        return sum(attention.layers for attention in self.attentions)

    @cached_property
    def _multiplied(self) -> float:
        stored = [tensor for tensor in self.tensors if tensor.multiplied]
        return self.tied + sum(tensor.total * tensor.active for tensor in stored)

    def flops(self, tokens: int) -> int:
        """FLOPs of the forward pass of one window of `tokens` tokens."""
        attended = sum(attention.flops(tokens) for attention in self.attentions)
        return round(2 * tokens * self._multiplied) + attended


def count(config: Config, parts: Iterable[Part] = ENCODER) -> Counts:
    """Count what a model of this configuration consists of.

    Args:
        config: the content of a `config.json`.
        parts: which parts of it; see `language_model` and `checkpoint`.

    Raises:
        InputError: an architecture without a closed form here, or a configuration that lacks a
            number.
    """
    wanted = frozenset(parts)
    kind = str(config.get("model_type"))
    if kind not in FORMS:
        raise InputError(f"no closed form for model_type {kind!r}: {nearest(kind, FORMS)}")
    try:
        made = [item for part, item in FORMS[kind](config) if part in wanted]
    except KeyError as error:
        raise InputError(f"configuration of a {kind!r} model lacks {error}") from error
    width, logits = width_of(config), config["vocab_size"] if "head" in wanted else 0
    return Counts(
        tensors=tuple(item for item in made if isinstance(item, Tensors)),
        attentions=tuple(item for item in made if isinstance(item, Attention)),
        width=width,
        logits=logits,
        tied=logits * width if is_tied(config) else 0,
    )


def language_model(config: Config) -> tuple[Part, ...]:
    """Name the parts that domain adaptation loads: layers and head, of T5 the decoder too."""
    if config.get("model_type") in _ENCODER_DECODERS:
        return ("encoder", "decoder", "head")
    return ("encoder", "pooler", "head") if config.get("model_type") == "big_bird" else _HEADED


def checkpoint(config: Config) -> tuple[Part, ...]:
    """Name the parts that the published weights hold, by the `architectures` of their config."""
    architecture = str((config.get("architectures") or ["Model"])[0])
    if architecture.endswith("ForPreTraining"):
        return ("encoder", "pooler", "head", "next_sentence")
    if "For" in architecture:
        return language_model(config)
    return ("encoder", "pooler")


_HEADED: tuple[Part, ...] = ("encoder", "head")
_ENCODER_DECODERS = ("t5",)


def _nf4_bytes(size: int) -> int:
    """Packed weights, one 8-bit constant per block of them, one fp32 per block of constants."""
    constants = -(-size // _BLOCK)
    return -(-size // 2) + constants + 4 * -(-constants // _NESTED_BLOCK) + _CODES_BYTES
