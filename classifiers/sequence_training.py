"""How a sequence classifier is trained and run: batches, and the training engine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped

from adapters.blocks import stack
from adapters.loading import quiet
from adapters.training import TrainingResult, TrainingSettings
from classifiers.fitting import Predictions
from classifiers.losses import class_weights
from classifiers.network_training import learn
from classifiers.sequence import Coverage, Finetune, FittedSequence, Source
from classifiers.sequence_loading import load
from classifiers.sequence_model import SequenceModel
from classifiers.sequence_reading import Reader, Reading, coverage
from results.errors import InputError, nearest


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
    positive = _positive(settings, classes.tolist())
    loaded = load(settings, source, classes.tolist(), seed=seed)
    reader = Reader.of(settings, loaded)
    readings = [reader.read(parts) for parts in texts]
    if settings.method == "none":
        loaded.model.requires_grad_(False)
        result = TrainingResult(curves=[], steps=0, epochs=0.0, best_epoch=None)
    else:
        weights = class_weights(numbers[~valid], len(classes))
        result = learn(
            SequenceModel(loaded.model, _floats(weights), rows_at_once=settings.batch_size),
            list(zip(readings, numbers.tolist(), strict=True)),
            valid,
            collate=Collate(loaded.framed.pad_id),
            settings=_engine(settings, source, seed),
            workdir=workdir,
            lengths=np.array([reading.length for reading in readings]),
            best_by=settings.best_by,
            positive=positive,
            progress=progress,
        )
    return FittedSequence(
        settings=settings,
        loaded=loaded,
        classes=classes.tolist(),
        precision=source.precision,
        coverage=coverage(readings),
        curves=result.curves,
        best_epoch=result.best_epoch,
        parameters=sum(p.numel() for p in loaded.model.parameters() if p.requires_grad),
        is_whole=not settings.has_updates,
    )


def _positive(settings: Finetune, classes: list[str]) -> int | None:
    if settings.positive is None or settings.positive in classes:
        return None if settings.positive is None else classes.index(settings.positive)
    raise InputError(
        f"finetune: positive {settings.positive!r} is no class of the training documents: "
        f"{nearest(settings.positive, classes)}"
    )


def _engine(settings: Finetune, source: Source, seed: int) -> TrainingSettings:
    return TrainingSettings(
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.rate,
        weight_decay=settings.weight_decay,
        warmup_share=settings.warmup_share,
        patience=settings.patience,
        seed=seed,
        precision=source.precision,
    )


def _floats(values: Float[np.ndarray, " c"]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def predict(fitted: FittedSequence, texts: Sequence[Sequence[str]]) -> tuple[Predictions, Coverage]:
    """Classify documents in batches of like length; see `FittedSequence.predict`."""
    reader = Reader.of(fitted.settings, fitted.loaded)
    readings = [reader.read(parts) for parts in texts]
    order = np.argsort([reading.length for reading in readings], kind="stable")
    classes, size = fitted.classes, fitted.settings.batch_size
    scores: Float[np.ndarray, "n c"] = np.zeros((len(texts), len(classes)))
    network = SequenceModel(fitted.loaded.model, torch.ones(len(classes)), rows_at_once=size).eval()
    place = next(network.parameters()).device
    collate = Collate(fitted.loaded.framed.pad_id)
    with quiet(), torch.no_grad(), _precision(place, fitted.precision):
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            batch = collate([(readings[i], 0) for i in rows])
            del batch["labels"]
            logits = network(**{name: part.to(place) for name, part in batch.items()})["logits"]
            scores[rows] = logits.double().softmax(dim=1).cpu().numpy()
    labels = np.array(classes)[scores.argmax(axis=1)]
    return Predictions(labels, scores, classes), coverage(readings)


class Collate:
    """(reading, class number) pairs to a batch of windows, padded to the longest."""

    def __init__(self, pad_id: int) -> None:
        """Remember what to pad with; it is never attended to."""
        self.pad_id = pad_id

    def __call__(self, examples: Sequence[tuple[Reading, int]]) -> dict[str, torch.Tensor]:
        """``input_ids`` (m x t), ``lengths`` (m), ``windows`` (n, how many) and ``labels`` (n)."""
        windows = [window for reading, _ in examples for window in reading.windows]
        return {
            "input_ids": stack(windows, self.pad_id),
            "lengths": torch.tensor([len(window) for window in windows]),
            "windows": torch.tensor([len(reading.windows) for reading, _ in examples]),
            "labels": torch.tensor([label for _, label in examples]),
        }


@contextmanager
def _precision(place: torch.device, precision: str) -> Iterator[None]:
    """Compute as the training engine does: bf16 under autocast, fp32 as it is."""
    with torch.autocast(place.type, torch.bfloat16, enabled=precision == "bf16"):
        yield
