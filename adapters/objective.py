"""What all domain adaptations share: the common settings, and what `adapt` is given.

Light, so that a plan can check the settings; the work is done by the module that `work` names.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import JsonValue

from adapters.adapter import Adapter
from results.errors import InputError

_COUNTS = ("epochs", "batch_size", "block", "max_blocks", "shift", "rank", "alpha", "layer_groups")
_SHARES = ("mask_share", "validation_share")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What an adaptation is asked to do; see `Objective.adapt`."""

    adapter: Adapter
    texts: Iterable[Sequence[str]]
    special_tokens: Sequence[str]
    out: Path
    scratch: Path
    precision: Literal["fp32", "bf16"]
    workers: int
    progress: Callable[[float], None] | None


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Settings that every objective has.

    Attributes:
        name: as registered.
        head: of the model: "mlm", "seq2seq" or "causal".
        work: ``"module:function"`` that takes these settings and a `Request` and returns the card.
        epochs: passes over the train blocks.
        batch_size: blocks per step, over all workers.
        learning_rate: peak step size of AdamW, falling linearly to 0 unless said otherwise.
        block: tokens of a block, special ones included; capped at what the model takes.
        max_blocks: train on a seeded sample of at most so many blocks; None takes all.
        validation_share: share of the documents that is held out.
        seed: decides the held-out documents, the order, masks, and all weights that are new.
    """

    name: ClassVar[str]
    head: ClassVar[str]
    work: ClassVar[str]

    epochs: int = 5
    batch_size: int
    learning_rate: float
    block: int = 512
    max_blocks: int | None = None
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: a share outside (0, 1), a count below 1, or a rate that is not above 0.
        """
        for name in _SHARES:
            if not 0.0 < (share := getattr(self, name, 0.5)) < 1.0:
                raise InputError(f"adapt: {name} must lie between 0 and 1, not {share}")
        for name in _COUNTS:
            value = getattr(self, name, None)
            if value is not None and value < 1:
                raise InputError(f"adapt: {name} must be at least 1, not {value}")
        if not self.learning_rate > 0.0:
            raise InputError(f"adapt: learning_rate must be above 0, not {self.learning_rate}")

    def adapt(
        self,
        adapter: Adapter,
        texts: Iterable[Sequence[str]],
        *,
        special_tokens: Sequence[str],
        out: Path,
        scratch: Path,
        precision: Literal["fp32", "bf16"] = "fp32",
        workers: int = 1,
        progress: Callable[[float], None] | None = None,
    ) -> dict[str, JsonValue]:
        """Adapt a model to the language of `texts`, on the device that `train` chooses.

        Args:
            adapter: whose checkpoint to adapt, in 4 bits if it says so.
            texts: documents as masked parts, read once.
            special_tokens: what masking puts in, `<endsample>` among them; added to the tokenizer.
            out: gets ``checkpoint/``: what was learnt, the tokenizer and ``logmark.json``.
            scratch: holds the trainer's own checkpoints, from which a killed run goes on.
            precision: "bf16" runs the forward passes under autocast.
            workers: processes of this group that share each batch; each calls this with an `out`
                of its own and with the same `scratch`.
            progress: called with the share of the training done, 0 to 1.

        Returns:
            The card: held-out loss before and after (nats per guessed token), what a unigram model
            reaches, sizes, steps and the learning curves.

        Raises:
            InputError: a model that has no head for this objective, or fewer than two documents.
        """
        module, _, function = self.work.partition(":")
        card: dict[str, JsonValue] = getattr(import_module(module), function)(
            self,
            Request(
                adapter=adapter,
                texts=texts,
                special_tokens=special_tokens,
                out=out,
                scratch=scratch,
                precision=precision,
                workers=workers,
                progress=progress,
            ),
        )
        return card


@dataclass(frozen=True, kw_only=True)
class LoraObjective(Objective):
    """Settings of the objectives that train low-rank updates of a frozen model.

    Hu et al., "LoRA", ICLR 2022; over 4-bit weights: Dettmers et al., "QLoRA", NeurIPS 2023.

    Attributes:
        rank: of the updates.
        alpha: the updates are scaled by alpha / rank.
        dropout: share of an update's inputs that is dropped in training.
        targets: names of the layers to update; None for peft's choice, the attention's queries and
            values in every family here.
        train_new_tokens: train the rows of the new tokens too; otherwise they stay as drawn, since
            nothing but the updates is trained.
        gradient_checkpointing: compute activations again instead of keeping them: less memory, a
            third more time, the same numbers.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    targets: tuple[str, ...] | None = None
    train_new_tokens: bool = False
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: what `Objective` refuses, a dropout outside [0, 1), or no target at all.
        """
        super().__post_init__()
        if not 0.0 <= self.dropout < 1.0:
            raise InputError("adapt: dropout must be at least 0 and below 1")
        if self.targets is not None and not self.targets:
            raise InputError("adapt: targets is empty: name layers, or leave it out")
