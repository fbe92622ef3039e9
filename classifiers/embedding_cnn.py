"""The residual 1-D CNN of the matrix: settings of a network that reads an embedding as a signal.

The seed paper's Table II has such a CNN beside the trees and gives no hyperparameters; all of them
are ours, chosen by cross-validation on the train side of one corpus (kernel crashes, MiniLM). An
embedding's dimensions have no order that means anything, so what the convolutions find keeps its
place: the steps go into the dense layer side by side instead of through a global maximum.
"""

from dataclasses import dataclass
from typing import Any, Literal

from classifiers.settings import check

_COUNTS = ("channels", "width", "stride", "dense", "epochs", "patience", "batch_size")


@dataclass(frozen=True, kw_only=True)
class EmbeddingCnn:
    """Residual 1-D CNN on the embedding; dense vectors are standardised first.

    Attributes:
        channels: channels of every convolution.
        layers: Conv1D layers, 1 to 4; the first is strided, each further one is residual.
        width: steps that a layer sees at once; of the first one, dimensions of the embedding.
        stride: dimensions between two steps of the first layer.
        dense: units of the hidden dense layer.
        dropout: share of the convolutions' and of the dense outputs dropped while training.
        l2: L2 penalty on all convolution and dense kernels, added to the training loss.
        epochs: passes over the training part, at most.
        patience: epochs without a better validation loss before training stops.
        batch_size: documents per step.
        learning_rate: peak rate of Adam; it falls linearly to 0 over all epochs.
        validation_share: share of the training documents that decides when to stop: every class
            alike, whole groups where the split is grouped.
    """

    channels: int = 16
    layers: Literal[1, 2, 3, 4] = 2
    width: int = 5
    stride: int = 2
    dense: int = 128
    dropout: float = 0.3
    l2: float = 1e-3
    epochs: int = 60
    patience: int = 10
    batch_size: int = 32
    learning_rate: float = 3e-4
    validation_share: float = 0.15

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: a count below 1, a share out of its range or a rate that is not above 0.
        """
        check(
            "embedding_cnn", self, counts=_COUNTS, shares=("dropout",), parts=("validation_share",)
        )

    def estimator(self, *, seed: int, threads: int) -> Any:
        """Build the unfitted estimator; it uses one thread."""
        from classifiers.embedding_estimator import EmbeddingCnnClassifier

        return EmbeddingCnnClassifier(settings=self, random_state=seed)

    def grid(self) -> dict[str, list[Any]]:
        """Values to try per setting."""
        rates = [rate for rate in (3e-4, 1e-3) if rate != self.learning_rate]
        return {"learning_rate": [self.learning_rate, *rates]}
