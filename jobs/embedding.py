"""The run of an embedding: shards handed out as pieces, the batch budget, and what the user sees.

One embedding has one batch plan: where a batch does not fit into the device's memory, the budget is
halved, the embedding starts again with it, and the next one on such a device begins with what was
found. The card says what was used; shards of another plan are never mixed in.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from pydantic import JsonValue

from embedders import batching
from embedders.averaging import document_vectors
from embedders.cutting import Cutter, Frame
from embedders.shard import Ledger
from jobs.efficiency import Figures
from jobs.embedding_display import Display
from jobs.job import Context, Params
from jobs.pieces import Done, Pieces

Documents = Iterable[tuple[str, Sequence[str]]]

_OWN = ("view", "overlap", "shard_tokens", "batch_tokens", "precision_check", "exact")
"""Parameters that decide which windows there are, and not what becomes of one."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came of an embedding.

    Attributes:
        ledger: which windows each document is made of.
        folders: of the shards, in the ledger's order.
        card: what the artifact's card says of the computation.
        worked_s: seconds of all shards, one after the other.
        reused_s: those of shards that were found in the store.
        window: how long one window takes, see `jobs.efficiency`.
        peaks: most memory that a shard's process held, wherever and whenever it was computed.
    """

    ledger: Ledger
    folders: list[Path]
    card: dict[str, JsonValue]
    worked_s: float
    reused_s: float
    window: Figures
    peaks: Figures

    def vectors_of(self, shard: int) -> Float[np.ndarray, "n d"]:
        """Open the vectors of a shard's windows."""
        path = self.folders[shard] / "vectors.npy"
        opened: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return opened


class Embedding:
    """Embeds documents with one model, as a job's parameters say."""

    def __init__(self, frame: Frame, params: Params, context: Context) -> None:
        """Take what the job was given; `frame` is the encoder without its weights."""
        assert context.pieces is not None
        self._frame = frame
        self._params = params
        self._context = context
        self._pieces: Pieces = context.pieces

    def compute(self, documents: Callable[[], Documents], total: int) -> Made:
        """Embed documents, `total` of them; `documents` opens them for reading.

        Raises:
            InputError: a document without tokens, or a window that the device cannot hold.
        """
        place = {**self._window_params, "machine": _device_name(self._params["device"])}
        asked: int = self._params["batch_tokens"]
        recalled = self._pieces.recall(place)
        budget = recalled if isinstance(recalled, int) else asked
        while True:
            try:
                made = self._pass(documents(), total, min(budget, asked))
            except batching.BatchMemoryError:
                budget = batching.halve(budget, context=self._frame.context)
                self._pieces.remember(place, budget)
            else:
                made.card["batch_tokens"] = min(budget, asked)
                if budget < asked:
                    made.card["halved_from"] = asked
                return made

    def compare(
        self,
        documents: Callable[[], Documents],
        total: int,
        vectors: Float[np.ndarray, "n d"],
    ) -> dict[str, JsonValue]:
        """Embed documents in the precision that `exact` names and say how near `vectors` are."""
        exact = self._params["exact"]
        other = Embedding(self._frame, {**self._params, **exact}, self._context)
        made = other.compute(documents, total)
        rows = document_vectors(made.ledger, made.vectors_of)
        expected = np.concatenate([some.vectors for some in rows])
        cosines = (vectors * expected).sum(axis=1)
        cosines /= np.linalg.norm(vectors, axis=1) * np.linalg.norm(expected, axis=1)
        return {
            "to": exact["precision"],
            "documents": len(cosines),
            "mean": float(cosines.mean()),
            "min": float(cosines.min()),
        }

    @cached_property
    def _window_params(self) -> dict[str, Any]:
        return {key: value for key, value in self._params.items() if key not in _OWN}

    def _pass(self, documents: Documents, total: int, batch_tokens: int) -> Made:
        """Embed with one budget."""
        cutter = Cutter(
            self._frame,
            overlap=self._params["overlap"],
            shard_tokens=self._params["shard_tokens"],
        )
        display = Display(cutter.ledger, total, self._context.progress)
        done = {}
        for one in self._pieces.do(
            "windows",
            {**self._window_params, "batch_tokens": batch_tokens},
            [name for name in ("adapted",) if name in self._pieces.inputs],
            display.pieces(cutter.shards(documents)),
            display.within,
        ):
            done[one.number] = one
            display.finished(one)
        return self._made(cutter.ledger, [done[number] for number in sorted(done)])

    def _made(self, ledger: Ledger, done: list[Done]) -> Made:
        folders = [self._pieces.folder(one) for one in done]
        cards = [json.loads((folder / "card.json").read_bytes()) for folder in folders]
        costs: list[Any] = [one.commit.notes["costs"] for one in done]
        seconds = [cost["wall_s"] for cost in costs]
        return Made(
            ledger=ledger,
            folders=folders,
            card={
                "shards": len(done),
                "distinct_windows": sum(card["windows"] for card in cards),
                "computed_tokens": sum(card["computed_tokens"] for card in cards),
                "audit": cards[0]["audit"],
            },
            worked_s=sum(seconds),
            reused_s=sum(s for s, one in zip(seconds, done, strict=True) if not one.is_new),
            window={n: x for n, x in costs[0]["extra"].items() if n.startswith("latency_")},
            peaks={
                f"shards_{place}_bytes": max(one.get(f"peak_{place}_bytes") or 0 for one in costs)
                for place in ("rss", "device")
            },
        )


def _device_name(device: str) -> str:
    if device != "cuda":
        return device
    import torch

    return torch.cuda.get_device_name(0)
