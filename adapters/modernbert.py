"""ModernBERT: alternating local and global attention, 8,192 tokens.

Warner et al., "Smarter, Better, Faster, Longer", 2024.
"""

from dataclasses import dataclass
from typing import ClassVar

from adapters.family import Family
from adapters.huggingface import HuggingFaceAdapter


@dataclass(frozen=True, kw_only=True)
class ModernBertAdapter(HuggingFaceAdapter):
    """A ModernBERT checkpoint."""

    family: ClassVar[Family] = Family(model_types=("modernbert",))
