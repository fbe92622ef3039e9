"""What a training says that cannot go on: where its loss broke, on which examples, what to do.

Weights that are finite point at the data of the batch, others at the steps before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from adapters.training import TrainingSettings
from results.errors import InputError

_LISTED = 8


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """A loss that is infinite or not a number, and where the training stood.

    Attributes:
        value: the loss.
        step: optimizer steps taken before it.
        steps: all steps that were planned.
        per_epoch: steps of an epoch.
        net: as it computed the loss.
        settings: of the training.
    """

    value: float
    step: int
    steps: int
    per_epoch: int
    net: nn.Module
    settings: TrainingSettings

    def in_training(self, order: Sequence[int]) -> InputError:
        """Name the batch; `order` is the epoch's."""
        epoch, batch = divmod(self.step, self.per_epoch)
        where = (
            f"at batch {batch + 1} of {self.per_epoch} of epoch {epoch + 1} "
            f"(step {self.step + 1} of {self.steps})"
        )
        return self._error("training", where + self._held("training", order, batch))

    def in_validation(self, order: Sequence[int], batch: int | None) -> InputError:
        """Name the first batch that broke, 0-based, if this worker computed it."""
        epoch = self.step // self.per_epoch
        where = f"after epoch {epoch} (step {self.step} of {self.steps})"
        if batch is not None:
            batches = -(-len(order) // self.settings.batch_size)
            where += f", first in batch {batch + 1} of {batches}"
            where += self._held("validation", order, batch)
        return self._error("validation", where)

    def _held(self, side: str, order: Sequence[int], batch: int) -> str:
        size = self.settings.batch_size
        held = list(order[batch * size : (batch + 1) * size])
        told = ", ".join(map(str, held[:_LISTED]))
        more = f", ... ({len(held)} in all)" if len(held) > _LISTED else ""
        return f", which held the {side} examples {told}{more}, counted from 0"

    def _error(self, side: str, where: str) -> InputError:
        sound = all(weight.isfinite().all() for weight in self.net.parameters())
        cause = "look at these examples or" if sound else "the weights were lost before that:"
        exact = " or use precision fp32" if self.settings.precision == "bf16" else ""
        return InputError(
            f"training diverged: {side} loss is {self.value} {where}; {cause} lower learning_rate "
            f"(now {self.settings.learning_rate:g}){exact}"
        )
