"""What networks will run on, found out without importing torch, so that a plan takes no time."""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from results.errors import InputError

_BF16_FLAGS = {"avx512_bf16", "amx_bf16"}


class Target(NamedTuple):
    """Device kind (`cpu` or `cuda`), floating-point format and implementation of attention."""

    device: str
    precision: str
    attention: str


def resolve(device: str, precision: str, attention: str = "auto") -> Target:
    """Turn `auto` into what this machine offers.

    bf16 is chosen on GPUs and on CPUs that compute in it (AVX512-BF16 or AMX: about three times
    faster than fp32 there); elsewhere it would be emulated, so fp32. FlashAttention-2 is chosen
    where it is installed, on GPUs in bf16; elsewhere SDPA. What a model made of it is in its audit.

    Raises:
        InputError: `cuda` was asked for and there is no NVIDIA device.
    """
    has_cuda = any(Path("/dev").glob("nvidia[0-9]*"))
    if device == "cuda" and not has_cuda:
        raise InputError(
            "compute.device: cuda was asked for, and this machine has no NVIDIA device; say auto "
            "or cpu"
        )
    kind = ("cuda" if has_cuda else "cpu") if device == "auto" else device
    if precision == "auto":
        precision = "bf16" if kind == "cuda" or _cpu_flags() & _BF16_FLAGS else "fp32"
    if attention == "auto":
        flash = kind == "cuda" and precision == "bf16" and find_spec("flash_attn") is not None
        attention = "flash_attention_2" if flash else "sdpa"
    return Target(kind, precision, attention)


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith("flags")), "").split())
