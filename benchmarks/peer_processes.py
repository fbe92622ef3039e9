"""Who is timed: a peer in its own process, the main one in this, and our dense forward pass."""

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import peer_sentence_transformers
import torch
from jaxtyping import Float

from adapters.minilm import MiniLMAdapter
from embedders import batching, pooling

_OUR_BATCH_TOKENS = 4096
_PATIENCE_S = 240  # for one answer; compiling takes a minute


class Peer(Protocol):
    """Something that embeds the sample; `facts` say how, for a figure's conditions."""

    facts: dict[str, Any]

    def __enter__(self) -> Self:
        """Start it."""

    def __exit__(self, *error: object) -> None:
        """End it."""

    def seconds(self, limit: int, batch_size: int) -> float:
        """Time the first `limit` windows."""

    def vectors(self, limit: int, batch_size: int) -> Float[np.ndarray, "n d"]:
        """Embed the first `limit` windows."""


class Ours:
    """Our dense forward pass from text to vectors: equal lengths, no mask, mean in fp32."""

    def __init__(self, dtype: str) -> None:
        """Load MiniLM in "bf16" or "fp32"."""
        self._encoder = MiniLMAdapter(context=256).load(device="cpu", dtype=dtype)

    def seconds(self, texts: Sequence[str]) -> float:
        """Time these windows."""
        started = time.perf_counter()
        self.encode(texts)
        return time.perf_counter() - started

    def encode(self, texts: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Embed these windows."""
        rows = self._rows(texts)
        vectors = np.empty((len(rows), self._encoder.dimension), dtype=np.float32)
        lengths = [len(row) for row in rows]
        for batch in batching.plan(lengths, batch_tokens=_OUR_BATCH_TOKENS, padding=0.0):
            ids = torch.tensor([rows[index] for index in batch])
            vectors[batch] = pooling.pool(self._encoder.states(ids, None), None).numpy()
        return vectors

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Count each window's tokens, special ones included."""
        return [len(row) for row in self._rows(texts)]

    def _rows(self, texts: Sequence[str]) -> list[list[int]]:
        return [self._encoder.wrap(ids) for ids in self._encoder.tokenize(texts)]


class SentenceTransformers:
    """The main peer, in this process."""

    def __init__(self, dtype: str, texts: Sequence[str]) -> None:
        """Load it in "fp32" or "bf16"."""
        self._dtype, self._texts = dtype, texts
        self.facts = {"computed_in": dtype}
        peer_sentence_transformers.load(dtype)

    def __enter__(self) -> Self:
        """Start nothing."""
        return self

    def __exit__(self, *error: object) -> None:
        """End nothing: the model stays loaded."""

    def seconds(self, limit: int, batch_size: int) -> float:
        """Time the first `limit` windows."""
        started = time.perf_counter()
        self.vectors(limit, batch_size)
        return time.perf_counter() - started

    def vectors(self, limit: int, batch_size: int) -> Float[np.ndarray, "n d"]:
        """Embed the first `limit` windows."""
        return peer_sentence_transformers.encode(
            self._texts[:limit], dtype=self._dtype, batch_size=batch_size
        )


class Worker:
    """A peer in its own environment, which takes orders as JSON lines (`peer_worker.py`)."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        """Keep the command; the process starts on entering."""
        self._command = command
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Start the process and wait until the model is loaded."""
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        try:
            loaded = self._answer()
        except RuntimeError:
            self.__exit__()
            raise
        self.facts = {"computed_in": loaded["computed_in"], "peer_versions": loaded["versions"]}
        return self

    def __exit__(self, *error: object) -> None:
        """Let the process end, or end it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def seconds(self, limit: int, batch_size: int) -> float:
        """Time the first `limit` windows."""
        return self._order(limit, batch_size)

    def vectors(self, limit: int, batch_size: int) -> Float[np.ndarray, "n d"]:
        """Embed the first `limit` windows."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vectors.npy"
            self._order(limit, batch_size, save=str(path))
            found: Float[np.ndarray, "n d"] = np.load(path)
        return found

    def _order(self, limit: int, batch_size: int, save: str | None = None) -> float:
        assert self._process.stdin is not None
        order = {"limit": limit, "batch_size": batch_size, "save": save}
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says why
        return float(self._answer()["seconds"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        timer = threading.Timer(_PATIENCE_S, self._process.kill)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        if line:
            return dict(json.loads(line))
        self._log.seek(0)
        said = self._log.read().strip().splitlines()
        raise RuntimeError(f"the peer's process ended: {said[-1] if said else 'no message'}")
