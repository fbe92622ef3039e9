"""Four bits that are four bits: NF4 through bitsandbytes, fused experts included, and an audit.

transformers 5 keeps a mixture's experts as fused 3-D parameters, which its own bitsandbytes
conversion passes over without a word: Mixtral "in 4 bits" would stay at 96 % of its bf16 size. The
quantizer here takes them too. Weights are read, merged and quantized one parameter at a time, so
host memory peaks at the quantized size plus one layer.

NF4 with double quantization: Dettmers et al., "QLoRA", NeurIPS 2023.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from bitsandbytes import functional
from bitsandbytes.nn.modules import Linear4bit, Params4bit
from bitsandbytes.nn.parametrize import Bnb4bitParametrization, _register_parametrization_hooks
from torch import nn
from torch.nn.utils import parametrize
from transformers import BitsAndBytesConfig
from transformers.integrations.bitsandbytes import Bnb4bitQuantize
from transformers.quantizers.auto import register_quantization_config, register_quantizer
from transformers.quantizers.quantizer_bnb_4bit import Bnb4BitHfQuantizer

from results.errors import InputError

PROMISE = 0.99
"""Share of the linear and expert weights that a quantized model holds in 4 bits, at least."""

_METHOD = "logmark_nf4"
_WIDTH = 32  # bitsandbytes' kernels need rows of a multiple of this (0.50, CPU)


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What a model's weights occupy.

    Attributes:
        parameters: number of weights, however they are stored.
        bytes_by_dtype: bytes of parameters, buffers and quantization constants by their type.
        share_4bit: share of all weights held in 4 bits.
        share_4bit_linear: share of those of linear layers and experts.
        bits_per_weight: effective bits per weight, quantization constants included.
    """

    parameters: int
    bytes_by_dtype: dict[str, int]
    share_4bit: float
    share_4bit_linear: float
    bits_per_weight: float


def nf4(compute: torch.dtype = torch.bfloat16) -> BitsAndBytesConfig:
    """Make what `from_pretrained(quantization_config=...)` needs to load a model in NF4."""
    return _Config(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
        llm_int8_skip_modules=["lm_head"],
    )


def quantize_experts(module: nn.Module) -> None:
    """Quantize the fused experts of a model in place, one parameter at a time."""
    for holder, name in list(_experts(module)):
        packed, state = _pack(getattr(holder, name).data)
        setattr(holder, name, nn.Parameter(packed, requires_grad=False))
        _dequantized_on_use(holder, name, state)


def weigh(model: nn.Module) -> Weights:
    """Count what a model's weights really occupy; what a quantization skipped shows."""
    held: Counter[str] = Counter()
    tensors = dict.fromkeys([*model.parameters(), *model.buffers(), *_constants(model)])
    for tensor in tensors:
        held[str(tensor.dtype).removeprefix("torch.")] += tensor.numel() * tensor.element_size()
    everything = [_count(parameter, state) for parameter, state in _stored(model)]
    linear = [_count(parameter, state) for parameter, state in _stored(model, linear=True)]
    total = sum(number for number, _ in everything)
    return Weights(
        parameters=total,
        bytes_by_dtype=dict(sorted(held.items())),
        share_4bit=sum(number for number, packed in everything if packed) / total,
        share_4bit_linear=sum(n for n, packed in linear if packed)
        / max(sum(n for n, _ in linear), 1),
        bits_per_weight=8 * sum(held.values()) / total,
    )


def keep_promise(weights: Weights, name: str) -> None:
    """Refuse a model that was to be in 4 bits and is not.

    Raises:
        InputError: less than `PROMISE` of its linear and expert weights are in 4 bits.
    """
    if weights.share_4bit_linear < PROMISE:
        raise InputError(
            f"model {name!r}: only {weights.share_4bit_linear:.1%} of its linear and expert "
            f"weights are in 4 bits after `quantize: nf4`, at least {PROMISE:.0%} were promised: "
            "leave `quantize` out, or report the architecture"
        )


def check_widths(model: nn.Module, name: str) -> None:
    """Refuse a model whose layers the 4-bit kernels cannot take.

    Raises:
        InputError: a linear layer or expert whose rows are no multiple of 32.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear) and module.in_features % _WIDTH:
            raise InputError(
                f"model {name!r} cannot run in 4 bits: a layer is {module.in_features} wide, the "
                f"kernels need multiples of {_WIDTH}: leave `quantize` out"
            )


def keep_packing(model: nn.Module) -> None:
    """Have bitsandbytes leave 4-bit weights as they are.

    On a CPU it repacks them when they are first used without gradients, as before training, and
    lets no gradient through from then on (0.50, `matmul_4bit`).
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False  # type: ignore[assignment]  # bnb's flag


