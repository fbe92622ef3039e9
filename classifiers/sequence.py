"""End-to-end fine-tuning: a pretrained model with a head on top learns the classes itself.

Seed paper, Table II's last row: BigBird, documents cut at 4,096 tokens, batch 8, up to 200 epochs,
patience 30. Whatever transformers has a sequence-classification class for can be trained so; all
weights, or low-rank updates (LoRA) under a head that is trained in full, over encoder layers in 4
bits where asked (QLoRA; Dettmers et al., NeurIPS 2023). Longer documents can be read in windows,
whose scores are averaged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Bool
from pydantic import JsonValue

from adapters.adapter import Adapter
from classifiers.settings import check
from results.errors import InputError
from results.records import Curve

if TYPE_CHECKING:
    from classifiers.fitting import Predictions
    from classifiers.sequence_loading import Loaded

_COUNTS = ("epochs", "batch_size", "patience", "rank", "alpha", "windows")
_RATES = {"full": 2e-5, "lora": 2e-4, "qlora": 2e-4, "none": 2e-5}
_UPDATES = ("lora", "qlora")


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is fine-tuned, and how it is computed.

    Attributes:
        adapter: its checkpoint and context.
        adapted: folder of what was made of the checkpoint before, by domain adaptation or pruning.
        attention: the implementation wished for.
        precision: "bf16" runs the forward passes under autocast.
    """

    adapter: Adapter
    adapted: Path | None = None
    attention: str = "sdpa"
    precision: Literal["fp32", "bf16"] = "fp32"


@dataclass(frozen=True, kw_only=True)
class Finetune:
    """Settings of end-to-end fine-tuning, and how to do it.

    Attributes:
        epochs: passes over the training part, at most.
        batch_size: documents per step, and the most windows computed at once.
        patience: epochs without a better validation loss before training stops.
        method: "full" trains all weights, "lora" low-rank updates and the head, "qlora" the same
            over encoder layers held in 4 bits (NF4), "none" nothing: the head stays as drawn, as in
            the zero-shot row of the paper on pruning (docs/compression.md). The head is all that
            follows the layers: classifier and pooler.
        learning_rate: peak step size of AdamW, falling linearly to 0 over all epochs; `None` for
            2e-5 with "full" and 2e-4 with low-rank updates.
        warmup_share: share of all steps over which the learning rate rises from 0.
        weight_decay: AdamW's; biases and normalisation layers are exempt.
        rank: of the low-rank updates.
        alpha: the updates are scaled by alpha / rank.
        dropout: share of an update's inputs that is dropped while training.
        targets: names of the layers to update; `None` for the attention's queries and values.
        validation_share: share of the training documents that decides when to stop.
        best_by: what of the validation decides: "loss", "accuracy", "macro_f1", or the "f1" of the
            class `positive`.
        positive: a class whose F1 is measured at each epoch.
        gradient_checkpointing: compute activations again instead of keeping them: less memory, a
            third more time, the same numbers.
        merge: predict with the updates merged into one dense fp32 model; `False` predicts as it was
            trained, for models of which a dense one does not fit into memory.
        keep: with one window, which end of a document is read that is longer than the context; the
            paper's is the start.
        windows: most windows read of a document. 1 cuts it at the context, as the paper does with
            BigBird; of a document with more windows (Eq. 4) than this, that many are read, spread
            evenly from its start to its end. Its logits are the mean over its windows.
        overlap: tokens shared by neighbouring windows; `None` for half the context (Eq. 4).
    """

    epochs: int = 200
    batch_size: int = 8
    patience: int = 30
    method: Literal["full", "lora", "qlora", "none"] = "full"
    learning_rate: float | None = None
    warmup_share: float = 0.02
    weight_decay: float = 0.01
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    targets: tuple[str, ...] | None = None
    validation_share: float = 0.15
    best_by: Literal["loss", "accuracy", "macro_f1", "f1"] = "loss"
    positive: str | None = None
    gradient_checkpointing: bool = False
    merge: bool = True
    keep: Literal["start", "end"] = "start"
    windows: int = 1
    overlap: int | None = None

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: a count below 1, a share out of its range, a rate that is not positive, F1
                of no class, or a setting that would change nothing beside `windows`.
        """
        check(
            "finetune",
            self,
            counts=_COUNTS,
            shares=("warmup_share", "dropout"),
            parts=("validation_share",),
            positive=(),
        )
        if self.rate <= 0.0:
            raise InputError("finetune: learning_rate must be above 0")
        if self.best_by == "f1" and self.positive is None:
            raise InputError(
                "finetune: best_by f1 is the F1 of one class: name it, positive: CLASS"
            )
        if self.windows == 1 and self.overlap is not None:
            raise InputError("finetune: overlap lies between windows: set windows above 1 with it")
        if self.windows > 1 and self.keep == "end":
            raise InputError(
                f"finetune: windows {self.windows} reads both ends of a document, so keep chooses "
                "nothing: leave keep out, or set windows to 1"
            )

    @property
    def rate(self) -> float:
        """The learning rate, where none is set that of the method."""
        return _RATES[self.method] if self.learning_rate is None else self.learning_rate

    @property
    def has_updates(self) -> bool:
        """Whether low-rank updates are trained instead of the weights themselves."""
        return self.method in _UPDATES

    def fit(
        self,
        texts: Sequence[Sequence[str]],
        labels: Sequence[str],
        valid: Bool[np.ndarray, " n"],
        *,
        source: Source,
        seed: int,
        workdir: Path,
        progress: Callable[[float], None] | None = None,
    ) -> "FittedSequence":
        """Learn from training documents.

        Args:
            texts: training documents as parts, n.
            labels: class of each, n.
            valid: documents held out to decide when to stop; class weights come from the others.
            source: the model to start from.
            seed: decides the head's and the updates' initial weights, order and dropout.
            workdir: private to this training; an interrupted one is resumed from it.
            progress: called with the share done, 0 to 1.

        Raises:
            InputError: a model that cannot be fine-tuned, an overlap that does not fit its context,
                a `positive` that is no class, or training diverged.
        """
        from classifiers.sequence_training import fit_sequence

        return fit_sequence(
            self,
            texts,
            np.asarray(labels, dtype=str),
            np.asarray(valid, dtype=bool),
            source=source,
            seed=seed,
            workdir=workdir,
            progress=progress,
        )


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of some documents the model read.

    Attributes:
        documents: how many there were.
        cut: how many of them were not read as a whole.
        tokens: tokens that they have, the model's special ones excluded.
        read: how many of those were read; where windows overlap, counted once.
    """

    documents: int = 0
    cut: int = 0
    tokens: int = 0
    read: int = 0

    @property
    def share(self) -> float:
        """Share of tokens read, 0 to 1; 1 where there are none."""
        return self.read / self.tokens if self.tokens else 1.0


