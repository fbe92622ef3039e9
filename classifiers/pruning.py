"""Iterative structured pruning: MLP neurons are removed step by step, and the rest trained between.

The way of the paper on QLoRA and pruning (docs/compression.md). Of every layer the same number of
neurons goes, so that what is left is a plain transformers checkpoint with a smaller
`intermediate_size`: smaller matrices, a smaller file, faster. A step removes a share of the
ORIGINAL neurons and trains for `epochs`; at a level that is reported the model is then trained to
convergence.

How fine-tuning and pruning meet: a step starts from one dense fp32 model (updates merged, layers in
4 bits unpacked), cuts it, and trains it anew as the fine-tuning did: under "full" all weights,
under "lora" fresh updates and the head, under "qlora" fresh updates over layers that are packed
again. What comes out is merged to fp32 and saved, so that steps are alike, each can be resumed or
used by itself, and the file's size follows by arithmetic. Packing again costs precision: the
weights are not those that were unpacked, since blocks of 64 meet other neighbours.

A trap: with updates of queries and values alone the MLP never changes, so a ranking by magnitude is
the same at every step (under "qlora" but for packing again), and pruning step by step removes what
pruning at once would. `criterion: taylor` asks the training documents instead.
"""

from dataclasses import dataclass, replace
from math import lcm
from typing import Literal

from classifiers.sequence import Finetune
from classifiers.settings import check
from results.errors import InputError

_NF4_MULTIPLE = 32  # what the 4-bit kernels need (bitsandbytes 0.50, CPU)
_DIGITS = 9  # of a share; 0.1 + 0.2 is 0.3


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """Settings of iterative structured pruning.

    Attributes:
        levels: shares of the original neurons that are gone where a model is reported.
        step: share of the original neurons that one step removes.
        criterion: "magnitude" removes the neurons with the smallest weights, "taylor" those whose
            removal is estimated to change the loss least (`classifiers.pruning_criteria`).
        epochs: passes over the training part between two steps; the best of them is passed on.
        final_epochs: at most, at a level; `None` for those of the fine-tuning.
        patience: epochs without a better validation at a level; `None` for the fine-tuning's.
        multiple: widths are rounded to one of this, at least one; in 4 bits also of 32.
        documents: training documents that "taylor" asks, at most.
    """

    levels: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 0.9)
    step: float = 0.1
    criterion: Literal["magnitude", "taylor"] = "magnitude"
    epochs: int = 2
    final_epochs: int | None = None
    patience: int | None = None
    multiple: int = 1
    documents: int = 256

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: a count below 1, a share out of its range, or no level.
        """
        given = [name for name in ("final_epochs", "patience") if getattr(self, name) is not None]
        counts = ("epochs", "multiple", "documents", *given)
        check("prune", self, counts=counts, parts=("step",), positive=())
        if not self.levels or not all(0.0 < level < 1.0 for level in self.levels):
            raise InputError("prune: levels must name shares between 0 and 1, such as [0.5, 0.9]")

    def kept(self, original: int, share: float, method: str) -> int:
        """Say how many of a layer's neurons stay when a share of the original ones is gone.

        Raises:
            InputError: less than one.
        """
        exact = round(original * (1.0 - share), _DIGITS)
        if exact < 1.0:
            raise InputError(
                f"prune: {share:.0%} of {original} neurons leaves less than one in a layer: set "
                "lower levels"
            )
        multiple = lcm(self.multiple, _NF4_MULTIPLE) if method == "qlora" else self.multiple
        return min(original, max(multiple, multiple * round(exact / multiple)))

    def between(self, finetune: Finetune) -> Finetune:
        """Give the settings of the training between two steps.

        Raises:
            InputError: a fine-tuning that trains nothing.
        """
        return replace(_trained(finetune), epochs=self.epochs, patience=self.epochs)

    def at_level(self, finetune: Finetune) -> Finetune:
        """Give the settings of the training to convergence.

        Raises:
            InputError: a fine-tuning that trains nothing.
        """
        return replace(
            _trained(finetune),
            epochs=self.final_epochs or finetune.epochs,
            patience=self.patience or finetune.patience,
        )


def _trained(finetune: Finetune) -> Finetune:
    if finetune.method == "none":
        raise InputError(
            "prune: finetune method none trains nothing, also between steps: set full, lora or "
            "qlora, or leave `prune` out"
        )
    return finetune
