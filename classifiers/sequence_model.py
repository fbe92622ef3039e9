"""A sequence classifier whose scores of a document depend on that document alone.

Padding is masked, which settles it for most architectures. BigBird needs more: it attends in full
up to a certain length and block-sparsely beyond, its last block is special, and in transformers a
short batch switches it to full attention for good. And an encoder-decoder's head wants as many
end-of-sequence tokens in each row. So rows that the model would treat differently go through it
apart, trimmed to their own length.
"""

from collections import defaultdict
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from adapters.block_sparse import attend_by_length, full_up_to, is_sparse, without_autocast
from classifiers.losses import weighted_loss


class SequenceModel(nn.Module):
    """One of transformers' models for sequence classification, with a class-weighted loss."""

    class_weights: Tensor

    def __init__(self, model: Any, class_weights: Float[Tensor, " c"]) -> None:
        """Wrap a model; it is trained in place."""
        super().__init__()
        self.model = model
        self.register_buffer("class_weights", class_weights, persistent=False)

    def forward(
        self,
        input_ids: Int[Tensor, "n t"],
        lengths: Int[Tensor, " n"],
        labels: Int[Tensor, " n"] | None = None,
    ) -> dict[str, Tensor]:
        """Class scores (``logits``) of documents padded behind, and with labels the loss."""
        groups = self._alike(input_ids, lengths)
        parts = [self._logits(input_ids[rows], lengths[rows]) for rows in groups]
        order = torch.cat(groups).argsort()
        logits = torch.cat(parts)[order]
        if labels is None:
            return {"logits": logits}
        return {"loss": weighted_loss(logits, labels, self.class_weights), "logits": logits}

    def _logits(
        self, input_ids: Int[Tensor, "n t"], lengths: Int[Tensor, " n"]
    ) -> Float[Tensor, "n c"]:
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
        self, ids: Int[Tensor, "n t"], lengths: Int[Tensor, " n"]
    ) -> list[Int[Tensor, " m"]]:
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
