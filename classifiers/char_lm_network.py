"""The network of `char_lm`: embedding -> one LSTM -> dense over the alphabet, at every character.

Sizes and initial weights are those of Keras, whose count the seed paper gives (4,566,177 parameters
for 97 characters): its LSTM has one bias vector. torch's has two that are added up; the second is
kept at zero and not trained.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from adapters.blocks import IGNORED


class CharLmNetwork(nn.Module):
    """Guesses each next character from those before it."""

    def __init__(self, vocabulary: int, *, embedding: int, units: int, seed: int):
        """Build it with weights that `seed` decides; the global generator is left alone."""
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(vocabulary, embedding)
            self.lstm = nn.LSTM(embedding, units, batch_first=True)
            self.output = nn.Linear(units, vocabulary)
            _initialise(self.embedding, self.lstm, self.output)
        self.lstm.bias_hh_l0.requires_grad_(False)

    def forward(
        self, ids: Int[Tensor, "n chars"], labels: Int[Tensor, "n chars"]
    ) -> dict[str, Any]:
        """Loss of guessing `labels`, the characters that follow `ids`; -100 is not guessed.

        Returns:
            ``loss``: mean over the guessed characters in nats. When not training also ``sums``:
            ``accuracy`` as number of characters guessed right and number guessed.
        """
        logits = self.logits(ids).flatten(0, 1).float()
        flat = labels.flatten()
        loss = functional.cross_entropy(logits, flat, ignore_index=IGNORED)
        if self.training:
            return {"loss": loss}
        right = (logits.argmax(dim=1) == flat).sum()
        counted = torch.stack([right, (flat != IGNORED).sum()]).double()
        return {"loss": loss, "sums": {"accuracy": counted}}

    def logits(self, ids: Int[Tensor, "n chars"]) -> Float[Tensor, "n chars v"]:
        """Score every character as the next one, after each of `ids`."""
        hidden, _ = self.lstm(self.embedding(ids))
        scores: Tensor = self.output(hidden)
        return scores

    @property
    def parameters_trained(self) -> int:
        """Number of weights that are trained."""
        return sum(weight.numel() for weight in self.parameters() if weight.requires_grad)


def _initialise(embedding: nn.Embedding, lstm: nn.LSTM, output: nn.Linear) -> None:
    """Draw weights as Keras does; gates stand in the order input, forget, cell, output.

    Embeddings start small (within 0.05), so what they hold after training was learnt.
    """
    weights = dict(lstm.named_parameters())
    nn.init.uniform_(embedding.weight, -0.05, 0.05)
    nn.init.xavier_uniform_(weights["weight_ih_l0"])
    nn.init.orthogonal_(weights["weight_hh_l0"])
    nn.init.xavier_uniform_(output.weight)
    for bias in (weights["bias_ih_l0"], weights["bias_hh_l0"], output.bias):
        nn.init.zeros_(bias)
    with torch.no_grad():  # "unit_forget_bias"
        weights["bias_ih_l0"][lstm.hidden_size : 2 * lstm.hidden_size] = 1.0
