"""Writes invented runs to disk as `logmark run` does: a real store, records that point into it.

Numbers and texts come from whoever uses it; scores are computed from the predictions given.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from corpora.splitting import split_hash
from corpora.storage import DOCUMENTS, DocumentWriter
from results.hashing import hash_json
from results.metrics import score
from results.records import ArtifactRef, Cell, Costs, Provenance, Record
from results.run import Run
from results.store import Store


class Artifact(NamedTuple):
    """One published artifact and what it cost."""

    ref: ArtifactRef
    costs: Costs


@dataclass
class RunWriter:
    """Gathers records; `finish` writes the run folder.

    Attributes:
        folder: becomes the workdir: `store` and a folder named `run` lie in it.
        suite: name of the suite, any text.
        records: so far.
    """

    folder: Path
    suite: str
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store(self.folder / "store")
        self.run_dir = self.folder / "run"
        self._published = 0
        self._split_hashes: dict[str, str] = {}

    def publish(
        self,
        kind: str,
        *,
        card: Mapping[str, Any] | None = None,
        frames: Mapping[str, pd.DataFrame] | None = None,
        texts: Mapping[str, str] | None = None,
        vectors: Sequence[np.ndarray] = (),
        wall_s: float = 1.0,
        extra: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """Publish an artifact with these files.

        Args:
            kind: kind of job.
            card: content of `card.json`.
            frames: name -> content of `NAME.parquet`.
            texts: name -> content of a text file.
            vectors: shards of an embedding.
            wall_s: what it took, in seconds.
            extra: further figures of its costs.
        """
        self._published += 1
        key = hash_json([kind, self._published])
        attempt = self.store.new_attempt(kind, key)
        for name, frame in (frames or {}).items():
            frame.to_parquet(attempt / f"{name}.parquet", index=False)
        for name, text in (texts or {}).items():
            (attempt / name).write_text(text, encoding="utf-8")
        if card is not None:
            (attempt / "card.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
        for number, shard in enumerate(vectors):
            np.save(attempt / f"vectors-{number:05d}.npy", shard, allow_pickle=False)
        return self._commit(kind, key, attempt, wall_s, extra or {})

    def corpus(self, texts: Mapping[str, str], card: Mapping[str, Any]) -> Artifact:
        """Publish documents, each of one part."""
        self._published += 1
        key = hash_json(["corpus", self._published])
        attempt = self.store.new_attempt("corpus", key)
        with DocumentWriter(attempt / DOCUMENTS) as writer:
            for name, text in texts.items():
                writer.add(name, [text], None)
        (attempt / "card.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
        return self._commit("corpus", key, attempt, 1.0, {})

    def _commit(
        self, kind: str, key: str, attempt: Path, wall_s: float, extra: Mapping[str, Any]
    ) -> Artifact:
        costs = Costs(wall_s=wall_s, cpu_s=wall_s, peak_rss_bytes=300_000_000, extra=dict(extra))
        notes = {"costs": costs.model_dump(mode="json")}
        commit = self.store.publish(kind, key, attempt, notes=notes)
        path = f"{kind}/{key}/attempts/{commit.attempt}"
        return Artifact(ArtifactRef(kind=kind, key=key, digest=commit.digest, path=path), costs)

    def split(self, labels: pd.DataFrame, test: Sequence[str], *, by: str) -> Artifact:
        """Publish a split of the documents of `labels` (columns `id`, `label`)."""
        side = np.where(labels["id"].isin(set(test)), "test", "train")
        sides = pd.DataFrame({"id": labels["id"], "side": side})
        classes = {
            str(name): {str(k): int(v) for k, v in part.value_counts().sort_index().items()}
            for name, part in labels["label"].groupby(side)
        }
        card = {
            "by": by,
            "hash": split_hash(sides),
            "documents": {str(k): int(v) for k, v in sides["side"].value_counts().items()},
            "classes": classes,
        }
        artifact = self.publish("split", card=card, frames={"split": sides})
        self._split_hashes[artifact.ref.key] = str(card["hash"])
        return artifact

    def cell(
        self,
        kind: str,
        predictions: pd.DataFrame,
        classes: Sequence[str],
        *,
        card: Mapping[str, Any] | None = None,
        wall_s: float = 1.0,
        extra: Mapping[str, Any] | None = None,
        **known: Any,
    ) -> tuple[Artifact, Cell]:
        """Score predictions and publish them with their `cell.json`."""
        labels, predicted = (list(predictions[name]) for name in ("label", "predicted"))
        cell = Cell(
            classes=list(classes),
            scores=score(labels, predicted, classes),
            test_documents=len(predictions),
            **known,
        )
        artifact = self.publish(
            kind,
            card=card,
            frames={"predictions": predictions},
            texts={"cell.json": cell.model_dump_json(indent=1) + "\n"},
            wall_s=wall_s,
            extra=extra,
        )
        return artifact, cell

    def add(self, artifacts: Mapping[str, Artifact], **known: Any) -> Record:
        """Add a record of these artifacts, by role; `known` are its other fields."""
        corpus, split = artifacts.get("corpus"), artifacts.get("split")
        record = Record(
            suite=self.suite,
            artifacts={role: one.ref for role, one in artifacts.items()},
            costs={role: one.costs for role, one in artifacts.items()},
            provenance=PROVENANCE.model_copy(
                update={
                    "split_hash": self._split_hashes[split.ref.key] if split else None,
                    "corpus_digest": corpus.ref.digest if corpus else None,
                }
            ),
            **known,
        )
        self.records.append(record)
        return record

    def finish(self, **meta: Any) -> Path:
        """Write the run folder and return it."""
        self.run_dir.mkdir(parents=True, exist_ok=True)
        known = {
            "suite": self.suite,
            "suite_hash": PROVENANCE.suite_hash,
            "store": self.store.uri,
            "command": PROVENANCE.command,
        }
        Run.write(self.run_dir, {**known, **meta}, self.records)
        return self.run_dir


PROVENANCE = Provenance(
    suite_hash="5" * 64,
    split_hash=None,
    corpus_digest=None,
    versions={"python": "3.11.9", "torch": "2.13.0"},
    git_commit="0123456789abcdef0123456789abcdef01234567",
    git_dirty=False,
    hardware="Imaginary CPU, 2 cores, 24 GiB",
    started_utc="2026-01-02T03:04:05+00:00",
    command="logmark run suites/invented.yaml",
)
