"""The quantities that a plan tells of a job: what it loads, reads and computes, and where."""

from dataclasses import dataclass
from typing import Literal

CHARS_PER_TOKEN = 2.2
"""Of logs: BERT's WordPiece made tokens of 1.9 (the generator) to 2.9 (OpenStack) characters on
seven corpora (2026-11); other tokenizers were not at hand."""

DAY_ON_A_CPU = 1e16
"""FLOPs: two cores reached 1.4e11 per second in fp32 (MiniLM, 6,800 tokens/s at windows of 256)."""

CUDA_BYTES = 1 << 29
"""What CUDA and its libraries hold on a device before a model is loaded, about."""

WIDTH_BYTES = {"fp32": 4, "bf16": 2}

Device = Literal["cpu", "cuda"]
Format = Literal["fp32", "bf16", "nf4"]


@dataclass(frozen=True, kw_only=True)
class ModelSize:
    """The model a job loads.

    Attributes:
        parameters: as loaded: an encoder to embed with, with its head (T5: and decoder) to adapt.
        active: parameters that one token activates.
        bf16_bytes: its weights in bf16.
        nf4_bytes: its weights with linear layers and experts in 4 bits.
        width: of a token's state, and so of a document's vector.
        held: the format in which the job holds the weights.
    """

    parameters: int
    active: int
    bf16_bytes: int
    nf4_bytes: int
    width: int
    held: Format

    @property
    def held_bytes(self) -> int:
        """Bytes of the weights as the job holds them."""
        return self.nf4_bytes if self.held == "nf4" else self.parameters * WIDTH_BYTES[self.held]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What one job takes; None where it does not apply or nobody knows.

    Attributes:
        model: the model it loads.
        unknown: why nothing can be said of its model.
        windows: windows that it reads, before equal ones are found.
        windows_per_document: the same for a document, on average.
        flops: of all forward and backward passes; of a training the most it may take.
        device: the least that does it within about a day: "cpu" or "cuda".
        memory_bytes: of that device, about; None for jobs without a model.
    """

    model: ModelSize | None = None
    unknown: str | None = None
    windows: int | None = None
    windows_per_document: float | None = None
    flops: int | None = None
    device: Device = "cpu"
    memory_bytes: int | None = None


def on(device: Device, memory_bytes: int) -> int:
    """Add what a device's libraries hold to the memory of a job."""
    return memory_bytes + (CUDA_BYTES if device == "cuda" else 0)
