"""Mixtral: a causal mixture of experts; in 4 bits its fused experts are quantized too.

Jiang et al., "Mixtral of Experts", 2024. Where the experts are: `adapters.quantization`.
"""

from dataclasses import dataclass
from typing import ClassVar

from adapters.family import Family
from adapters.huggingface import HuggingFaceAdapter


@dataclass(frozen=True, kw_only=True)
class MixtralAdapter(HuggingFaceAdapter):
    """A Mixtral checkpoint."""

    family: ClassVar[Family] = Family(model_types=("mixtral",), objective="causal")
