"""The network of the embedding CNN: a vector in, class scores out.

A strided Conv1D over the dimensions, residual Conv1D layers, all steps side by side into a dense
layer, and another one to the classes. The way past the residual layers is linear up to the dense
layer (no activation, no pooling), so that what a linear classifier sees is not lost on it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from classifiers.embedding_cnn import EmbeddingCnn
from classifiers.losses import l2_penalty, weighted_loss


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the data decide of the network."""

    dimension: int
    classes: int


class EmbeddingNetwork(nn.Module):
    """Residual 1-D CNN over the dimensions of a vector."""

    class_weights: Tensor

    def __init__(self, settings: EmbeddingCnn, shape: Shape, class_weights: Tensor) -> None:
        """Build it with weights from torch's global generator."""
        super().__init__()
        self.settings = settings
        channels, width = settings.channels, settings.width
        self.stem = nn.Conv1d(1, channels, width, stride=settings.stride, padding=width // 2)
        self.layers = nn.ModuleList(
            nn.Conv1d(channels, channels, width, padding="same") for _ in range(settings.layers - 1)
        )
        self.dropout = nn.Dropout(settings.dropout)
        steps = self._steps(torch.zeros(1, shape.dimension)).shape[1]
        self.dense = nn.Linear(steps, settings.dense)
        self.output = nn.Linear(settings.dense, shape.classes)
        self.register_buffer("class_weights", class_weights, persistent=False)

    def forward(
        self, vectors: Float[Tensor, "n d"], labels: Int[Tensor, " n"] | None = None
    ) -> dict[str, Tensor]:
        """Class scores (``logits``), and with labels the weighted loss.

        While training, the loss has the L2 penalty added.
        """
        steps = self.dropout(self._steps(vectors))
        logits = self.output(self.dropout(functional.relu(self.dense(steps))))
        if labels is None:
            return {"logits": logits}
        loss = weighted_loss(logits, labels, self.class_weights)
        if self.training and self.settings.l2:
            kernels = [self.stem, *self.layers, self.dense, self.output]
            loss = loss + self.settings.l2 * l2_penalty(kernels)
        return {"loss": loss, "logits": logits}

    def _steps(self, vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n steps"]:
        hidden: Tensor = self.stem(vectors[:, None, :])
        for layer in self.layers:
            hidden = hidden + layer(functional.relu(hidden))
        return hidden.flatten(1)
