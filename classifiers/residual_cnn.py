"""The reference CNN: a small residual network that reads a document's characters.

Seed paper, section on the reference CNN: characters as tokens, 64-d embedding, residual Conv1D
block, global max pooling, dense layers, softmax, under 0.8 million parameters; a variant runs a
BiLSTM over the embedded characters. Kernels, channels, learning rate, the second training and
which kernels the L2 penalty names are ours; see `ResidualCnn`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Bool

from classifiers.settings import check
from results.errors import InputError
from results.records import Curve

if TYPE_CHECKING:
    from classifiers.char_lm import CharEmbeddings
    from classifiers.characters import CharVocabulary, EncodedDocument
    from classifiers.fitting import Predictions
    from classifiers.residual_network import ResidualNetwork

_WEIGHTS, _CONFIG = "weights.safetensors", "config.json"
_COUNTS = (
    "context",
    "embedding",
    "channels",
    "stem_width",
    "stem_stride",
    "layer_width",
    "pool",
    "dense",
    "epochs",
    "patience",
    "batch_size",
)


@dataclass(frozen=True, kw_only=True)
class ResidualCnn:
    """Settings of the reference CNN, and how to fit it.

    Attributes:
        context: characters read of a document.
        keep: which end of a longer document is read.
        padding: "masked" makes padding invisible; "paper" pads every document to `context` and
            lets the network see it, as the paper does.
        alphabet: most characters told apart, padding and unknown included.
        embedding: dimensions of a character's embedding.
        bilstm: units per direction of a BiLSTM behind the embedding; 0 for none.
        channels: channels of every convolution.
        layers: Conv1D layers, 1 to 4; the first is strided, each further one is residual.
        stem_width: characters that the first layer sees at once.
        stem_stride: characters between two of its steps.
        layer_width: steps that a further layer sees at once.
        pool: steps of which the maximum goes on, before each further layer.
        dense: units of the hidden dense layer.
        dropout: share of pooled features and of dense units dropped while training.
        l2: L2 penalty on all convolution and dense kernels, added to the training loss.
        epochs: passes over the training part, at most.
        patience: epochs without a better validation loss before training stops.
        validation_share: share of the training documents that decides when to stop; with 0 all
            epochs are trained.
        refit: train a second time, on all training documents, for as many epochs as the best one
            had; the validation part then teaches too, once it has decided.
        batch_size: documents per step.
        learning_rate: peak rate of Adam; it rises over the first 5 % of steps, then falls to 0.
        precision: "bf16" runs convolutions under autocast while training; "auto" is what the suite
            computes in, fp32 outside one.
    """

    context: int = 50_000
    keep: Literal["head", "tail"] = "head"
    padding: Literal["masked", "paper"] = "masked"
    alphabet: int = 256
    embedding: int = 64
    bilstm: int = 0
    channels: int = 64
    layers: Literal[1, 2, 3, 4] = 3
    stem_width: int = 12
    stem_stride: int = 2
    layer_width: int = 5
    pool: int = 4
    dense: int = 128
    dropout: float = 0.3
    l2: float = 1e-5
    epochs: int = 200
    patience: int = 30
    validation_share: float = 0.15
    refit: bool = True
    batch_size: int = 16
    learning_rate: float = 3e-3
    precision: Literal["auto", "fp32", "bf16"] = "auto"

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: a count below 1, a share out of its range or a rate that is not above 0.
        """
        check("cnn", self, counts=_COUNTS, shares=("dropout", "validation_share"))
        if self.alphabet < 3:
            raise InputError("cnn: alphabet must be at least 3: padding, unknown, one character")
        if self.stem_width < self.stem_stride:
            raise InputError("cnn: stem_width must be at least stem_stride, or text is skipped")
        if self.bilstm < 0 or self.l2 < 0.0:
            raise InputError("cnn: bilstm and l2 must be at least 0")

    def fit(
        self,
        texts: Sequence[Sequence[str]],
        labels: Sequence[str],
        valid: Bool[np.ndarray, " n"],
        *,
        classes: Sequence[str],
        seed: int,
        workdir: Path,
        characters: "CharEmbeddings | None" = None,
        progress: Callable[[float], None] | None = None,
    ) -> "FittedCnn":
        """Learn from training documents.

        Args:
            texts: training documents as parts, n.
            labels: class of each, n.
            valid: documents held out to decide when to stop; until that is decided the alphabet,
                the class weights and the weights of the network come from the others.
            classes: all classes of the corpus, in the order of the scores.
            seed: decides initial weights, order and dropout.
            workdir: private to this training; an interrupted one is resumed from it.
            characters: vectors that the embedding starts from; of a character that has none, and
                without them, it starts at random.
            progress: called with the share done, 0 to 1.

        Raises:
            InputError: training diverged.
        """
        from classifiers.cnn_training import Known, fit_network

        numbers = np.array([list(classes).index(label) for label in labels])
        known = Known(texts, numbers, list(classes), seed, characters)
        return fit_network(self, known, np.asarray(valid, dtype=bool), workdir, progress)


