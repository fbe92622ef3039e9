"""The main peer, in this process: `SentenceTransformer.encode` on MiniLM's local weights.

Its defaults are fp32 and batches of 32; bf16 is asked of it as its documentation says.
"""

import random
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from adapters.loading import DTYPES, quiet
from adapters.minilm import MiniLMAdapter

_WARM_UP = 32


@lru_cache(maxsize=2)
def load(dtype: str) -> Any:
    """Build the model from the local folder, in "fp32" (its default) or "bf16"."""
    from sentence_transformers import SentenceTransformer

    folder = str(MiniLMAdapter().folder())
    options = {} if dtype == "fp32" else {"dtype": DTYPES[dtype]}
    with quiet():
        return SentenceTransformer(
            folder, device="cpu", model_kwargs=options, local_files_only=True
        )


def encode(
    texts: Sequence[str], *, dtype: str, batch_size: int | None = None
) -> Float[np.ndarray, "n d"]:
    """Return the peer's vectors, of length one as its checkpoint says; None is its own batch."""
    options = {} if batch_size is None else {"batch_size": batch_size}
    model = load(dtype)
    found: Float[np.ndarray, "n d"] = model.encode(list(texts), show_progress_bar=False, **options)
    return found


def encode_seconds(
    texts: Sequence[str],
    *,
    dtype: str,
    sample: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
) -> float:
    """Time the peer on these texts, on as many threads as torch has; loading is not counted.

    Args:
        texts: each becomes one vector; what exceeds 256 tokens is cut off by the peer.
        dtype: "fp32" or "bf16".
        sample: time so many texts, drawn at random, and scale by their number; None for all.
        seed: of the draw.
        batch_size: None for the peer's default of 32.
    """
    chosen = list(texts)
    if sample is not None and sample < len(chosen):
        chosen = random.Random(seed).sample(chosen, sample)
    encode(chosen[:_WARM_UP], dtype=dtype, batch_size=batch_size)
    started = time.perf_counter()
    encode(chosen, dtype=dtype, batch_size=batch_size)
    return (time.perf_counter() - started) * len(texts) / len(chosen)
