"""How a sequence classifier is trained and run: reading documents, batches, the training engine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped

from adapters.blocks import stack
from adapters.encoder import Tokenizer
from adapters.loading import quiet
from adapters.training import TrainingSettings
from classifiers.fitting import Predictions
from classifiers.losses import class_weights
from classifiers.network_training import learn
from classifiers.sequence import Coverage, Finetune, FittedSequence, Source
from classifiers.sequence_loading import Loaded, load
from classifiers.sequence_model import SequenceModel

_PARTS = 64  # of a document, tokenized at once


@dataclass(frozen=True)
class Reading:
    """What the model reads of one document.

    Attributes:
        ids: with the model's special tokens, at most the context.
        read: how many of them are the document's own.
        tokens: how many the document has.
    """

    ids: Int[np.ndarray, " t"]
    read: int
    tokens: int


def read_document(
    parts: Sequence[str], tokenizer: Tokenizer, *, room: int, keep: Literal["start", "end"]
) -> Reading:
    """Tokenize a document part by part, keeping `room` tokens of one end.

    Args:
        parts: the document.
        tokenizer: of the model.
        room: tokens beside the special ones.
        keep: which end.

    Returns:
        One padding token where there is neither a token nor a special one.
    """
    kept: list[int] = []
    tokens = 0
    for start in range(0, len(parts), _PARTS):
        for ids in tokenizer.encode(list(parts[start : start + _PARTS])):
            tokens += len(ids)
            kept = [*kept, *ids][:room] if keep == "start" else [*kept, *ids][-room:]
    wrapped = tokenizer.wrap(kept) or [tokenizer.pad_id]
    return Reading(np.array(wrapped, dtype=np.int64), len(kept), tokens)


def fit_sequence(
    settings: Finetune,
    texts: Sequence[Sequence[str]],
    labels: Shaped[np.ndarray, " n"],
    valid: Bool[np.ndarray, " n"],
    *,
    source: Source,
    seed: int,
    workdir: Path,
    progress: Callable[[float], None] | None,
) -> FittedSequence:
    """Fine-tune on the documents outside `valid`; see `Finetune.fit`."""
    classes, numbers = np.unique(labels, return_inverse=True)
    loaded = load(settings, source, classes.tolist(), seed=seed)
    readings = _read(settings, loaded, texts)
    weights = class_weights(numbers[~valid], len(classes))
    network = SequenceModel(loaded.model, torch.tensor(weights, dtype=torch.float32))
    result = learn(
        network,
        [(reading.ids, int(number)) for reading, number in zip(readings, numbers, strict=True)],
        valid,
        collate=Collate(loaded.framed.pad_id),
        settings=TrainingSettings(
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.rate,
            weight_decay=settings.weight_decay,
            warmup_share=settings.warmup_share,
            patience=settings.patience,
            seed=seed,
            precision=source.precision,
        ),
        workdir=workdir,
        lengths=np.array([len(reading.ids) for reading in readings]),
        progress=progress,
    )
    return FittedSequence(
        settings=settings,
        loaded=loaded,
        classes=classes.tolist(),
        precision=source.precision,
        coverage=_coverage(readings),
        curves=result.curves,
        best_epoch=result.best_epoch,
    )


def predict(fitted: FittedSequence, texts: Sequence[Sequence[str]]) -> tuple[Predictions, Coverage]:
    """Classify documents in batches of like length; see `FittedSequence.predict`."""
    readings = _read(fitted.settings, fitted.loaded, texts)
    order = np.argsort([len(reading.ids) for reading in readings], kind="stable")
    classes, size = fitted.classes, fitted.settings.batch_size
    scores: Float[np.ndarray, "n c"] = np.zeros((len(texts), len(classes)))
    network = SequenceModel(fitted.loaded.model, torch.ones(len(classes))).eval()
    place = next(network.parameters()).device
    collate = Collate(fitted.loaded.framed.pad_id)
    with quiet(), torch.no_grad(), _precision(place, fitted.precision):
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            batch = collate([(readings[i].ids, 0) for i in rows])
            ids, lengths = batch["input_ids"].to(place), batch["lengths"].to(place)
            logits = network(ids, lengths)["logits"]
            scores[rows] = logits.double().softmax(dim=1).cpu().numpy()
    labels = np.array(classes)[scores.argmax(axis=1)]
    return Predictions(labels, scores, classes), _coverage(readings)


class Collate:
    """(ids, class number) pairs to a batch, padded to its longest."""

    def __init__(self, pad_id: int) -> None:
        """Remember what to pad with; it is never attended to."""
        self.pad_id = pad_id

    def __call__(
        self, examples: Sequence[tuple[Int[np.ndarray, " t"], int]]
    ) -> dict[str, torch.Tensor]:
        """``input_ids`` (n x t), ``lengths`` (n) and ``labels`` (n)."""
        return {
            "input_ids": stack([ids for ids, _ in examples], self.pad_id),
            "lengths": torch.tensor([len(ids) for ids, _ in examples]),
            "labels": torch.tensor([label for _, label in examples]),
        }


@contextmanager
def _precision(place: torch.device, precision: str) -> Iterator[None]:
    """Compute as the training engine does: bf16 under autocast, fp32 as it is."""
    with torch.autocast(place.type, torch.bfloat16, enabled=precision == "bf16"):
        yield


def _read(settings: Finetune, loaded: Loaded, texts: Sequence[Sequence[str]]) -> list[Reading]:
    room, keep = loaded.room, settings.keep
    return [read_document(parts, loaded.framed, room=room, keep=keep) for parts in texts]


def _coverage(readings: Sequence[Reading]) -> Coverage:
    return Coverage(
        documents=len(readings),
        cut=sum(reading.read < reading.tokens for reading in readings),
        tokens=sum(reading.tokens for reading in readings),
        read=sum(reading.read for reading in readings),
    )
