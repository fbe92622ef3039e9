"""Every optimisation of embedding gives, for every family, what plain embedding gives.

Plain is one window at a time, padded and masked, duplicates and all, tokenized in one go. Against
it: distinct windows, batches of equal length without a mask, shards, bf16. The tolerances are those
that docs/performance.md states: of a vector's own length, by precision.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from twins import MODEL_TYPES, OBJECTIVES

from adapters import windows
from adapters.registry import make
from adapters.tiny import build_twin
from embedders.engine import embed
from embedders.pooling import pool, token_weights

FP32, BF16 = 2e-6, 0.03
"""Largest difference of a vector, as a share of its length."""

LINES = [f"I: step {n} of 40 took {n * 7 % 11} ms on port {n % 3}" for n in range(40)]


def documents() -> dict[str, list[str]]:
    """Some short, some long, some alike, one of several parts."""
    repeated = "\n".join(LINES[:4]) + "\n"
    return {
        "short": ["link up"],
        "long": ["\n".join(LINES)],
        "again": ["\n".join(LINES)],
        "repeats": [repeated * 12],
        "parts": ["\n".join(LINES[k : k + 9]) for k in (0, 9, 3)],
    }


@pytest.fixture(scope="module", params=OBJECTIVES)
def adapter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    name: str = request.param
    folder: Path = tmp_path_factory.mktemp(name)
    layout = "mean" if name == "sentence_transformers" else None
    config = {"model_type": MODEL_TYPES.get(name, name)}
    build_twin(folder, config, LINES, sentence_transformers=layout)
    return make(name, {"checkpoint": str(folder), "context": 64})


def plain(encoder: Any) -> np.ndarray:
    """Embed without any of it: every window alone, padded to the context, masked."""
    rows = []
    for parts in documents().values():
        tokens = np.array([token for ids in encoder.tokenize(parts) for token in ids])
        room = encoder.context - encoder.num_special
        cut = windows.cut([tokens], capacity=room, overlap=encoder.context // 2)
        rows.append(np.mean([_alone(encoder, window.tolist()) for window in cut], axis=0))
    return np.stack(rows)


def _alone(encoder: Any, window: list[int]) -> np.ndarray:
    ids = encoder.wrap(window)
    padded = ids + [encoder.pad_id] * (encoder.context - len(ids))
    mask = torch.tensor([[1] * len(ids) + [0] * (encoder.context - len(ids))])
    weights = token_weights(
        [len(ids)], prefix=0, suffix=0, include_special=True, pooling=encoder.pooling
    )
    weights = torch.nn.functional.pad(weights, (0, encoder.context - len(ids)))
    return pool(encoder.states(torch.tensor([padded]), mask), weights)[0].double().numpy()


def fast(encoder: Any, **how: Any) -> np.ndarray:
    return np.concatenate([rows.vectors for rows in embed(documents().items(), encoder, **how)])


def apart(some: np.ndarray, others: np.ndarray) -> float:
    return float((np.linalg.norm(some - others, axis=1) / np.linalg.norm(others, axis=1)).max())


def test_in_fp32_it_is_what_plain_embedding_gives(adapter: Any) -> None:
    encoder = adapter.load(device="cpu", dtype="fp32")
    expected = plain(encoder)
    assert apart(fast(encoder), expected) <= FP32
    assert apart(fast(encoder, batch_tokens=1), expected) <= FP32
    assert apart(fast(encoder, shard_tokens=200), expected) <= FP32
    assert apart(fast(encoder, padding=0.5), expected) <= FP32


def test_bf16_stays_near_fp32(adapter: Any) -> None:
    expected = plain(adapter.load(device="cpu", dtype="fp32"))
    assert apart(fast(adapter.load(device="cpu", dtype="bf16")), expected) <= BF16


def test_equal_documents_have_equal_bytes(adapter: Any) -> None:
    found = fast(adapter.load(device="cpu", dtype="bf16"))
    assert found[1].tobytes() == found[2].tobytes()
    assert found[0].tobytes() != found[1].tobytes()


def test_an_encoder_without_weights_cuts_the_same_windows(adapter: Any) -> None:
    frame = adapter.load(device="meta", dtype="bf16")
    encoder = adapter.load(device="cpu", dtype="fp32")
    for name in ("context", "num_special", "dimension", "pooling", "special_tokens"):
        assert getattr(frame, name) == getattr(encoder, name)
    texts = ["".join(parts) for parts in documents().values()]
    assert frame.tokenize(texts) == encoder.tokenize(texts)
    assert all(p.device.type == "meta" for p in frame.model.parameters())
