"""The embedding CNN as a scikit-learn classifier: standardise, hold out, train, predict."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from adapters.training import TrainingSettings
from classifiers.embedding_cnn import EmbeddingCnn
from classifiers.embedding_network import EmbeddingNetwork, Shape
from classifiers.losses import class_weights
from classifiers.network_training import learn
from classifiers.scaling import DenseScaler
from corpora.splitting import holdout
from results.errors import InputError
from results.records import Curve

_BATCH = 256  # documents predicted at once


class EmbeddingCnnClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Residual 1-D CNN on vectors, trained with class-weighted loss and early stopping.

    After `fit`: ``classes_``, ``network_`` (fp64, so that a prediction hardly depends on what it is
    computed beside; `None` where there was one class only), ``parameters_`` (its weights),
    ``curves_`` and ``best_epoch_``.
    """

    def __init__(self, *, settings: EmbeddingCnn | None = None, random_state: int = 0):
        """Store the settings; `None` stands for the defaults."""
        self.settings = settings
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from vectors `X` (n x d, dense or sparse) and labels `y` of any type.

        Args:
            X: training vectors.
            y: their labels.
            groups: of the documents; the validation part is then of whole groups.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype="numeric")  # noqa: N806
        check_classification_targets(y)
        self.classes_, encoded = np.unique(y, return_inverse=True)
        self.scaler_ = DenseScaler().fit(X)
        self.network_: EmbeddingNetwork | None = None
        self.parameters_ = 0
        self.best_epoch_: float | None = None
        self.curves_: list[Curve] = []
        if len(self.classes_) > 1:
            self._train(self.scaler_.transform(X), encoded, groups)
        return self

    def _train(self, x: Any, y: Int[np.ndarray, " n"], groups: Any) -> None:
        settings = self.settings or EmbeddingCnn()
        valid = _held_out(y, groups, settings.validation_share, self.random_state)
        weights = class_weights(y[~valid], len(self.classes_))
        network = _build(settings, x.shape[1], weights, seed=self.random_state)
        with tempfile.TemporaryDirectory() as workdir, _one_thread():
            result = learn(
                network,
                list(zip(x, y.tolist(), strict=True)),
                valid,
                collate=_collate,
                settings=TrainingSettings(
                    epochs=settings.epochs,
                    batch_size=settings.batch_size,
                    learning_rate=settings.learning_rate,
                    patience=settings.patience,
                    seed=self.random_state,
                ),
                workdir=Path(workdir),
            )
        self.network_ = network.cpu().double()
        self.parameters_ = sum(weight.numel() for weight in network.parameters())
        self.curves_, self.best_epoch_ = result.curves, result.best_epoch

    def predict_proba(self, X: Any) -> Float[np.ndarray, "n c"]:  # noqa: N803 - scikit-learn's name
        """Class probabilities, n x C in the order of ``classes_``."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype="numeric", reset=False)  # noqa: N806
        if self.network_ is None:
            return np.ones((X.shape[0], 1))
        x, scores = self.scaler_.transform(X), []
        with torch.no_grad():
            for start in range(0, x.shape[0], _BATCH):
                rows = torch.from_numpy(_dense(x[start : start + _BATCH]))
                scores.append(self.network_(rows.double())["logits"].softmax(dim=1).numpy())
        return np.concatenate(scores)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """The most probable class of each row."""
        scores = self.predict_proba(X)
        return np.asarray(self.classes_[scores.argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that sparse matrices are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: the layers are small, and the bytes depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _held_out(
    y: Int[np.ndarray, " n"], groups: Any, share: float, seed: int
) -> Bool[np.ndarray, " n"]:
    """Choose the validation part; empty where too few documents leave none."""
    try:
        return holdout(y, None if groups is None else np.asarray(groups), share, seed)
    except InputError:
        return np.zeros(len(y), dtype=bool)


def _build(
    settings: EmbeddingCnn, dimension: int, weights: Float[np.ndarray, " c"], *, seed: int
) -> EmbeddingNetwork:
    shape = Shape(dimension=dimension, classes=len(weights))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EmbeddingNetwork(settings, shape, torch.tensor(weights, dtype=torch.float32))


def _collate(examples: list[tuple[Any, int]]) -> dict[str, torch.Tensor]:
    vectors = np.concatenate([_dense(row).reshape(1, -1) for row, _ in examples])
    labels = [label for _, label in examples]
    return {"vectors": torch.from_numpy(vectors).float(), "labels": torch.tensor(labels)}


def _dense(rows: Any) -> np.ndarray:
    return np.asarray(rows.toarray() if issparse(rows) else rows)
