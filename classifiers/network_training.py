"""How every network that classifies learns: a validation part of train decides when to stop."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import nn

from adapters.training import Collate, TrainingResult, TrainingSettings, train
from results.metrics import score


def learn(  # noqa: PLR0913 - the door to `train`, whose arguments these are
    network: nn.Module,
    examples: Sequence[Any],
    valid: Bool[np.ndarray, " n"],
    *,
    collate: Collate,
    settings: TrainingSettings,
    workdir: Path,
    lengths: Int[np.ndarray, " n"] | None = None,
    best_by: str = "loss",
    positive: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> TrainingResult:
    """Train a network in place on the examples outside `valid`.

    Args:
        network: its ``logits`` have one column per class, its batches class numbers as ``labels``.
        examples: training documents as `collate` takes them, n.
        valid: documents held out to decide when to stop; where there are none, all epochs are
            trained and the last weights kept.
        collate: see `adapters.training.train`.
        settings: how to train.
        workdir: private to this training; an interrupted one is resumed from it.
        lengths: of the examples; batches then hold examples of like length.
        best_by: "loss" or a name that `metrics` returns: what decides when to stop.
        positive: number of the class whose F1 is measured, too.
        progress: called with the share done, 0 to 1.
    """
    rows, held_out = np.flatnonzero(~valid), np.flatnonzero(valid)
    if lengths is not None:
        held_out = held_out[np.argsort(lengths[held_out], kind="stable")]
    return train(
        network,
        train_data=[examples[i] for i in rows.tolist()],
        valid_data=[examples[i] for i in held_out.tolist()] or None,
        collate=collate,
        settings=settings if len(held_out) else replace(settings, patience=None),
        workdir=workdir,
        metrics=partial(metrics, positive=positive),
        lengths=None if lengths is None else lengths[rows].tolist(),
        best_by=best_by,
        progress=progress,
    )


def metrics(
    logits: Float[np.ndarray, "n c"],
    labels: Int[np.ndarray, " n"],
    *,
    positive: int | None = None,
) -> dict[str, float]:
    """Accuracy, and the unweighted mean of the F1 of the classes that occur among the labels.

    `positive`: number of a class whose ``f1`` is told, too; 0 where it neither occurs nor is said.
    """
    names = [str(number) for number in range(logits.shape[1])]
    truth, guess = np.array(names)[labels], np.array(names)[logits.argmax(axis=1)]
    scores = score(truth.tolist(), guess.tolist(), names)
    occurring = [one.f1 for one in scores.per_class.values() if one.support]
    found = {"accuracy": scores.accuracy, "macro_f1": float(np.mean(occurring))}
    return found if positive is None else {**found, "f1": scores.per_class[names[positive]].f1}
