"""Behind `adapters.training.train`: transformers' `Trainer`, made deterministic and resumable.

What is ours, and why: the order of examples comes from (seed, epoch) and not from the global
generator; validation losses are exact means over labels, not means of batch means; early stopping
is a function of the recorded history, so that a training killed after its last epoch is not taken
one epoch too far; checkpoints hold only what is trained (`adapters.training_saving`) and carry
hashes (`adapters.training_checkpoints`); several workers take the steps that one would take
(`adapters.training_workers`).
"""

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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

from adapters import training_workers as group
from adapters.training import Collate, Examples, Metrics, TrainingResult, TrainingSettings
from adapters.training_checkpoints import last_complete, mark_complete
from adapters.training_divergence import Divergence
from adapters.training_guards import generators_kept, model_kept, quiet
from adapters.training_history import curves, out_of_patience
from adapters.training_order import EpochSampler
from adapters.training_rates import one_cycle, split_by_rate
from adapters.training_saving import load_trained, save_trained
from adapters.training_validation import validate


@dataclass(frozen=True, kw_only=True)
class Task:
    """The arguments of `adapters.training.train`; see there.

    Of the model it has the `architecture` alone (`adapters.training_saving`).
    """

    architecture: str

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
        return {
            **asdict(self.settings),
            "examples": examples,
            "best_by": self.best_by,
            "architecture": self.architecture,
        }


def run(model: nn.Module, task: Task) -> TrainingResult:
    """Train, or go on training; see `adapters.training.train`."""
    checkpoint = _resumable(task)
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


def _resumable(task: Task) -> Path | None:
    """Find the checkpoint to go on from; the first worker looks, and removes unsound ones."""
    found = None
    if group.rank(task.settings.workers) == 0:
        task.workdir.mkdir(parents=True, exist_ok=True)
        found = last_complete(task.workdir, task.identity())
    return group.agreed(found, task.settings.workers)


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
        self.net = model
        self.order = EpochSampler(
            len(task.train_data),
            seed=task.settings.seed,
            batch_size=task.settings.batch_size,
            lengths=task.lengths,
        )

    def get_train_dataloader(self) -> DataLoader[Any]:
        return self._loader(self.task.train_data, self.order)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        return self._loader(self.task.valid_data, range(len(self.task.valid_data or ())))

    def _loader(self, data: Any, sampler: Any) -> DataLoader[Any]:
        """Load this worker's share; accelerate's own sharding would repeat examples."""
        workers = self.task.settings.workers
        batches = group.SharedBatches(
            sampler,
            batch_size=self.task.settings.batch_size,
            rank=group.rank(workers),
            workers=workers,
        )
        collate, pinned = self.task.collate, self.args.dataloader_pin_memory
        return DataLoader(data, batch_sampler=batches, collate_fn=collate, pin_memory=pinned)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        is_new = self.optimizer is None
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        if is_new:
            split_by_rate(optimizer, self.net, self.task.settings.rates)
        return optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        settings = self.task.settings
        if settings.schedule == "one_cycle" and self.lr_scheduler is None:
            steps = settings.epochs * self.task.steps_per_epoch()
            stepped: Any = optimizer or self.optimizer
            self.lr_scheduler = one_cycle(stepped, steps=steps, warmup_share=settings.warmup_share)
        return super().create_scheduler(num_training_steps, optimizer)

    def compute_loss(self, model: nn.Module, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        loss: Any = super().compute_loss(model, inputs, *args, **kwargs)
        return loss * group.weight(inputs["labels"], self.task.settings.workers)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if self.args.should_save:
            save_trained(self.net, Path(str(output_dir)))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load_trained(self.net, Path(resume_from_checkpoint))

    def _load_best_model(self) -> None:
        load_trained(self.net, Path(str(self.state.best_model_checkpoint)))

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss = super().training_step(*args, **kwargs)
        if not math.isfinite(value := loss.item()):
            raise self._divergence(value).in_training(list(self.order))
        return loss

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: Any = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        _tell_epoch(self.task.collate, 0)
        found = validate(
            self.net,
            map(self._prepare_inputs, self.get_eval_dataloader()),
            metrics=self.task.metrics,
            workers=self.task.settings.workers,
        )
        if not math.isfinite(loss := found.values["loss"]):
            held_out = range(len(self.task.valid_data or ()))
            raise self._divergence(loss).in_validation(held_out, found.broken)
        measured = {f"{metric_key_prefix}_{name}": value for name, value in found.values.items()}
        self.log(dict(measured))
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, measured
        )
        return measured

    def _divergence(self, value: float) -> Divergence:
        return Divergence(
            value=value,
            step=self.state.global_step,
            steps=self.state.max_steps,
            per_epoch=self.task.steps_per_epoch(),
            net=self.net,
            settings=self.task.settings,
        )

    def result(self) -> TrainingResult:
        per_epoch = self.task.steps_per_epoch()
        best = self.state.best_global_step
        return TrainingResult(
            curves=curves(self.state.log_history),
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
        self._report(state)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        epoch = state.global_step // self.task.steps_per_epoch() + 1
        kwargs["train_dataloader"].batch_sampler.sampler.epoch = epoch
        _tell_epoch(self.task.collate, epoch)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._report(state)

    def _report(self, state: TrainerState) -> None:
        if self.task.progress is not None and state.is_world_process_zero:
            self.task.progress(state.global_step / state.max_steps)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if out_of_patience(
            state.log_history, self.task.settings.patience, best_by=self.task.best_by
        ):
            control.should_training_stop = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        group.wait(self.task.settings.workers)  # each has written its generators' state
        checkpoint = self.task.workdir / f"checkpoint-{state.global_step}"
        if state.is_world_process_zero:
            mark_complete(checkpoint, self.task.identity(), state.best_global_step or None)


def _arguments(task: Task, checkpoint: Path | None) -> TrainingArguments:
    settings, cuda = task.settings, torch.cuda.is_available()
    best = settings.patience is not None
    arguments = TrainingArguments(
        output_dir=str(task.workdir),
        num_train_epochs=_epochs_to_reach(task, checkpoint),
        per_device_train_batch_size=settings.batch_size // settings.workers,
        per_device_eval_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        adam_beta1=settings.betas[0],
        adam_beta2=settings.betas[1],
        adam_epsilon=settings.eps,
        weight_decay=settings.weight_decay,
        warmup_steps=settings.warmup_share,
        lr_scheduler_type="constant_with_warmup" if settings.schedule == "constant" else "linear",
        seed=settings.seed,
        bf16=settings.precision == "bf16",
        use_cpu=not cuda,
        dataloader_pin_memory=cuda,
        ddp_find_unused_parameters=False,
        average_tokens_across_devices=False,  # `compute_loss` weighs the workers' shares
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
        if out_of_patience(state.log_history, task.settings.patience, best_by=task.best_by):
            return int(state.global_step) // task.steps_per_epoch()
    return task.settings.epochs


def _tell_epoch(collate: Collate, epoch: int) -> None:
    if hasattr(collate, "set_epoch"):
        collate.set_epoch(epoch)
