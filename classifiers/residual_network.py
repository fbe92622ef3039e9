"""The network of the reference CNN: characters in, class scores out.

Embedding -> (BiLSTM) -> strided Conv1D (the stem) -> residual Conv1D layers, each behind a max
pooling -> global max pooling -> dense -> dense. On a CPU the stem and the first pooling run as a
look-up (`classifiers.character_convolution`).
"""

from dataclasses import dataclass
from typing import Literal, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from classifiers.character_convolution import convolve_and_pool
from classifiers.losses import l2_penalty, weighted_loss


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of the network; see `classifiers.residual_cnn.ResidualCnn` for their meaning."""

    vocabulary: int
    classes: int
    embedding: int
    bilstm: int
    channels: int
    layers: int
    stem_width: int
    stem_stride: int
    layer_width: int
    pool: int
    dense: int
    dropout: float
    padding: Literal["masked", "paper"]


class ResidualNetwork(nn.Module):
    """Residual 1-D CNN over character ids.

    Attributes:
        looks_up: compute the stem as a look-up where that is possible; a plain convolution else.
    """

    class_weights: Tensor
    looks_up: bool = True

    def __init__(self, shape: Shape, *, class_weights: Tensor | None = None, l2: float = 0.0):
        """Build it with weights from torch's global generator.

        Args:
            shape: its sizes.
            class_weights: weight of each class in the loss, with mean 1 over training documents.
            l2: strength of the penalty on the kernels of all convolutions and the dense layers;
                part of the training loss only.
        """
        super().__init__()
        self.shape, self.l2 = shape, l2
        masked = shape.padding == "masked"
        self.embedding = nn.Embedding(
            shape.vocabulary, shape.embedding, padding_idx=0 if masked else None
        )
        self.bilstm = (
            nn.LSTM(shape.embedding, shape.bilstm, batch_first=True, bidirectional=True)
            if shape.bilstm
            else None
        )
        read = 2 * shape.bilstm or shape.embedding
        self.stem = nn.Conv1d(read, shape.channels, shape.stem_width, shape.stem_stride)
        self.layers = nn.ModuleList(
            nn.Conv1d(shape.channels, shape.channels, shape.layer_width, padding="same")
            for _ in range(shape.layers - 1)
        )
        self.dropout = nn.Dropout(shape.dropout)
        self.dense = nn.Linear(shape.channels, shape.dense)
        self.output = nn.Linear(shape.dense, shape.classes)
        weights = torch.ones(shape.classes) if class_weights is None else class_weights
        self.register_buffer("class_weights", weights, persistent=False)
        nn.init.kaiming_normal_(self.stem.weight, nonlinearity="relu")

    def forward(
        self,
        ids: Int[Tensor, "n chars"],
        lengths: Int[Tensor, " n"],
        labels: Int[Tensor, " n"] | None = None,
    ) -> dict[str, Tensor]:
        """Class scores of padded documents, and with labels the loss.

        Args:
            ids: character ids, 0 behind a document's end.
            lengths: characters of each document, at least 1 each.
            labels: class numbers.

        Returns:
            ``logits`` (n x classes) and, with labels, ``loss``: the mean of the class-weighted
            cross-entropies, while training with the L2 penalty.
        """
        seen = self.shape.padding == "paper" or bool((lengths == ids.shape[1]).all())
        logits = self.classify(self.pooled(*self.first_states(ids, None if seen else lengths)))
        return {"logits": logits} if labels is None else self._with_loss(logits, labels)

    def classify(self, pooled: Float[Tensor, "n channels"]) -> Float[Tensor, "n classes"]:
        """Class scores of what the convolutions found."""
        hidden = functional.relu(self.dense(self.dropout(pooled)))
        return cast(Tensor, self.output(self.dropout(hidden)))

    def first_states(
        self, ids: Int[Tensor, "n chars"], lengths: Int[Tensor, " n"] | None
    ) -> tuple[Float[Tensor, "n channels steps"], Int[Tensor, " n"] | None]:
        """Convolve the characters, pool once, rectify; `None` where there is no padding to hide."""
        width, stride, pool = self.shape.stem_width, self.shape.stem_stride, self.shape.pool
        steps = -(-ids.shape[1] // stride)
        before = (width - stride) // 2
        beyond = (before, steps * stride - ids.shape[1] + width - stride - before)
        counted = _ceil_divide(lengths, stride)
        if self.looks_up and self.bilstm is None and ids.device.type == "cpu":
            hidden = convolve_and_pool(
                functional.pad(ids.int(), beyond, value=self.shape.vocabulary),
                torch.full((len(ids),), steps) if counted is None else counted,
                torch.einsum("ve,cew->wvc", self.character_vectors(), self.stem.weight),
                stride=stride,
                pool=pool,
            )
            assert self.stem.bias is not None, "Conv1d makes one"
            hidden = (hidden + self.stem.bias).transpose(1, 2)
        else:
            read = functional.pad(self._read(ids, lengths), beyond)
            hidden = _masked(self.stem(read), counted, float("-inf"))
            hidden = functional.max_pool1d(hidden, pool, ceil_mode=True)
        return functional.relu(hidden), _ceil_divide(counted, pool)

    def character_vectors(self) -> Float[Tensor, "ids embedding"]:
        """Give each id's vector, and behind them the one of what lies beyond a document: 0."""
        weight = self.embedding.weight
        nothing = torch.zeros_like(weight[:1])
        if self.embedding.padding_idx is None:
            return torch.cat([weight, nothing])
        return torch.cat([nothing, weight[1:], nothing])

    def _read(
        self, ids: Int[Tensor, "n chars"], lengths: Int[Tensor, " n"] | None
    ) -> Float[Tensor, "n features chars"]:
        """Embed the characters, and run the BiLSTM where there is one."""
        hidden: Tensor = self.embedding(ids.int())
        if self.bilstm is None:
            return hidden.transpose(1, 2)
        if lengths is None:
            return cast(Tensor, self.bilstm(hidden)[0]).transpose(1, 2)
        packed = pack_padded_sequence(hidden, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(
            self.bilstm(packed)[0], batch_first=True, total_length=ids.shape[1]
        )
        return states.transpose(1, 2)

    def pooled(
        self, hidden: Float[Tensor, "n channels steps"], lengths: Int[Tensor, " n"] | None
    ) -> Float[Tensor, "n channels"]:
        """Run the residual layers and take each channel's maximum.

        Every value is at least 0, so that no masked step is ever the only maximum.
        """
        for number, layer in enumerate(self.layers):
            if number:
                hidden = functional.max_pool1d(hidden, self.shape.pool, ceil_mode=True)
                lengths = _ceil_divide(lengths, self.shape.pool)
            hidden = _masked(hidden + functional.relu(layer(hidden)), lengths, 0.0)
        return hidden.amax(dim=2)

    def _with_loss(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        loss = weighted_loss(logits, labels, self.class_weights)
        if self.training and self.l2:
            kernels = [self.stem, *self.layers, self.dense, self.output]
            loss = loss + self.l2 * l2_penalty(kernels)
        return {"loss": loss, "logits": logits}


def _masked(
    hidden: Float[Tensor, "n channels steps"], lengths: Int[Tensor, " n"] | None, by: float
) -> Float[Tensor, "n channels steps"]:
    """Replace steps behind a document's end, by 0 what a convolution meets beyond its input."""
    if lengths is None:
        return hidden
    steps = torch.arange(hidden.shape[2], device=hidden.device)
    behind: Bool[Tensor, "n steps"] = steps >= lengths[:, None]
    return hidden.masked_fill(behind[:, None, :], by)


def _ceil_divide(lengths: Int[Tensor, " n"] | None, by: int) -> Int[Tensor, " n"] | None:
    return None if lengths is None else (lengths + by - 1) // by