@register_quantization_config(_METHOD)
class _Config(BitsAndBytesConfig):
    """bitsandbytes' settings under a name that leads to the quantizer below."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]  # transformers'
        self.quant_method = _METHOD  # type: ignore[assignment]  # a name of ours


@register_quantizer(_METHOD)
class _Quantizer(Bnb4BitHfQuantizer):
    """transformers' NF4 quantizer, which also takes fused experts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.states: dict[str, functional.QuantState] = {}

    def param_needs_quantization(self, model: Any, param_name: str, **kwargs: Any) -> bool:
        """Say whether a parameter is to be held in 4 bits."""
        return _is_expert(model, param_name) or bool(
            super().param_needs_quantization(model, param_name, **kwargs)
        )

    @staticmethod
    def get_modules_to_not_convert(
        model: Any, skip_modules: Any = None, keep_in_fp32_modules: Any = None, *_: Any
    ) -> Any:
        """Name what stays as it is: heads, but not what only fp16 would overflow in (T5)."""
        return Bnb4BitHfQuantizer.get_modules_to_not_convert(model, skip_modules, None)

    def get_quantize_ops(self) -> "_Quantize":
        """Give the operation that quantizes one parameter while it is loaded."""
        return _Quantize(self)  # type: ignore[no-untyped-call]  # transformers'

    def _process_model_after_weight_loading(self, model: Any, **kwargs: Any) -> Any:
        for path, state in self.states.items():
            holder, _, name = path.rpartition(".")
            _dequantized_on_use(model.get_submodule(holder), name, state)
        _hide_from_t5(model)
        return super()._process_model_after_weight_loading(model, **kwargs)


class _Quantize(Bnb4bitQuantize):
    def convert(self, input_dict: dict[str, Any], *names: Any, **kwargs: Any) -> dict[str, Any]:
        """Quantize one loaded parameter."""
        name = next(iter(input_dict))
        if not _is_expert(kwargs["model"], name):
            return super().convert(input_dict, *names, **kwargs)
        value = input_dict[name]
        packed, state = _pack(value[0] if isinstance(value, list) else value)
        self.hf_quantizer.states[name] = state
        return {name: nn.Parameter(packed, requires_grad=False)}


def _pack(weight: torch.Tensor) -> tuple[torch.Tensor, functional.QuantState]:
    return functional.quantize_4bit(weight, compress_statistics=True, quant_type="nf4")


def _dequantized_on_use(holder: nn.Module, name: str, state: functional.QuantState) -> None:
    """Have a packed parameter read as what it stands for, once per forward pass of its module."""
    # as bitsandbytes.nn.parametrize.replace_parameter_4bit does with what is packed already
    parametrize.register_parametrization(holder, name, Bnb4bitParametrization(state), unsafe=True)
    _register_parametrization_hooks(holder, name)


class _Behind(nn.Module):
    """A layer whose weights cannot be looked at from outside."""

    weight = None

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Apply the layer."""
        output: torch.Tensor = self.layer(states)
        return output


def _hide_from_t5(model: nn.Module) -> None:
    """Keep T5 from casting states to the type of packed weights, which are no numbers.

    Its feed-forward layers cast to `wo.weight.dtype` unless that is int8; packed NF4 is uint8, and
    the vectors come out as noise (cosine to bf16 -0.4 .. 0.06 on tiny twins).
    """
    for module in list(model.modules()):
        layer = getattr(module, "wo", None)
        if isinstance(layer, Linear4bit):
            module.wo = _Behind(layer)


def _is_expert(model: nn.Module, path: str) -> bool:
    holder, _, name = path.rpartition(".")
    return _is_fused(getattr(model.get_submodule(holder), name, None))


def _is_fused(tensor: Any) -> bool:
    """Know fused experts: 3-D parameters, which no other layer of a text model has."""
    return isinstance(tensor, nn.Parameter) and tensor.ndim == 3


def _experts(model: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """Find the fused experts."""
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if _is_fused(parameter):
                yield module, name


def _stored(
    model: nn.Module, *, linear: bool = False
) -> Iterator[tuple[nn.Parameter, functional.QuantState | None]]:
    """Yield parameters with their quantization state; `linear`: weights of layers and experts.

    Low-rank updates are not counted as layers: they are meant to stay as they are. A parameter that
    two modules share (a head tied to the embedding) comes once.
    """
    seen: set[int] = set()
    for path, module in model.named_modules():
        if linear and ".lora_" in path:
            continue
        expert = isinstance(module, parametrize.ParametrizationList)
        reader: Any = next(module.children()) if expert else None
        for name, parameter in module.named_parameters(recurse=False):
            is_weight = isinstance(module, nn.Linear) and name == "weight"
            wanted = not linear or expert or is_weight or _is_fused(parameter)
            if wanted and id(parameter) not in seen:
                seen.add(id(parameter))
                holder = reader if expert else parameter
                yield parameter, getattr(holder, "quant_state", None)


def _count(parameter: nn.Parameter, state: functional.QuantState | None) -> tuple[int, bool]:
    """Count a parameter's weights; two of 4 bits are packed into one byte."""
    if state is None:
        packed = isinstance(parameter, Params4bit) and parameter.quant_state is not None
        return parameter.numel(), packed
    return int(torch.Size(state.shape).numel()), True


def _constants(model: nn.Module) -> Iterator[torch.Tensor]:
    """Yield the constants that quantized weights are read with."""
    for _, state in _stored(model):
        inner = state
        while inner is not None:
            held = (inner.absmax, inner.code, getattr(inner, "offset", None))
            yield from (tensor for tensor in held if tensor is not None)
            inner = getattr(inner, "state2", None)  # gone once the CPU's kernels have repacked
