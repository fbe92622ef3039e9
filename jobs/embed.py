"""`embed`: one vector per document, by a model's windows or by features fitted on train."""

import dataclasses
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from pydantic import JsonValue

from adapters.adapter import Adapter, FittedAdapter
from adapters.registry import of_job
from corpora.masking import SPECIAL_TOKENS, TextView
from corpora.storage import read_documents, read_index
from embedders import vectors
from embedders.shard import Coverage
from jobs.job import Context, Params
from results.errors import InputError


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Embed every document of the corpus.

    Args:
        params: `adapter`, `settings`, `identity`, `code`, `view`; for encoders also `overlap`,
            `batch_tokens`, `device`, `precision`, `attention` and `threads`.
        inputs: `corpus`; `adapted` for an adapted checkpoint; `split` for features fitted on train.
        out: receives the vectors (see `embedders.vectors`), `coverage.parquet` and `card.json`.
        context: `local` may hold `checkpoint`, `revision` and `adapter` (code from outside).

    Returns:
        Throughput: ``tokens_per_s`` of an encoder.
    """
    adapter = of_job(params, context.local)
    if adapter.fitted:
        _fitted(adapter, inputs, out, TextView(**params["view"]))
        return {}
    return _windowed(adapter, params, inputs, out, context)


def _windowed(
    adapter: Adapter, params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Embed by windows; fitted features are spared what brings torch."""
    from embedders.engine import embed

    adapted = inputs["adapted"] / "checkpoint" if "adapted" in inputs else None
    documents, view = inputs["corpus"] / "documents.parquet", TextView(**params["view"])
    places = {"device": params["device"], "attention": params["attention"], "checkpoint": adapted}
    encoder = adapter.load(dtype=params["precision"], **places)
    refuse_other_tokens(getattr(encoder, "special_tokens", None), view)
    started = time.perf_counter()
    total = len(read_index(documents))
    how = {"overlap": params["overlap"], "batch_tokens": params["batch_tokens"]}
    shards = embed(
        _viewed(documents, view),
        encoder,
        **how,
        progress=lambda done: context.progress(done / total, "of the documents"),
    )
    written = vectors.write(out, shards)
    elapsed_s = time.perf_counter() - started
    card = {**asdict(written), "audit": encoder.audit()}
    if number := getattr(adapter, "quantize_check", 0):
        del encoder  # both need not be in memory at once
        plain = dataclasses.replace(adapter, quantize=None, quantize_check=0)  # type: ignore[type-var]
        sample = itertools.islice(_viewed(documents, view), number)
        exact = next(embed(sample, plain.load(dtype="bf16", **places), **how))
        card["cosine_to_bf16"] = _cosines(vectors.load(out).matrix[: len(exact.ids)], exact.vectors)
    _write_card(out, card)
    return {"tokens_per_s": round(written.tokens / elapsed_s, 1)}


def refuse_other_tokens(tokens: tuple[str, ...] | None, view: TextView) -> None:
    """Refuse a model that was adapted with other special tokens than masking puts in now.

    Raises:
        InputError: masked text is to be read, and `tokens` are not those of `corpora.masking`.
    """
    if view.text == "masked" and tokens is not None and sorted(tokens) != sorted(SPECIAL_TOKENS):
        raise InputError(
            f"the checkpoint was adapted with the special tokens {' '.join(tokens)}, masking puts "
            f"in {' '.join(SPECIAL_TOKENS)}: adapt it again, or read `text: cleaned`"
        )


def _cosines(
    some: "Float[np.ndarray, 'n d']", others: "Float[np.ndarray, 'n d']"
) -> dict[str, Any]:
    products = (some * others).sum(axis=1)
    cosines = products / (np.linalg.norm(some, axis=1) * np.linalg.norm(others, axis=1))
    return {"documents": len(cosines), "mean": float(cosines.mean()), "min": float(cosines.min())}


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
