"""An adapter for tests of the embed job: a table for a model, that fails and counts on request.

What it is to do stands in files beside this one's copy: `limit` is the largest batch in tokens
that fits into its memory, `slow` the seconds that a batch takes, `fail_after` the number of batches
after which it breaks. Every batch is noted in `batches`.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

_HERE = Path(__file__).parent


def _told(name: str) -> float | None:
    path = _HERE / name
    return float(path.read_text()) if path.is_file() else None


@dataclass(frozen=True)
class Encoder:
    """Bytes are tokens; a token has a fixed random state."""

    table: torch.Tensor
    context: int
    num_special: int = 2
    pad_id: int = 0
    pooling: str = "mean"

    @property
    def dimension(self) -> int:
        return int(self.table.shape[1])

    def tokenize(self, texts: list[str]) -> list[list[int]]:
        return [list(text.encode()) for text in texts]

    def wrap(self, window: list[int]) -> list[int]:
        return [1, *window, 2]

    def states(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        with (_HERE / "batches").open("a") as notes:
            notes.write(f"{os.getpid()} {ids.shape[0]} {ids.shape[1]}\n")
        if ids.numel() > (_told("limit") or 1 << 40):
            raise torch.OutOfMemoryError("CUDA out of memory")
        after = _told("fail_after")
        if after is not None and len((_HERE / "batches").read_text().splitlines()) > after:
            raise RuntimeError("the machine broke")
        time.sleep(_told("slow") or 0)
        return self.table[ids]

    def audit(self) -> dict[str, Any]:
        return {"random_weights": True}


@dataclass(frozen=True, kw_only=True)
class Counting:
    """The adapter."""

    fitted: ClassVar[bool] = False
    context: int | None = 66

    def identity(self, *, hasher: Any = None) -> dict[str, str]:
        return {"weights": "a table"}

    def folder(self) -> Path:
        raise NotImplementedError

    def load(self, *, device: str, **choices: Any) -> Encoder:
        table = torch.randn(256, 4, generator=torch.Generator().manual_seed(0))
        return Encoder(table=table.to(device), context=self.context or 66)
