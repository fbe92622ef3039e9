"""`windows`: the piece that embedding is done in, vectors for one shard of distinct windows.

Its key holds the weights, the settings, the kind of device and the batch plan (`batch_tokens` and
the windows themselves, in order), so a vector that is found in the store is the one that would be
computed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from adapters.registry import of_job
from embedders.forward import window_vectors
from embedders.shard import Shard
from jobs.efficiency import Figures, latency
from jobs.job import Params


class WindowVectors:
    """A loaded encoder that computes shards."""

    def __init__(
        self, params: Params, inputs: Mapping[str, Path], local: Mapping[str, str]
    ) -> None:
        """Load the encoder.

        Args:
            params: `adapter`, `settings`, `identity`, `code`, `device`, `precision`, `attention`,
                `threads`, `batch_tokens`, `padding`.
            inputs: `adapted` for an adapted checkpoint.
            local: where the checkpoint lies.
        """
        self._batches = {name: params[name] for name in ("batch_tokens", "padding")}
        self._encoder = of_job(params, local).load(
            device=params["device"],
            dtype=params["precision"],
            attention=params["attention"],
            checkpoint=inputs["adapted"] / "checkpoint" if "adapted" in inputs else None,
        )

    def __call__(
        self, data: Shard, out: Path, progress: Callable[[float], None]
    ) -> dict[str, JsonValue]:
        """Write `vectors.npy`, float32, one row per window, and `card.json`.

        Returns:
            ``computed_tokens``; of a corpus's first shard also a window's `latency`, so that no
            model is loaded for that alone.

        Raises:
            BatchMemoryError: a batch does not fit into the device's memory.
        """
        made = window_vectors(data, self._encoder, **self._batches, progress=progress)
        np.save(out / "vectors.npy", made.vectors, allow_pickle=False)
        card = {
            "windows": len(made.vectors),
            "computed_tokens": made.tokens,
            "audit": self._encoder.audit(),
        }
        (out / "card.json").write_text(json.dumps(card) + "\n", encoding="utf-8")
        return {"computed_tokens": made.tokens, **({} if data.first else self._latency(data))}

    def _latency(self, data: Shard) -> Figures:
        def compute(windows: Sequence[np.ndarray]) -> None:
            lengths = np.array([len(window) for window in windows], dtype=np.int32)
            some = Shard(first=0, tokens=np.concatenate(windows), lengths=lengths)
            window_vectors(some, self._encoder, **self._batches)

        return latency(compute, list(data.windows()))
