"""A masked language model that predicts only what is hidden."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from adapters.block_sparse import attend_by_length, is_sparse, without_autocast
from adapters.blocks import IGNORED


class MaskedModel(nn.Module):
    """A masked language model that predicts only where a token is hidden.

    The vocabulary is projected at the hidden positions alone: a head works position by position,
    so a hook on the encoder that passes on only those states changes nothing but the cost.
    """

    def __init__(self, model: Any, *, head_only: bool = False, top: Sequence[int] = ()) -> None:
        """Wrap one of transformers' masked language models; it is trained in place.

        `top`: in a validation, also count how many tokens are among so many best guesses.
        """
        super().__init__()
        self.model = model
        self.top = tuple(top)
        self.hidden: Bool[Tensor, "b t"] | None = None
        model.base_model.register_forward_hook(self._keep_hidden)
        if head_only:
            model.base_model.requires_grad_(False)

    def _keep_hidden(self, module: nn.Module, args: Any, output: Any) -> Any:
        if self.hidden is not None:
            output["last_hidden_state"] = output.last_hidden_state[self.hidden][None]
        return output

    def forward(
        self,
        input_ids: Int[Tensor, "b t"],
        labels: Int[Tensor, "b t"],
        attention_mask: Int[Tensor, "b t"] | None = None,
    ) -> dict[str, Any]:
        """Compute the mean loss over the hidden tokens (nats) and their logits, n x v."""
        self.hidden = labels != IGNORED
        if is_sparse(self.model):
            attend_by_length(self.model.base_model, input_ids.shape[1])
        try:
            with without_autocast(self.model, input_ids.device):
                output = self.model(input_ids=input_ids, attention_mask=attention_mask)
        finally:
            hidden, self.hidden = self.hidden, None
        logits, told = output.logits[0].float(), labels[hidden]
        found = {"loss": nn.functional.cross_entropy(logits, told), "logits": logits}
        if self.top and not self.training:
            return {**found, "sums": top_hits(logits, told, self.top)}
        return found


def top_hits(
    logits: Float[Tensor, "n v"], labels: Int[Tensor, " n"], top: Sequence[int]
) -> dict[str, Float[Tensor, "2"]]:
    """Count the labels among the best guesses: ``top_<k>`` -> hits and tokens."""
    best = logits.topk(min(max(top), logits.shape[1]), dim=1).indices == labels[:, None]
    count = torch.tensor(float(len(labels)), dtype=torch.float64, device=logits.device)
    return {f"top_{k}": torch.stack([best[:, :k].sum().double(), count]) for k in top}


def start_from(model: Any, shares: Float[np.ndarray, " v"]) -> None:
    """Set the bias of a fresh head, where it has one, to the log of the tokens' frequencies."""
    head = model.get_output_embeddings()
    if getattr(head, "bias", None) is not None:
        with torch.no_grad():
            head.bias[: len(shares)] = torch.from_numpy(np.log(shares))