@dataclass(frozen=True)
class Coverage:
    """How much of a set of documents the network reads.

    Attributes:
        documents: how many there are.
        cut: how many of them are longer than the context.
        chars: characters that the documents have.
        read: characters within the context.
        unknown: characters read that are not in the alphabet.
    """

    documents: int
    cut: int
    chars: int
    read: int
    unknown: int

    @property
    def share(self) -> float:
        """Share of characters read, 0 to 1; 1 where there are none."""
        return self.read / self.chars if self.chars else 1.0


@dataclass(frozen=True)
class FittedCnn:
    """A reference CNN that has learnt.

    Attributes:
        settings: what it was made from.
        vocabulary: its alphabet.
        classes: class names in the order of the scores.
        network: the torch module, in evaluation mode.
        curves: learning curves; empty for a loaded one.
        best_epoch: the epoch with the least validation loss: its weights are here, or the network
            was trained again for as long; `None` without validation, or for a loaded network.
    """

    settings: ResidualCnn
    vocabulary: "CharVocabulary"
    classes: list[str]
    network: "ResidualNetwork"
    curves: list[Curve]
    best_epoch: float | None = None

    @property
    def parameters(self) -> int:
        """Trainable weights of the network."""
        return sum(weight.numel() for weight in self.network.parameters())

    @property
    def bytes(self) -> int:
        """Bytes of its weights."""
        return sum(w.numel() * w.element_size() for w in self.network.parameters())

    def encode(self, parts: Sequence[str]) -> "EncodedDocument":
        """What the network reads of a document."""
        return self.vocabulary.encode(parts, context=self.settings.context, keep=self.settings.keep)

    def coverage(self, texts: Sequence[Sequence[str]]) -> Coverage:
        """Count what the network reads of documents, and what it does not know."""
        encoded = [self.encode(parts) for parts in texts]
        return Coverage(
            documents=len(encoded),
            cut=sum(len(document.ids) < document.chars for document in encoded),
            chars=sum(document.chars for document in encoded),
            read=sum(len(document.ids) for document in encoded),
            unknown=sum(document.unknown for document in encoded),
        )

    def predict(self, texts: Sequence[Sequence[str]]) -> "Predictions":
        """Classify documents given as parts; scores are softmax probabilities, n x C."""
        from classifiers.cnn_training import probabilities
        from classifiers.fitting import Predictions

        scores = probabilities(self, texts)
        labels = np.array(self.classes)[scores.argmax(axis=1)]
        return Predictions(labels, scores, self.classes)

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors`` and ``config.json`` into an existing folder."""
        from safetensors.torch import save_file

        state = {
            name: value.contiguous().cpu() for name, value in self.network.state_dict().items()
        }
        save_file(state, folder / _WEIGHTS)
        config = {
            "version": 1,
            "settings": asdict(self.settings),
            "classes": self.classes,
            "characters": self.vocabulary.characters,
        }
        (folder / _CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")


def load(folder: Path) -> FittedCnn:
    """Read what `FittedCnn.save` wrote.

    Raises:
        InputError: a file is missing, or another version wrote it.
    """
    from safetensors.torch import load_file

    from classifiers.characters import CharVocabulary
    from classifiers.cnn_training import build_network

    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder}: no {name}; give a folder that a reference CNN was saved to"
            )
    config: dict[str, Any] = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    if config["version"] != 1:
        raise InputError(
            f"{folder / _CONFIG}: version {config['version']} is not known; expected 1"
        )
    settings = ResidualCnn(**config["settings"])
    vocabulary = CharVocabulary(config["characters"])
    network = build_network(settings, vocabulary, len(config["classes"]), seed=0)
    try:
        network.load_state_dict(load_file(folder / _WEIGHTS))
    except RuntimeError as error:
        raise InputError(
            f"{folder}: {_WEIGHTS} holds another network than {_CONFIG} describes; "
            "give a folder whose files belong together"
        ) from error
    return FittedCnn(settings, vocabulary, config["classes"], network.eval(), curves=[])
