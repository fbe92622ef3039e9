"""How fast devices compute, as stated: FLOPs per second of the passes that a plan counts."""

import re
from pathlib import Path

from suite.node import Node
from suite.quantities import Device

CPU_THREAD = {"fp32": 0.7e11, "bf16": 1.1e11}
"""Of language models on one CPU thread: two cores (AVX512-BF16) reached 1.4e11 in fp32, 2.2e11 to
2.8e11 in bf16 (MiniLM, 6,800 and 9,300 to 12,000 tokens/s at windows of 256; 2026-11)."""

CHARACTER_LSTM_THREAD = {"fp32": 5.1e10, "bf16": 7.4e10}
"""Of `char_lm` on one CPU thread: 1,900 and 2,750 characters/s in training (2026-11)."""

REFERENCE = 3e10
"""Of reference networks on a CPU, whatever the threads: small layers wait for memory (2026-11)."""

TRAINING = 0.6
"""Share of that rate that a training of a language model reaches (2026-11, MiniLM on two cores)."""

NF4_ON_A_CPU = 0.4
"""Share of a CPU's rate that is left in 4 bits, unpacked for every pass (2026-11: 0.2 to 0.45 in
fine-tuning MiniLM)."""

PEAKS = {  # dense bf16 (of V100 and T4 fp16) by the makers' data sheets, 2026-11
    "B200": 2.25e15,
    "H200": 9.89e14,
    "H100": 9.89e14,
    "L40S": 3.62e14,
    "A100": 3.12e14,
    "A40": 1.50e14,
    "A10": 1.25e14,
    "V100": 1.25e14,
    "L4": 1.21e14,
    "T4": 6.5e13,
}
ASSUMED = "A100"
"""The GPU that is taken where neither the suite nor this machine names one."""

GPU_SHARE = {"embed": 0.3}
"""Share of the peak that is reached; of other jobs `_GPU_SHARE`. Assumed, not measured."""

_GPU_SHARE, _GPU_SHARE_NETWORKS = 0.2, 0.02
_NETWORKS = ("char_lm", "reference")


def stated(node: Node, device: Device) -> float:
    """FLOPs per second of one process of a job on a device; the suite's own need not be there."""
    if device == "cuda":
        other = _GPU_SHARE_NETWORKS if node.kind in _NETWORKS else _GPU_SHARE
        return PEAKS[gpu_of(node)] * GPU_SHARE.get(node.kind, other)
    precision = node.params["precision"]
    is_recurrent = node.kind == "reference" and node.params["settings"]["bilstm"]
    if node.kind == "reference" and not is_recurrent:
        return REFERENCE
    if node.kind == "char_lm" or is_recurrent:
        return CHARACTER_LSTM_THREAD[precision] * node.cpus
    share = (1 if is_forward(node) else TRAINING) * (NF4_ON_A_CPU if _in_4_bits(node) else 1)
    return CPU_THREAD[precision] * node.cpus * share


def _in_4_bits(node: Node) -> bool:
    method = node.params.get("finetune", {}).get("method")
    return method == "qlora" or bool(node.params["settings"].get("quantize"))


def is_forward(node: Node) -> bool:
    """Say whether a job reads with a model, and does not train it."""
    return node.kind in ("embed", "anomaly")


def gpu_of(node: Node) -> str:
    """Name the GPU that a job is reckoned for: the suite's, this machine's, or the assumed one."""
    for name in (node.grant.accelerator or "", _gpu_here()):
        words = re.split(r"[^A-Za-z0-9]+", name.upper())
        if found := next((known for known in PEAKS if known in words), None):
            return found
    return ASSUMED


def _gpu_here() -> str:
    """Read the name of this machine's first GPU, without any of its libraries."""
    for file in Path("/proc/driver/nvidia/gpus").glob("*/information"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2]
    return ""
