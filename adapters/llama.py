"""LLaMA 2 and 3: a causal decoder; a token's state sees what stands before it in the window.

Touvron et al., "Llama 2", 2023. No padding token is needed: padding is never attended to.
"""

from dataclasses import dataclass
from typing import ClassVar

from adapters.family import Family
from adapters.huggingface import HuggingFaceAdapter


@dataclass(frozen=True, kw_only=True)
class LlamaAdapter(HuggingFaceAdapter):
    """A LLaMA checkpoint."""

    family: ClassVar[Family] = Family(model_types=("llama",), objective="causal")
