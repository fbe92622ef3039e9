"""How the reference CNN is built, trained and run: batches, class weights, the training engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from adapters.training import TrainingSettings
from classifiers.characters import PADDING, UNKNOWN, CharVocabulary
from classifiers.losses import class_weights
from classifiers.network_training import learn
from classifiers.residual_cnn import FittedCnn, ResidualCnn
from classifiers.residual_network import ResidualNetwork, Shape
from results.errors import InputError
from results.records import Curve

if TYPE_CHECKING:
    from classifiers.char_lm import CharEmbeddings

_WARMUP_SHARE = 0.05


@dataclass(frozen=True)
class Example:
    """One document as ids, and its class number."""

    ids: np.ndarray
    label: int


@dataclass(frozen=True)
class Known:
    """What a training starts from, whichever of the documents it learns from.

    Attributes:
        texts: training documents as parts, n.
        labels: number of each one's class, n.
        classes: their names.
        seed: of everything random.
        characters: vectors that the embedding starts from.
    """

    texts: Sequence[Sequence[str]]
    labels: Int[np.ndarray, " n"]
    classes: list[str]
    seed: int
    characters: "CharEmbeddings | None"


def fit_network(
    settings: ResidualCnn,
    known: Known,
    valid: Bool[np.ndarray, " n"],
    workdir: Path,
    progress: Callable[[float], None] | None,
) -> FittedCnn:
    """Train a network on the documents outside `valid`, then on all; see `ResidualCnn.fit`."""
    if not (settings.refit and valid.any()):
        return _train(settings, known, valid, workdir, progress)
    chosen = _train(settings, known, valid, workdir / "choice", _half(progress, 0.0))
    epochs = max(1, round(chosen.best_epoch or settings.epochs))
    again = replace(settings, epochs=epochs)
    nobody = np.zeros_like(valid)
    refitted = _train(again, known, nobody, workdir / "refit", _half(progress, 0.5))
    curves = [*chosen.curves, *(_renamed(curve) for curve in refitted.curves)]
    return replace(refitted, settings=settings, curves=curves, best_epoch=chosen.best_epoch)


def _train(
    settings: ResidualCnn,
    known: Known,
    valid: Bool[np.ndarray, " n"],
    workdir: Path,
    progress: Callable[[float], None] | None,
) -> FittedCnn:
    rows = np.flatnonzero(~valid)
    vocabulary = CharVocabulary.learn((known.texts[i] for i in rows.tolist()), settings.alphabet)
    examples = _examples(settings, vocabulary, known.texts, known.labels)
    weights = class_weights(known.labels[rows], len(known.classes))
    network = build_network(
        settings, vocabulary, len(known.classes), seed=known.seed, weights=weights
    )
    if known.characters is not None:
        start_embedding(network, vocabulary, known.characters)
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
            seed=known.seed,
            precision="fp32" if settings.precision == "auto" else settings.precision,
        ),
        workdir=workdir,
        lengths=np.array([len(example.ids) for example in examples]),
        progress=progress,
    )
    return FittedCnn(settings, vocabulary, known.classes, network, result.curves, result.best_epoch)


def start_embedding(
    network: ResidualNetwork, vocabulary: CharVocabulary, characters: "CharEmbeddings"
) -> None:
    """Start a network's embedding from vectors learnt elsewhere.

    They are scaled to a standard deviation of 1 over all of them, that of random ones: what they
    bring is their geometry.

    Raises:
        InputError: vectors of another width.
    """
    vectors = torch.from_numpy(characters.vectors)
    weight = network.embedding.weight
    if vectors.shape[1] != weight.shape[1]:
        raise InputError(
            f"cnn: embedding is {weight.shape[1]} wide and char_lm's {vectors.shape[1]}: make the "
            "two settings equal"
        )
    ids = vocabulary.encode([characters.characters], context=len(vectors), keep="head").ids
    known = torch.from_numpy(ids.astype(np.int64))
    met = known != UNKNOWN
    with torch.no_grad():
        weight[known[met]] = (vectors / vectors.std().clamp(min=1e-12))[met]


def _half(progress: Callable[[float], None] | None, start: float) -> Callable[[float], None] | None:
    """Report one of two trainings as half of the whole."""
    return None if progress is None else lambda share: progress(start + share / 2)


def _renamed(curve: Curve) -> Curve:
    return curve.model_copy(update={"name": f"refit_{curve.name}"})


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
        bilstm=settings.bilstm,
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
