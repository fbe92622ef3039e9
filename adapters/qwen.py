"""Qwen embedding models: the state of a window's last token, as they were trained.

Zhang et al., "Qwen3 Embedding", 2025. The tokenizer ends a window with the token that is read;
`pooling: mean` asks for Eq. 5 instead.
"""

from dataclasses import dataclass
from typing import ClassVar

from adapters.family import Family
from adapters.huggingface import HuggingFaceAdapter


@dataclass(frozen=True, kw_only=True)
class QwenAdapter(HuggingFaceAdapter):
    """A Qwen3 (embedding) checkpoint."""

    family: ClassVar[Family] = Family(
        model_types=("qwen2", "qwen3"), objective="causal", pooling="last"
    )
