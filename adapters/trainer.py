"""Behind `adapters.training.train`: transformers' `Trainer`, made deterministic and resumable.

What is ours, and why: the order of examples comes from (seed, epoch) and not from the global
generator; validation losses are exact means over labels, not means of batch means; early stopping
is a function of the recorded history, so that a training killed after its last epoch is not taken
one epoch too far; checkpoints carry hashes (`adapters.training_checkpoints`).
"""

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from adapters.training import Collate, Examples, Metrics, TrainingResult, TrainingSettings
from adapters.training_checkpoints import last_complete, mark_complete
from adapters.training_guards import generators_kept, model_kept, quiet
from adapters.training_order import EpochSampler
from results.errors import InputError
from results.records import Curve


@dataclass(frozen=True, kw_only=True)
class Task:
    """The arguments of `adapters.training.train` but the model; see there."""

    train_data: Examples
    valid_data: Examples | None
    collate: Collate
    settings: TrainingSettings
    workdir: Path
    metrics: Metrics | None
    lengths: Sequence[int] | None
    best_by: str
    progress: Callable[[float], None] | None

    def steps_per_epoch(self) -> int:
        """Optimizer steps of one pass over the training data."""
        return math.ceil(len(self.train_data) / self.settings.batch_size)

    def identity(self) -> dict[str, Any]:
        """What must be the same for a checkpoint to be resumed from."""
        examples = [len(self.train_data), len(self.valid_data) if self.valid_data else 0]
        return {**asdict(self.settings), "examples": examples, "best_by": self.best_by}


def run(model: nn.Module, task: Task) -> TrainingResult:
    """Train, or go on training; see `adapters.training.train`."""
    task.workdir.mkdir(parents=True, exist_ok=True)
    checkpoint = last_complete(task.workdir, task.identity())
    with ExitStack() as stack:
        stack.enter_context(generators_kept())
        stack.enter_context(quiet())
        stack.enter_context(model_kept(model))
        stack.enter_context(
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
        )
        engine = _Engine(model, task, checkpoint)
        engine.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    model.eval()
    return engine.result()


class _Engine(Trainer):
    def __init__(self, model: nn.Module, task: Task, checkpoint: Path | None):
        super().__init__(
            model=model,
            args=_arguments(task, checkpoint),
            data_collator=task.collate,
            train_dataset=task.train_data,
            eval_dataset=task.valid_data,
            callbacks=[_Follow(task)],
        )
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = False  # else num_items_in_batch would join the batch
        self.task = task

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochSampler:
        return EpochSampler(
            len(self.task.train_data),
            seed=self.task.settings.seed,
            batch_size=self.task.settings.batch_size,
            lengths=self.task.lengths,
        )

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss = super().training_step(*args, **kwargs)
        self._refuse_unless_finite("training loss", loss.item(), self.state.global_step + 1)
        return loss

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: Any = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        _tell_epoch(self.task.collate, 0)
        values = _validate(self.model_wrapped, self.get_eval_dataloader(), self.task.metrics)
        self._refuse_unless_finite("validation loss", values["loss"], self.state.global_step)
        measured = {f"{metric_key_prefix}_{name}": value for name, value in values.items()}
        self.log(dict(measured))
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, measured
        )
        return measured

    def _refuse_unless_finite(self, what: str, value: float, step: int) -> None:
        if not math.isfinite(value):
            rate = self.task.settings.learning_rate
            raise InputError(
                f"training diverged: {what} is {value} at step {step} of {self.state.max_steps}; "
                f"lower learning_rate (now {rate:g}) or use precision fp32"
            )

    def result(self) -> TrainingResult:
        per_epoch = self.task.steps_per_epoch()
        best = self.state.best_global_step
        return TrainingResult(
            curves=_curves(self.state.log_history),
            steps=self.state.global_step,
            epochs=self.state.global_step / per_epoch,
            best_epoch=best / per_epoch if best else None,
        )


