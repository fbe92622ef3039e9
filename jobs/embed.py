"""`embed`: one vector per document, by a model's windows or by features fitted on train."""

import itertools
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import JsonValue

from adapters.adapter import Adapter, FittedAdapter
from adapters.registry import of_job
from corpora.masking import SPECIAL_TOKENS, TextView
from corpora.storage import read_documents, read_index
from embedders import vectors
from embedders.shard import Coverage
from jobs import embedding_latency
from jobs.efficiency import Figures, draw, fp32_bytes, latency
from jobs.job import Context, Params
from jobs.measuring import uncounted
from results.errors import InputError

_CLOCK_S = 0.001  # what costs are rounded to
_LATENCY_S = 0.25  # features are fast


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Embed every document of the corpus.

    Args:
        params: `adapter`, `settings`, `identity`, `code`, `view`; for encoders also `overlap`,
            `batch_tokens`, `shard_tokens`, `device`, `precision`, `attention`, `threads`, and
            `precision_check` documents to be embedded again in the precision of `exact`.
        inputs: `corpus`; `adapted` for an adapted checkpoint; `split` for features fitted on train.
        out: receives the vectors (see `embedders.vectors`), `coverage.parquet` and `card.json`.
        context: `local` may hold `checkpoint`, `revision` and `adapter` (code from outside).

    Returns:
        What a document costs to embed, see `jobs.embedding_latency`. Of an encoder also
        ``tokens_per_s``, document tokens for every second that a worker computed, ``reused_s``,
        what shards found in the store had taken, and the peaks of memory of all shards' processes.
    """
    adapter = of_job(params, context.local)
    if adapter.fitted:
        return _fitted(adapter, inputs, out, TextView(**params["view"]))
    return _windowed(adapter, params, inputs, out, context)


def _windowed(
    adapter: Adapter, params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Embed by windows; fitted features are spared what brings torch."""
    from embedders.averaging import document_vectors
    from jobs.embedding import Embedding

    adapted = inputs["adapted"] / "checkpoint" if "adapted" in inputs else None
    frame = adapter.load(device="meta", dtype=params["precision"], checkpoint=adapted)
    view = TextView(**params["view"])
    refuse_other_tokens(getattr(frame, "special_tokens", None), view)
    documents = inputs["corpus"] / "documents.parquet"
    embedding = Embedding(frame, params, context)
    made = embedding.compute(lambda: _viewed(documents, view), len(read_index(documents)))
    written = vectors.write(out, document_vectors(made.ledger, made.vectors_of))
    card = {**asdict(written), **made.card}
    if number := params["precision_check"]:
        card["cosine"] = embedding.compare(
            lambda: itertools.islice(_viewed(documents, view), number),
            number,
            vectors.load(out).matrix[:number],
        )
    _write_card(out, card)
    return {
        "tokens_per_s": round(written.tokens / max(made.worked_s, _CLOCK_S), 1),
        "reused_s": round(made.reused_s, 3),
        **made.peaks,
        **_size(made.card["audit"]),
        **embedding_latency.of_windows(
            frame, _sample(documents, view), made.ledger.coverage, made.window
        ),
    }


def _size(audit: Any) -> Figures:
    """Give the size of the weights, where the model tells how many it has."""
    weights = audit.get("parameters")
    return (
        {"model_bytes_missing": "the model does not tell how many weights it has"}
        if weights is None
        else {"model_bytes": fp32_bytes(weights)}
    )


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


def _viewed(
    documents: Path, view: TextView, ids: Collection[str] | None = None
) -> Iterator[tuple[str, list[str]]]:
    for document in read_documents(documents, ids):
        yield document.id, [view.apply(part) for part in document.parts]


def _sample(documents: Path, view: TextView) -> list[list[str]]:
    """Read some documents to be timed, which is no cost of the job."""
    with uncounted():
        ids = read_index(documents)["id"]
        drawn = list(ids.iloc[draw(len(ids))])
        return embedding_latency.sample(parts for _, parts in _viewed(documents, view, drawn))


def _fitted(
    adapter: FittedAdapter, inputs: Mapping[str, Path], out: Path, view: TextView
) -> dict[str, JsonValue]:
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
    return {
        "model_bytes_missing": "features are fitted anew and not saved",
        **latency(featurizer.transform, _sample(documents, view), budget_s=_LATENCY_S),
    }


def _write_card(out: Path, card: dict[str, JsonValue]) -> None:
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
