"""Full-size models with random weights in 4 bits, built layer by layer, and how fast they embed.

A layer is drawn in bf16 on the device and packed before the next one is made, so that neither the
host nor the device ever holds more than the packed model and one layer.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from torch import nn
from transformers import AutoConfig, AutoModel

from adapters.counting import Counts
from adapters.quantization import check_widths, quantize_experts

PEAKS = {  # dense bf16 FLOP/s as in NVIDIA's data sheets, by a part of the device's name
    "H200": 989e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10": 125e12,
}
_TOKENS_PER_BATCH = 8192
_WARM_UP = 2


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How a model embeds.

    Attributes:
        tokens_per_s: tokens of full windows.
        memory_bytes: most that was allocated on the device while it embedded.
        utilisation: model FLOPs per second as a share of the peak.
        windows_per_batch: of one forward pass.
        peak_flops: what the utilisation refers to, FLOP/s.
        peak_is: where that number comes from.
    """

    tokens_per_s: float
    memory_bytes: int
    utilisation: float
    windows_per_batch: int
    peak_flops: float
    peak_is: str


def build(config: Mapping[str, Any], *, device: str, seed: int = 0) -> Any:
    """Build a LLaMA-like encoder with random weights, linear layers and experts in NF4."""
    numbers = {key: value for key, value in config.items() if key != "architectures"}
    full = AutoConfig.for_model(**numbers)
    with torch.device("meta"):
        model = AutoModel.from_config(full, dtype=torch.bfloat16)
    check_widths(model, str(full.model_type))
    generator = torch.Generator(device).manual_seed(seed)
    for layer in model.layers:
        _draw(layer, device, generator)
        _pack_linear(layer)
        quantize_experts(layer)
    for name, child in model.named_children():
        if name == "rotary_emb":  # its frequencies are computed, not drawn
            model.rotary_emb = type(child)(config=full).to(device)
        elif name != "layers":
            _draw(child, device, generator)
    return model.eval()


def _draw(module: nn.Module, device: str, generator: torch.Generator) -> None:
    """Put a module on the device with random matrices; norms are ones, biases zeros."""
    module.to_empty(device=device)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, 0.02, generator=generator)
            else:
                parameter.fill_(0.0 if name.endswith("bias") else 1.0)


def _pack_linear(layer: nn.Module) -> None:
    """Replace the linear layers in a module by ones that hold their weights in NF4."""
    for parent in list(layer.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, _packed(child))


def _packed(linear: nn.Linear) -> Linear4bit:
    packed = Linear4bit(
        linear.in_features,
        linear.out_features,
        bias=linear.bias is not None,
        compute_dtype=torch.bfloat16,
        quant_type="nf4",
        device="meta",
    )
    weight = Params4bit(
        linear.weight.data, requires_grad=False, compress_statistics=True, quant_type="nf4"
    )
    packed.weight = weight.to(linear.weight.device)  # packs it
    packed.bias = linear.bias
    return packed


@torch.inference_mode()
def embed_speed(model: Any, counts: Counts, *, context: int, batches: int) -> Speed:
    """Time the forward passes of batches of full windows, as an embedding makes them."""
    device = next(model.parameters()).device
    windows = max(1, _TOKENS_PER_BATCH // context)
    ids = torch.randint(3, model.config.vocab_size, (windows, context), device=device)
    torch.cuda.reset_peak_memory_stats(device)
    for _ in range(_WARM_UP):
        model(input_ids=ids, use_cache=False)
    torch.cuda.synchronize(device)
    started = time.perf_counter()
    for _ in range(batches):
        model(input_ids=ids, use_cache=False).last_hidden_state.float().mean(dim=1)
    torch.cuda.synchronize(device)
    seconds = time.perf_counter() - started
    peak, origin = _peak(torch.cuda.get_device_name(device), device)
    done = batches * windows * counts.flops(context)
    return Speed(
        tokens_per_s=round(batches * windows * context / seconds, 1),
        memory_bytes=torch.cuda.max_memory_allocated(device),
        utilisation=round(done / seconds / peak, 4),
        windows_per_batch=windows,
        peak_flops=peak,
        peak_is=origin,
    )


def _peak(name: str, device: torch.device) -> tuple[float, str]:
    """Look the device's peak up, or measure it on a large product of matrices."""
    for part, peak in PEAKS.items():
        if part in name.split():
            return peak, "data sheet, dense bf16"
    size, repeats = 8192, 20
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    a @ a
    torch.cuda.synchronize(device)
    started = time.perf_counter()
    for _ in range(repeats):
        a @ a
    torch.cuda.synchronize(device)
    return 2 * size**3 * repeats / (time.perf_counter() - started), "measured, bf16 product"
