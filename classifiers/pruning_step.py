"""One step of pruning: a dense model is ranked and cut, and left as a checkpoint to train on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from adapters.loading import quiet
from classifiers.losses import class_weights
from classifiers.pruning import Pruning
from classifiers.pruning_criteria import Scores, best, magnitude, taylor
from classifiers.pruning_layers import cut, width
from classifiers.sequence import Finetune
from classifiers.sequence_loading import Loaded
from classifiers.sequence_model import SequenceModel
from classifiers.sequence_reading import Reader
from classifiers.sequence_training import Collate
from results.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Documents:
    """Training documents that a criterion may ask.

    Attributes:
        texts: as parts, n.
        labels: class of each, n.
        valid: those that decide when to stop, n; they are not asked.
    """

    texts: Sequence[Sequence[str]]
    labels: Shaped[np.ndarray, " n"]
    valid: Bool[np.ndarray, " n"]


def prune(
    settings: Pruning,
    finetune: Finetune,
    loaded: Loaded,
    documents: Documents,
    *,
    keep: int,
    seed: int,
    out: Path,
) -> None:
    """Cut a dense model in place and save it as a checkpoint of transformers.

    Args:
        settings: by which criterion.
        finetune: how documents are read.
        loaded: the model; one with `keep` neurons per layer is saved as it is.
        documents: what the criterion asks.
        keep: neurons that stay in each layer.
        seed: decides which documents are asked.
        out: folder to write.

    Raises:
        InputError: an architecture that cannot be pruned, or a model with fewer neurons.
    """
    now = width(loaded.model)
    if keep > now:
        raise InputError(
            f"prune: {keep} neurons are to stay in each layer, and the model has {now}: prune the "
            "fine-tuned model, or one of a lower level"
        )
    if keep < now:
        if settings.criterion == "taylor":
            scores = _taylor(settings, finetune, loaded, documents, seed)
        else:
            scores = magnitude(loaded.model)
        cut(loaded.model, best(scores, keep))
    with quiet():
        loaded.model.save_pretrained(out)
        loaded.tokenizer.save_pretrained(out)


def _taylor(
    settings: Pruning, finetune: Finetune, loaded: Loaded, documents: Documents, seed: int
) -> Scores:
    classes, numbers = np.unique(documents.labels, return_inverse=True)
    rows = np.flatnonzero(~documents.valid)
    weights = class_weights(numbers[rows], len(classes))
    network = SequenceModel(
        loaded.model,
        torch.tensor(weights, dtype=torch.float32, device=loaded.model.device),
        rows_at_once=finetune.batch_size,
    )
    chosen = np.random.default_rng(seed).permutation(rows)[: settings.documents]
    return taylor(network, _batches(finetune, loaded, documents, numbers, chosen))


def _batches(
    finetune: Finetune, loaded: Loaded, documents: Documents, numbers: Any, chosen: Any
) -> Iterator[Mapping[str, Tensor]]:
    reader, collate = Reader.of(finetune, loaded), Collate(loaded.framed.pad_id)
    for row in chosen.tolist():
        yield collate([(reader.read(documents.texts[row]), int(numbers[row]))])
