"""A fake encoder whose states can be worked out by hand, and a tiny random BERT."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from adapters.loading import load_encoder
from adapters.tiny import TinySize, build_tiny

WORDS = ["unit", "port", "link", "state", "error", "started", "memory", "cpu", "radio", "cell"]


@dataclass
class FakeEncoder:
    """Every number in a text is a token; a token has a fixed random state, whatever is near."""

    context: int = 10
    num_special: int = 2
    dimension: int = 4
    pad_id: int = 0
    pooling: str = "mean"
    calls: list[Tensor] = field(default_factory=list)

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        return [[3 + int(word) for word in text.split()] for text in texts]

    def wrap(self, window: Sequence[int]) -> list[int]:
        return [1, *window, 2]

    def states(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        self.calls.append(ids)
        states = table(self.dimension)[ids]
        return states if mask is None else torch.where(mask[..., None] == 1, states, torch.nan)

    def audit(self) -> dict[str, Any]:
        return {}


def table(dimension: int) -> Tensor:
    """State of each token id, float64."""
    return torch.from_numpy(np.random.default_rng(7).normal(size=(1000, dimension)))


@pytest.fixture
def fake() -> type[FakeEncoder]:
    return FakeEncoder


@pytest.fixture(scope="session")
def logs() -> list[tuple[str, list[str]]]:
    """Thirty documents of one to four parts, some equal, lengths from 3 to 400 words."""
    generator = np.random.default_rng(0)
    documents = []
    for number in range(30):
        parts = [
            " ".join(generator.choice(WORDS, size=int(generator.integers(3, 100))))
            for _ in range(int(generator.integers(1, 5)))
        ]
        documents.append((f"d{number}", parts))
    documents[7] = ("d7", documents[3][1])
    return documents


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("tiny"), WORDS, size=TinySize(context=32))


@pytest.fixture(scope="session")
def load_tiny(tiny_folder: Path) -> Any:
    """Load the tiny BERT in a given dtype."""

    def load(dtype: str = "fp32") -> Any:
        return load_encoder(tiny_folder, context=None, device="cpu", dtype=dtype)

    return load
