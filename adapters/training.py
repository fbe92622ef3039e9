"""The one training engine of the house: every network here learns through `train`.

It drives transformers' `Trainer` (`adapters.trainer`), and adds what the house promises: the same
seed and thread count give the same bytes; an interrupted training goes on as if it had never
stopped; the process's random generators are left as they were found; nothing is printed.

In: a module whose ``forward(**batch)`` returns ``{"loss": ..., "logits": ...}``, map-style data and
a collator. Out: the module trained in place, and a `TrainingResult` with its learning curves.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from results.errors import InputError
from results.records import Curve

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

Collate = Callable[[list[Any]], dict[str, Any]]
Metrics = Callable[["np.ndarray", "np.ndarray"], Mapping[str, float]]


class Examples(Protocol):
    """Map-style data: any length-aware, indexable container of examples."""

    def __len__(self) -> int:
        """Number of examples."""

    def __getitem__(self, index: int, /) -> Any:
        """Example number `index`, 0-based."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a network is trained.

    Attributes:
        epochs: passes over the training data, at most.
        batch_size: examples per step, over all workers, and per forward pass of the validation.
        learning_rate: peak step size of AdamW (gradients clipped at norm 1).
        betas: how slowly AdamW's means of the gradients and of their squares move.
        eps: what AdamW adds to the root it divides by.
        rates: (beginning of a weight's name, factor of its learning rate); of those that fit a name
            the longest counts, and where none does the factor is 1.
        weight_decay: AdamW's decoupled decay; biases and normalisation layers are exempt.
        warmup_share: share of all steps over which the learning rate rises from 0, 0 to 1.
        schedule: what the learning rate does after the warm-up; "linear" falls to 0 at the end,
            "one_cycle" rises and falls along cosines (`adapters.training_rates`).
        patience: stop after this many epochs without a better validation value and take the best
            epoch's weights; `None` trains all epochs and keeps the last weights.
        seed: decides the order of examples, dropout and, through the collator, masks.
        precision: "bf16" runs the forward pass under autocast, weights keep their format.
        workers: processes that share each batch; this one is one of them, in a torch process group.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    rates: tuple[tuple[str, float], ...] = ()
    weight_decay: float = 0.0
    warmup_share: float = 0.0
    schedule: Literal["linear", "constant", "one_cycle"] = "linear"
    patience: int | None = None
    seed: int
    precision: Literal["fp32", "bf16"] = "fp32"
    workers: int = 1


@dataclass(frozen=True)
class TrainingResult:
    """What a training did.

    Attributes:
        curves: ``train_loss`` at epochs 1, 2, ...; with validation data also ``valid_loss`` and one
            ``valid_<name>`` per metric or sum at epochs 0 (before training), 1, 2, ...
        steps: optimizer steps taken, those before an interruption included.
        epochs: passes over the training data.
        best_epoch: the epoch whose weights the model now holds; `None` where they are the last.
    """

    curves: list[Curve]
    steps: int
    epochs: float
    best_epoch: float | None


def train(  # noqa: PLR0913 - the one door to training; each argument is a choice of the caller's
    model: "nn.Module",
    *,
    train_data: Examples,
    valid_data: Examples | None,
    collate: Collate,
    settings: TrainingSettings,
    workdir: Path,
    metrics: Metrics | None = None,
    lengths: Sequence[int] | None = None,
    best_by: str = "loss",
    progress: Callable[[float], None] | None = None,
) -> TrainingResult:
    """Train those of `model`'s weights that require gradients, in place, on `device()`.

    If `collate` has a method ``set_epoch(epoch)``, it is told 1, 2, ... before each training epoch
    and 0 before each validation, so that masks can derive from (seed, epoch, example): those of the
    validation are then the same at every epoch.

    Args:
        model: ``forward(**batch)`` returns a mapping with ``loss`` (the mean over the labels that
            are not -100), with `metrics` also ``logits``, and may return ``sums``: name -> a tensor
            of a sum and a count, whose quotient over all validation batches is reported. Left in
            evaluation mode, on the device it was trained on. To resume, pass it as it was at the
            first attempt: checkpoints hold only what is trained.
        train_data: examples, taken in an order that (seed, epoch) decides.
        valid_data: examples, taken in their own order; `None` skips the validation.
        collate: a list of examples -> a batch of tensors, ``labels`` among them.
        settings: how to train.
        workdir: private to this training and its workers. It holds a checkpoint per epoch (the last
            two and the best); those of an earlier attempt are resumed from if settings, numbers of
            examples and the model's architecture are equal, and removed if not.
        metrics: (logits ``n x ...``, labels ``n x ...``) of the validation -> name -> value,
            greater is better. Without it logits are not kept.
        lengths: length of each training example; batches then hold examples of like length.
        best_by: "loss" or a name that `metrics` returns; what `patience` watches.
        progress: called with the share of all steps done, 0 to 1: first with that of an earlier
            attempt, then after each step.

    Raises:
        InputError: the loss became infinite or not a number; names the batch and its examples. Or a
            batch that the workers cannot share equally.
    """
    from adapters import trainer
    from adapters.training_saving import architecture

    if settings.batch_size % settings.workers:
        raise InputError(
            f"batch_size {settings.batch_size} cannot be shared equally by {settings.workers} "
            "workers: change one of the two"
        )
    assert metrics is None or settings.workers == 1, "metrics need all logits in one place"
    assert settings.patience is None or valid_data is not None, "patience needs validation data"
    assert best_by == "loss" or metrics is not None, "best_by names a metric, but there are none"
    return trainer.run(
        model,
        trainer.Task(
            architecture=architecture(model),
            train_data=train_data,
            valid_data=valid_data,
            collate=collate,
            settings=settings,
            workdir=workdir,
            metrics=metrics,
            lengths=lengths,
            best_by=best_by,
            progress=progress,
        ),
    )


def device() -> str:
    """Name the device that this process trains on: its own CUDA device, else the CPU."""
    import torch

    return f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
