"""Texts with our mask tokens in them, and a tiny random BERT made from them."""

from pathlib import Path

import numpy as np
import pytest

from adapters.tiny import build_tiny


@pytest.fixture(scope="session")
def log_documents() -> list[list[str]]:
    """Sixteen masked documents of three parts each, drawn from a small grammar."""
    generator = np.random.default_rng(0)
    units, verbs = ["radio", "cell", "port", "link"], ["started", "stopped", "failed"]
    documents = []
    for _ in range(16):
        lines = [
            f"{generator.choice(units)} {generator.choice(verbs)} at <hex> code <num> <newline>"
            for _ in range(30)
        ]
        documents.append([" ".join(lines[n : n + 10]) for n in (0, 10, 20)])
    return documents


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, log_documents: list[list[str]]) -> Path:
    texts = [part for parts in log_documents for part in parts]
    return build_tiny(tmp_path_factory.mktemp("tiny"), texts, mlm_head=True)
