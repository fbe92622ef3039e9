"""Mistral: a causal decoder with a sliding window of attention.

Jiang et al., "Mistral 7B", 2023.
"""

from dataclasses import dataclass
from typing import ClassVar

from adapters.family import Family
from adapters.huggingface import HuggingFaceAdapter


@dataclass(frozen=True, kw_only=True)
class MistralAdapter(HuggingFaceAdapter):
    """A Mistral checkpoint."""

    family: ClassVar[Family] = Family(model_types=("mistral",), objective="causal")
