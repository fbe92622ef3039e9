"""Vectors of new documents, as `jobs.embed` makes those of a corpus, but without its artifacts."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from adapters.adapter import Adapter, FittedAdapter
from adapters.registry import of_job
from classifiers.fitting import Vectors
from corpora.masking import TextView
from corpora.storage import DOCUMENTS, read_documents
from embedders import batching, vectors
from jobs.cells import positions
from jobs.embed import refuse_other_tokens
from jobs.job import Params
from results.errors import InputError

Documents = Iterable[tuple[str, Sequence[str]]]


def embedded(
    params: Params, inputs: Mapping[str, Path], local: Mapping[str, str], documents: Documents
) -> Vectors:
    """Embed documents as an `embed` job does.

    Args:
        params: of the job.
        inputs: of the job, and `vectors`, what it made.
        local: where the model's files lie on this machine.
        documents: ids and viewed parts; may be read more than once.

    Returns:
        One row per document: float32, sparse where the features are.

    Raises:
        InputError: unusable weights, a document without tokens, or features that come out
            different from the run's.
    """
    adapter = of_job(params, local)
    if adapter.fitted:
        return _features(adapter, params, inputs, documents)
    return _windows(adapter, params, inputs, documents)


def _windows(
    adapter: Adapter, params: Params, inputs: Mapping[str, Path], documents: Documents
) -> Float[np.ndarray, "n d"]:
    """Embed by windows, with smaller batches where one does not fit into memory."""
    encoder = adapter.load(
        device=params["device"],
        dtype=params["precision"],
        attention=params["attention"],
        checkpoint=inputs["adapted"] / "checkpoint" if "adapted" in inputs else None,
    )
    tokens = getattr(encoder, "special_tokens", None)
    refuse_other_tokens(tokens, TextView(**params["view"]))
    budget: int = params["batch_tokens"]
    while True:
        try:
            return _pass(encoder, params, documents, budget)
        except batching.BatchMemoryError:
            budget = batching.halve(budget, context=encoder.context)


def _pass(
    encoder: Any, params: Params, documents: Documents, batch_tokens: int
) -> Float[np.ndarray, "n d"]:
    from embedders.averaging import document_vectors
    from embedders.cutting import Cutter
    from embedders.forward import window_vectors

    cutter = Cutter(encoder, overlap=params["overlap"], shard_tokens=params["shard_tokens"])
    options = {"batch_tokens": batch_tokens, "padding": params["padding"]}
    made = [window_vectors(shard, encoder, **options).vectors for shard in cutter.shards(documents)]
    rows = document_vectors(cutter.ledger, lambda shard: made[shard])
    return np.concatenate([some.vectors for some in rows])


def _features(
    adapter: FittedAdapter, params: Params, inputs: Mapping[str, Path], documents: Documents
) -> Vectors:
    """Fit features on the train documents again; they have to be what they were."""
    split = pd.read_parquet(inputs["split"] / "split.parquet")
    train = set(split.loc[split["side"] == "train", "id"])
    view, stored = TextView(**params["view"]), inputs["corpus"] / DOCUMENTS
    ids = [document.id for document in read_documents(stored, train)]

    def texts() -> Iterable[list[str]]:
        for document in read_documents(stored, train):
            yield [view.apply(part) for part in document.parts]

    featurizer = adapter.load_featurizer()
    featurizer.fit(texts())
    known = vectors.load(inputs["vectors"])
    before: Any = known.matrix[positions(known.ids, ids)]
    after: Any = featurizer.transform(texts())
    if before.shape != after.shape or (before != after).nnz:
        raise InputError(
            f"adapter {params['adapter']!r}: the features of the train documents are not those of "
            "the run (other versions of packages?): run the suite again"
        )
    return featurizer.transform(parts for _, parts in itertools.chain(documents))
