"""A sequence classifier whose scores of a document depend on that document alone.

Padding is masked, which settles it for most architectures. BigBird needs more: it attends in full
up to a certain length and block-sparsely beyond, its last block is special, and in transformers a
short batch switches it to full attention for good. And an encoder-decoder's head wants as many
end-of-sequence tokens in each row. So rows that the model would treat differently go through it
apart, trimmed to their own length.

Documents may have several windows. Only some rows go through the model at a time; where a batch has
more, training keeps none of their states and computes them once more for the gradients (Chen et
al., "Training Deep Nets with Sublinear Memory Cost", 2016), which is exact: dropout is drawn alike.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from adapters.block_sparse import attend_by_length, full_up_to, is_sparse, without_autocast
from classifiers.losses import weighted_loss


class SequenceModel(nn.Module):
    """One of transformers' models for sequence classification, with a class-weighted loss."""

    class_weights: Tensor

    def __init__(
        self, model: Any, class_weights: Float[Tensor, " c"], *, rows_at_once: int
    ) -> None:
        """Wrap a model to be trained in place; at most `rows_at_once` go through it together."""
        super().__init__()
        self.model = model
        self.rows_at_once = rows_at_once
        self.register_buffer("class_weights", class_weights, persistent=False)

    def forward(
        self,
        input_ids: Int[Tensor, "m t"],
        lengths: Int[Tensor, " m"],
        windows: Int[Tensor, " n"],
        labels: Int[Tensor, " n"] | None = None,
    ) -> dict[str, Tensor]:
        """Class scores (``logits``) of documents, and with labels the loss.

        Args:
            input_ids: windows, padded behind; those of a document one after the other.
            lengths: of the windows.
            windows: how many each document has.
            labels: class number of each document.
        """
        groups = list(self._groups(input_ids, lengths))
        parts = [self._computed(input_ids, lengths, rows) for rows in groups]
        each = torch.cat(parts)[torch.cat(groups).argsort()].float()
        logits = torch.stack([scores.mean(dim=0) for scores in torch.split(each, windows.tolist())])
        if labels is None:
            return {"logits": logits}
        return {"loss": weighted_loss(logits, labels, self.class_weights), "logits": logits}

    def _groups(
        self, ids: Int[Tensor, "m t"], lengths: Int[Tensor, " m"]
    ) -> Iterator[Int[Tensor, " r"]]:
        """Group rows that go through the model together; of many, those of like length."""
        for rows in self._alike(ids, lengths):
            if len(rows) > self.rows_at_once:
                rows = rows[lengths[rows].argsort(descending=True, stable=True)]
            yield from torch.split(rows, self.rows_at_once)

    def _computed(
        self, ids: Int[Tensor, "m t"], lengths: Int[Tensor, " m"], rows: Int[Tensor, " r"]
    ) -> Float[Tensor, "r c"]:
        if torch.is_grad_enabled() and len(ids) > self.rows_at_once:
            scores: Tensor = checkpoint(self._logits, ids[rows], lengths[rows], use_reentrant=False)
            return scores
        return self._logits(ids[rows], lengths[rows])

    def _logits(
        self, input_ids: Int[Tensor, "r t"], lengths: Int[Tensor, " r"]
    ) -> Float[Tensor, "r c"]:
        longest = int(lengths.max())
        mask = (torch.arange(longest, device=lengths.device) < lengths[:, None]).long()
        if is_sparse(self.model):
            attend_by_length(self.model.base_model, longest)
        with without_autocast(self.model, input_ids.device):
            logits: Tensor = self.model(
                input_ids=input_ids[:, :longest], attention_mask=None if mask.all() else mask
            ).logits
        return logits

    def _alike(
        self, ids: Int[Tensor, "m t"], lengths: Int[Tensor, " m"]
    ) -> list[Int[Tensor, " r"]]:
        """Group the rows that the model treats alike, in the order of their first row."""
        groups: dict[int, list[int]] = defaultdict(list)
        for row, length in enumerate(lengths.tolist()):
            groups[self._treatment(ids[row, :length])].append(row)
        return [torch.tensor(rows, device=ids.device) for rows in groups.values()]

    def _treatment(self, ids: Int[Tensor, " t"]) -> int:
        config = self.model.config
        if is_sparse(self.model):
            blocks = -(-len(ids) // config.block_size)
            return blocks if len(ids) > full_up_to(config) else 0
        return int((ids == config.eos_token_id).sum()) if config.is_encoder_decoder else 0