@dataclass(frozen=True, kw_only=True)
class FittedSequence:
    """A fine-tuned model.

    Attributes:
        settings: how it was trained.
        loaded: model and tokenizer; the model is in evaluation mode.
        classes: class names in the order of the scores: those of the training documents.
        precision: as it was trained, and predicts.
        coverage: what was read of the training documents.
        curves: learning curves.
        best_epoch: the epoch whose weights it has; `None` for the last one.
        parameters: weights that were trained.
        is_whole: whether it is one dense model, without updates beside it or layers in 4 bits.
    """

    settings: Finetune
    loaded: "Loaded"
    classes: list[str]
    precision: Literal["fp32", "bf16"]
    coverage: Coverage
    curves: list[Curve]
    best_epoch: float | None
    parameters: int
    is_whole: bool

    def whole(self) -> "FittedSequence":
        """Merge the updates into their layers: one dense model in fp32, on the same device."""
        if self.is_whole:
            return self
        from classifiers.sequence_merging import merged

        loaded = replace(self.loaded, model=merged(self.loaded.model))
        return replace(self, loaded=loaded, is_whole=True)

    @property
    def weights(self) -> int:
        """Number of weights of the dense model."""
        from classifiers.sequence_merging import count_merged

        return count_merged(self.loaded.model)

    def predict(self, texts: Sequence[Sequence[str]]) -> "tuple[Predictions, Coverage]":
        """Classify documents given as parts; scores are softmax probabilities, n x C."""
        from classifiers.sequence_training import predict

        return predict(self, texts)

    def card(self) -> dict[str, JsonValue]:
        """Say what was trained, and how the weights were used."""
        return {
            "audit": dict(self.loaded.audit),
            "architecture": type(self.loaded.model).__name__,
            "context": self.loaded.context,
            "fresh": list(self.loaded.fresh),
            "trained_parameters": self.parameters,
            "best_epoch": self.best_epoch,
        }

    def save(self, folder: Path) -> None:
        """Write ``checkpoint/``: model or updates, with the tokenizer and ``finetuned.json``."""
        from classifiers.sequence_loading import save

        save(self, folder / "checkpoint")
