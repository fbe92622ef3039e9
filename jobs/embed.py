"""`embed`: one vector per document, by a model's windows or by features fitted on train."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from adapters.adapter import FittedAdapter
from adapters.registry import ADAPTERS
from corpora.masking import TextView
from corpora.storage import read_documents, read_index
from embedders import vectors
from embedders.shard import Coverage
from jobs.job import Context, Params
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Embed every document of the corpus.

    Args:
        params: `adapter`, `settings`, `identity`, `view`; for encoders also `overlap`,
            `batch_tokens`, `device`, `precision` and `threads`.
        inputs: `corpus`; `adapted` for an adapted checkpoint; `split` for features fitted on train.
        out: receives the vectors (see `embedders.vectors`), `coverage.parquet` and `card.json`.
        context: `local` may hold `checkpoint` and `revision`.

    Returns:
        Throughput: ``tokens_per_s`` of an encoder.
    """
    settings = {**params["settings"], **context.local}
    adapter = build("adapter", params["adapter"], ADAPTERS, settings)
    view = TextView(**params["view"])
    documents = inputs["corpus"] / "documents.parquet"
    if adapter.fitted:
        _fitted(adapter, inputs, out, view)
        return {}
    from embedders.engine import embed  # brings torch, which fitted features do not need

    checkpoint = inputs["adapted"] / "checkpoint" if "adapted" in inputs else None
    encoder = adapter.load(
        device=params["device"], dtype=params["precision"], checkpoint=checkpoint
    )
    started = time.perf_counter()
    total = len(read_index(documents))
    shards = embed(
        _viewed(documents, view),
        encoder,
        overlap=params["overlap"],
        batch_tokens=params["batch_tokens"],
        progress=lambda done: context.progress(done / total, "of the documents"),
    )
    written = vectors.write(out, shards)
    _write_card(out, {**asdict(written), "audit": encoder.audit()})
    return {"tokens_per_s": round(written.tokens / (time.perf_counter() - started), 1)}


def _viewed(documents: Path, view: TextView) -> Iterator[tuple[str, list[str]]]:
    for document in read_documents(documents):
        yield document.id, [view.apply(part) for part in document.parts]


def _fitted(adapter: FittedAdapter, inputs: Mapping[str, Path], out: Path, view: TextView) -> None:
    split = pd.read_parquet(inputs["split"] / "split.parquet")
    train = set(split.loc[split["side"] == "train", "id"])
    documents = inputs["corpus"] / "documents.parquet"
    featurizer = adapter.load_featurizer()
    featurizer.fit(parts for name, parts in _viewed(documents, view) if name in train)
    matrix = featurizer.transform(parts for _, parts in _viewed(documents, view))
    coverage = [
        Coverage(name, sum(map(len, parts)), 0, 0, 1.0) for name, parts in _viewed(documents, view)
    ]
    vectors.write_features(out, matrix, coverage)
    _write_card(out, {"documents": len(coverage), "dimension": matrix.shape[1]})


def _write_card(out: Path, card: dict[str, JsonValue]) -> None:
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
