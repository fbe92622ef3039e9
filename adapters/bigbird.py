"""BigBird: block-sparse attention over up to 4,096 tokens.

Zaheer et al., "Big Bird", NeurIPS 2020. Windows of at most (5 + 2r) blocks (704 tokens with the
published 64 x 3) are attended to in full, as transformers does; which of the two a window gets
depends on its length alone.
"""

from dataclasses import dataclass
from typing import ClassVar

from adapters.family import Family
from adapters.huggingface import HuggingFaceAdapter


@dataclass(frozen=True, kw_only=True)
class BigBirdAdapter(HuggingFaceAdapter):
    """A BigBird checkpoint."""

    family: ClassVar[Family] = Family(model_types=("big_bird",))
