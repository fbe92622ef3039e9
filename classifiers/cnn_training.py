"""How the reference CNN is built, trained and run: batches, class weights, the training engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from adapters.training import TrainingSettings
from classifiers.characters import PADDING, CharVocabulary
from classifiers.losses import class_weights
from classifiers.network_training import learn
from classifiers.residual_cnn import FittedCnn, ResidualCnn
from classifiers.residual_network import ResidualNetwork, Shape

_WARMUP_SHARE = 0.05


@dataclass(frozen=True)
class Example:
    """One document as ids, and its class number."""

    ids: np.ndarray
    label: int


def fit_network(
    settings: ResidualCnn,
    texts: Sequence[Sequence[str]],
    labels: Int[np.ndarray, " n"],
    valid: Bool[np.ndarray, " n"],
    *,
    classes: list[str],
    seed: int,
    workdir: Path,
    progress: Callable[[float], None] | None,
) -> FittedCnn:
    """Train a network on the documents outside `valid`; see `ResidualCnn.fit`."""
    rows = np.flatnonzero(~valid)
    vocabulary = CharVocabulary.learn((texts[i] for i in rows.tolist()), settings.alphabet)
    examples = _examples(settings, vocabulary, texts, labels)
    weights = class_weights(labels[rows], len(classes))
    network = build_network(settings, vocabulary, len(classes), seed=seed, weights=weights)
    result = learn(
        network,
        examples,
        valid,
        collate=Collate(settings),
        settings=TrainingSettings(
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            warmup_share=_WARMUP_SHARE,
            patience=settings.patience,
            seed=seed,
            precision=settings.precision,
        ),
        workdir=workdir,
        lengths=np.array([len(example.ids) for example in examples]),
        progress=progress,
    )
    return FittedCnn(settings, vocabulary, classes, network, result.curves, result.best_epoch)


def build_network(
    settings: ResidualCnn,
    vocabulary: CharVocabulary,
    classes: int,
    *,
    seed: int,
    weights: Float[np.ndarray, " c"] | None = None,
) -> ResidualNetwork:
    """Build a network whose initial weights `seed` decides; the global generator is left alone."""
    shape = Shape(
        vocabulary=vocabulary.size,
        classes=classes,
        embedding=settings.embedding,
        channels=settings.channels,
        layers=settings.layers,
        stem_width=settings.stem_width,
        stem_stride=settings.stem_stride,
        layer_width=settings.layer_width,
        pool=settings.pool,
        dense=settings.dense,
        dropout=settings.dropout,
        padding=settings.padding,
    )
    class_weights = None if weights is None else torch.tensor(weights, dtype=torch.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResidualNetwork(shape, class_weights=class_weights, l2=settings.l2)


def probabilities(fitted: FittedCnn, texts: Sequence[Sequence[str]]) -> Float[np.ndarray, "n c"]:
    """Softmax scores of documents, computed in batches of like length."""
    settings = fitted.settings
    examples = _examples(settings, fitted.vocabulary, texts, np.zeros(len(texts), dtype=int))
    order = np.argsort([len(example.ids) for example in examples], kind="stable")
    scores = np.zeros((len(texts), len(fitted.classes)))
    device = fitted.network.class_weights.device
    collate = Collate(settings)
    with torch.no_grad():
        for start in range(0, len(order), settings.batch_size):
            rows = order[start : start + settings.batch_size]
            batch = collate([examples[i] for i in rows])
            logits = fitted.network(batch["ids"].to(device), batch["lengths"].to(device))["logits"]
            scores[rows] = logits.double().softmax(dim=1).cpu().numpy()
    return scores


class Collate:
    """Documents to a batch, padded to its longest, or to the context where padding is seen."""

    def __init__(self, settings: ResidualCnn):
        """Remember how to pad."""
        self.settings = settings

    def __call__(self, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
        """``ids`` (n x chars), ``lengths`` (n, at least 1 each) and ``labels`` (n)."""
        lengths = [max(1, len(example.ids)) for example in examples]
        if self.settings.padding == "paper":
            lengths = [self.settings.context] * len(examples)
        ids = np.full((len(examples), max(lengths)), PADDING, dtype=examples[0].ids.dtype)
        for row, example in zip(ids, examples, strict=True):
            row[: len(example.ids)] = example.ids
        return {
            "ids": torch.from_numpy(ids),
            "lengths": torch.tensor(lengths),
            "labels": torch.tensor([example.label for example in examples]),
        }


def _examples(
    settings: ResidualCnn,
    vocabulary: CharVocabulary,
    texts: Sequence[Sequence[str]],
    labels: Int[np.ndarray, " n"],
) -> list[Example]:
    return [
        Example(
            vocabulary.encode(parts, context=settings.context, keep=settings.keep).ids, int(label)
        )
        for parts, label in zip(texts, labels, strict=True)
    ]
