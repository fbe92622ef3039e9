"""Are four bits four bits, is a plan quick, are its counts right, and what do large models do?

    python benchmarks/families.py [--quick]

On any machine: shares and bytes of tiny twins loaded in NF4, the time `logmark plan` takes for the
paper's suite, closed-form counts against the meta device. Where there is a CUDA device besides:
LLaMA2-7B and Mixtral-8x7B with random weights in 4 bits, their device memory, tokens per second and
model FLOPs utilisation. `--quick` plans thrice instead of nine times and runs fewer windows.
"""

import argparse
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from figures import emit, unmeasured
from large_models import Speed, build, embed_speed
from transformers import AutoConfig, AutoModel

from adapters.catalogue import ENTRIES, Entry
from adapters.counting import count
from adapters.quantization import weigh
from adapters.registry import make
from adapters.tiny import build_twin

SUITE = Path(__file__).parents[1] / "suites" / "paper.yaml"
LARGE = ("llama2-7b", "mixtral-8x7b")
PLAN_S = 2.0
SHARE = 0.99


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    quick = parser.parse_args().quick
    for name in LARGE:
        _four_bits(name)
    _plan_time(repeats=3 if quick else 9)
    _counts()
    for name in LARGE:
        _on_gpu(name, batches=4 if quick else 32)


def _four_bits(name: str) -> None:
    """Load a twin in bf16 and in NF4, as a run does, and weigh both."""
    with tempfile.TemporaryDirectory() as folder:
        build_twin(Path(folder), ENTRIES[name].config, ["a b c"])
        plain, packed = (
            weigh(
                make(name, {"checkpoint": folder, "quantize": quantize})
                .load(device="cpu", dtype="bf16")
                .model
            )
            for quantize in (None, "nf4")
        )
    share, full = packed.share_4bit_linear, count(ENTRIES[name].config)
    emit(
        f"{name}, tiny twin: share of linear and expert weights in 4 bits",
        round(share, 4),
        goal=f">= {SHARE}",
        met=share >= SHARE,
        parameters=packed.parameters,
    )
    ratio = sum(packed.bytes_by_dtype.values()) / sum(plain.bytes_by_dtype.values())
    emit(
        f"{name}, tiny twin: bytes in 4 bits / bytes in bf16",
        round(ratio, 4),
        bytes_by_dtype=packed.bytes_by_dtype,
        full_size_by_closed_form=round(full.nf4_bytes / full.bf16_bytes, 4),
    )


def _plan_time(*, repeats: int) -> None:
    """Time `logmark plan` of the paper's suite, each time in a process of its own."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "suite.cli", "plan", str(SUITE), "--workdir", folder]
        for _ in range(repeats):
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - started)
    worst = max(seconds)
    emit(
        "seconds of `logmark plan suites/paper.yaml`, slowest",
        round(worst, 3),
        goal=f"<= {PLAN_S}",
        met=worst <= PLAN_S,
        median=round(statistics.median(seconds), 3),
        repeats=repeats,
    )


def _counts() -> None:
    equal = [name for name, entry in ENTRIES.items() if _built(entry) == count(entry.config).total]
    emit(
        "entries whose closed-form count equals the meta device's",
        len(equal),
        goal=f"{len(ENTRIES)}",
        met=len(equal) == len(ENTRIES),
        differing=sorted(set(ENTRIES) - set(equal)),
    )


def _built(entry: Entry) -> int:
    """Count the encoder's parameters as transformers builds it."""
    numbers = {key: value for key, value in entry.config.items() if key != "architectures"}
    with torch.device("meta"):
        model: Any = AutoModel.from_config(AutoConfig.for_model(**numbers))
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    pooler = getattr(model, "pooler", None)
    unread = 0 if pooler is None else sum(weight.numel() for weight in pooler.parameters())
    return sum(weight.numel() for weight in model.parameters()) - unread


def _on_gpu(name: str, *, batches: int) -> None:
    """Measure a full-size model with random weights in 4 bits."""
    figures = {
        "memory_bytes": f"{name}, random weights in 4 bits: peak device memory in bytes",
        "tokens_per_s": f"{name}, random weights in 4 bits: embedded tokens per second",
        "utilisation": f"{name}, random weights in 4 bits: model FLOPs utilisation",
    }
    if not torch.cuda.is_available():
        for figure in figures.values():
            unmeasured(figure, reason="no CUDA device")
        return
    entry = ENTRIES[name]
    gc.collect()  # the model before
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    model = build(entry.config, device="cuda")
    built_with, weights = torch.cuda.max_memory_allocated(), weigh(model)
    speed: Speed = embed_speed(model, count(entry.config), context=entry.context, batches=batches)
    for key, figure in figures.items():
        emit(
            figure,
            getattr(speed, key),
            device=torch.cuda.get_device_name(),
            context=entry.context,
            windows_per_batch=speed.windows_per_batch,
            batches=batches,
            peak_flops=speed.peak_flops,
            peak_is=speed.peak_is,
            peak_bytes_while_built=built_with,
            weights_bytes=sum(weights.bytes_by_dtype.values()),
            share_4bit_linear=round(weights.share_4bit_linear, 4),
        )


if __name__ == "__main__":
    main()
