"""An adapter that costs nothing: four bytes are a token, a token has a fixed state of 8 numbers.

What is left of an embedding's memory and time is Logmark's own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

_VOCABULARY = 1 << 12


@dataclass(frozen=True)
class Encoder:
    """States from a table."""

    table: torch.Tensor
    context: int
    dimension: int = 8
    num_special: int = 2
    pad_id: int = 0
    pooling: str = "mean"

    def tokenize(self, texts: list[str]) -> list[Any]:
        """Cut the bytes into fours; what is left over at the end is dropped."""
        return [self._ids(text.encode()) for text in texts]

    def _ids(self, data: bytes) -> Any:
        words = np.frombuffer(data[: len(data) // 4 * 4], dtype="<u4")
        return ((words * np.uint32(2_654_435_761)) >> np.uint32(20)).astype(np.int32)

    def wrap(self, window: list[int]) -> list[int]:
        """Put a token before and one behind."""
        return [1, *window, 2]

    def states(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Look the states up."""
        return self.table[ids]

    def audit(self) -> dict[str, Any]:
        """The table is random, so every number is marked."""
        return {"parameters": self.table.numel(), "random_weights": True}


@dataclass(frozen=True, kw_only=True)
class Stub:
    """A table instead of a model."""

    fitted: ClassVar[bool] = False
    context: int | None = 256

    def identity(self, *, hasher: Any = None) -> dict[str, str]:
        """There are no weights but the table's."""
        return {"weights": "a table drawn from seed 0"}

    def folder(self) -> Path:
        """There is no checkpoint."""
        raise NotImplementedError

    def load(self, *, device: str, **choices: Any) -> Encoder:
        """Draw the table."""
        table = torch.randn(_VOCABULARY, 8, generator=torch.Generator().manual_seed(0))
        return Encoder(table=table.to(device), context=self.context or 256)