class _Follow(TrainerCallback):
    """Tells the epoch to sampler and collator, stops early, marks checkpoints, reports progress."""

    def __init__(self, task: Task):
        self.task = task

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.best_global_step:  # the folder may have moved since the first attempt
            best = self.task.workdir / f"checkpoint-{state.best_global_step}"
            state.best_model_checkpoint = str(best)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        epoch = state.global_step // self.task.steps_per_epoch() + 1
        _sampler_of(kwargs["train_dataloader"]).epoch = epoch
        _tell_epoch(self.task.collate, epoch)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self.task.progress is not None:
            self.task.progress(state.global_step / state.max_steps)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if _out_of_patience(state.log_history, self.task):
            control.should_training_stop = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        checkpoint = self.task.workdir / f"checkpoint-{state.global_step}"
        mark_complete(checkpoint, self.task.identity(), state.best_global_step or None)


def _arguments(task: Task, checkpoint: Path | None) -> TrainingArguments:
    settings, cuda = task.settings, torch.cuda.is_available()
    best = settings.patience is not None
    arguments = TrainingArguments(
        output_dir=str(task.workdir),
        num_train_epochs=_epochs_to_reach(task, checkpoint),
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=settings.warmup_share,
        lr_scheduler_type="constant_with_warmup" if settings.schedule == "constant" else "linear",
        seed=settings.seed,
        bf16=settings.precision == "bf16",
        use_cpu=not cuda,
        dataloader_pin_memory=cuda,
        remove_unused_columns=False,
        label_names=["labels"],
        eval_strategy="no" if task.valid_data is None else "epoch",
        eval_on_start=task.valid_data is not None and checkpoint is None,
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=best,
        metric_for_best_model=f"eval_{task.best_by}" if best else None,
        greater_is_better=task.best_by != "loss" if best else None,
        logging_strategy="epoch",
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # more would be DataParallel, behind our back
    return arguments


def _epochs_to_reach(task: Task, checkpoint: Path | None) -> int:
    """All epochs, or those of `checkpoint` where patience ended the training with it."""
    if checkpoint is not None:
        state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        if _out_of_patience(state.log_history, task):
            return int(state.global_step) // task.steps_per_epoch()
    return task.settings.epochs


def _out_of_patience(history: list[dict[str, float]], task: Task) -> bool:
    if task.settings.patience is None:
        return False
    name = f"eval_{task.best_by}"
    values = [entry[name] for entry in history if name in entry and entry["step"] > 0]
    if not values:
        return False
    best = values.index(min(values) if task.best_by == "loss" else max(values))
    return len(values) - 1 - best >= task.settings.patience


def _validate(
    model: nn.Module, loader: DataLoader[Any], metrics: Metrics | None
) -> dict[str, float]:
    """Loss as the mean over all labels but -100, and the metrics on all examples at once."""
    model.eval()
    total, count = 0.0, 0
    logits, labels = [], []
    with torch.no_grad():
        for batch in loader:
            output = model(**batch)
            counted = int((batch["labels"] != -100).sum())
            total += output["loss"].double().item() * counted if counted else 0.0
            count += counted
            if metrics is not None:
                logits.append(output["logits"].float().cpu().numpy())
                labels.append(batch["labels"].cpu().numpy())
    assert count, "the validation data holds no label"
    scores = metrics(np.concatenate(logits), np.concatenate(labels)) if metrics is not None else {}
    return {"loss": total / count, **scores}


def _curves(history: list[dict[str, float]]) -> list[Curve]:
    names = {"loss": "train_loss"}
    for entry in history:
        names |= {k: f"valid_{k.removeprefix('eval_')}" for k in entry if k.startswith("eval_")}
    curves = []
    for key, name in sorted(names.items(), key=lambda pair: pair[1]):
        points = [(entry["epoch"], entry[key]) for entry in history if key in entry]
        at, values = [p[0] for p in points], [p[1] for p in points]
        curves.append(Curve(name=name, unit="epoch", at=at, values=values))
    return curves


def _tell_epoch(collate: Collate, epoch: int) -> None:
    if hasattr(collate, "set_epoch"):
        collate.set_epoch(epoch)


def _sampler_of(loader: Any) -> EpochSampler:
    sampler = loader.batch_sampler.sampler
    assert isinstance(sampler, EpochSampler), "accelerate replaced the sampler"
    return sampler
