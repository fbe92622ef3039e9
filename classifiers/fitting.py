"""Fit one classifier of the matrix on training vectors; tune it on folds of them; predict.

`fit` takes training vectors and training labels and nothing else, so no test label can reach it.
The same inputs, seed and thread count give the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from results.errors import InputError

Vectors: TypeAlias = np.ndarray | csr_matrix
Fold = tuple[np.ndarray, np.ndarray]


class Recipe(Protocol):
    """A frozen dataclass of settings registered in `classifiers.registry.CLASSIFIERS`."""

    def estimator(self, *, seed: int, threads: int) -> Any:
        """An unfitted scikit-learn estimator with these settings."""

    def grid(self) -> Mapping[str, Sequence[Any]]:
        """Setting -> values to try, the recipe's own value among them."""


@dataclass(frozen=True)
class Fitted:
    """A classifier that has learnt.

    Attributes:
        estimator: fitted on all training documents.
        best_params: setting -> value that the grid search chose; empty where it had no say.
        cv_macro_f1: mean over the folds of the macro-F1 on each one's validation part, with the
            settings that `estimator` has; `None` with `cv_reason`.
        cv_reason: why there is no such number.
    """

    estimator: Any
    best_params: dict[str, Any]
    cv_macro_f1: float | None
    cv_reason: str | None


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of each document.

    Attributes:
        labels: predicted class names, n.
        scores: n x C, columns in the order of `classes`, greater is more likely; `None` where the
            classifier has none.
        classes: the classes that the classifier knows.
    """

    labels: np.ndarray
    scores: Float[np.ndarray, "n c"] | None
    classes: list[str]


def fit(
    recipe: Recipe,
    x_train: Vectors,
    y_train: Sequence[str] | np.ndarray,
    *,
    folds: Sequence[Fold],
    tune: bool,
    seed: int,
    threads: int,
    groups: np.ndarray | None = None,
) -> Fitted:
    """Fit a recipe, as it is or with the best settings of its grid.

    Args:
        recipe: what to fit.
        x_train: n x d training vectors, dense or CSR.
        y_train: n class names.
        folds: (training rows, validation rows) of `x_train`, grouped where the split is; the score
            of settings is the mean over them. Without folds there is no such score.
        tune: search the recipe's grid on the folds, else keep the recipe's own settings.
        seed: decides what is random in the estimator.
        threads: threads to compute with.
        groups: group of each training document where the split is grouped, for an estimator that
            holds a validation part out of what it is given.

    Raises:
        InputError: `tune` without folds that can be learnt from.
    """
    y_train = np.asarray(y_train, dtype=str)
    assert x_train.shape[0] == len(y_train), "one label per training vector"
    reason = _why_no_cv(y_train, folds)
    if tune and reason is not None:
        raise InputError(f"{type(recipe).__name__} cannot be tuned: {reason}")
    settings: dict[str, Any] = {}
    score = None
    with threadpool_limits(threads):
        if reason is None:
            tried = _settings(recipe) if tune else [{}]
            scores = [
                _cross_validate(_vary(recipe, s), x_train, y_train, folds, seed, threads, groups)
                for s in tried
            ]
            best = int(np.argmax(scores))
            settings, score = tried[best], scores[best]
        estimator = _vary(recipe, settings).estimator(seed=seed, threads=threads)
        _learn(estimator, x_train, y_train, groups)
    return Fitted(estimator, settings, score, reason)


def predict(fitted: Fitted, x: Vectors) -> Predictions:
    """Classify vectors, n x d, on one thread (sums over a forest's trees depend on their order)."""
    estimator = fitted.estimator
    with threadpool_limits(1):
        labels = np.asarray(estimator.predict(x), dtype=str)
        scores = None
        if hasattr(estimator, "predict_proba"):
            scores = np.asarray(estimator.predict_proba(x), dtype=np.float64)
        elif hasattr(estimator, "decision_function"):
            scores = _two_columns(np.asarray(estimator.decision_function(x), dtype=np.float64))
    return Predictions(labels, scores, [str(name) for name in estimator.classes_])


def _settings(recipe: Recipe) -> list[dict[str, Any]]:
    """Every combination of the grid; that of the first values, the recipe's own, comes first."""
    combinations: list[dict[str, Any]] = [{}]
    for name, values in recipe.grid().items():
        combinations = [{**some, name: value} for some in combinations for value in values]
    return combinations


def _vary(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    return replace(recipe, **settings)  # type: ignore[type-var]  # recipes are dataclasses


def _cross_validate(
    recipe: Recipe,
    x: Vectors,
    y: np.ndarray,
    folds: Sequence[Fold],
    seed: int,
    threads: int,
    groups: np.ndarray | None,
) -> float:
    """Mean over folds of the macro-F1 over the classes that occur in the validation part."""
    from sklearn.metrics import f1_score

    scores = []
    for train, valid in folds:
        assert not np.intersect1d(train, valid).size, "a fold validates on what it learns from"
        estimator = recipe.estimator(seed=seed, threads=threads)
        _learn(estimator, x[train], y[train], None if groups is None else groups[train])
        truth = y[valid]
        classes = np.unique(truth)
        guess = estimator.predict(x[valid])
        scores.append(f1_score(truth, guess, labels=classes, average="macro", zero_division=0))
    return float(np.mean(scores))


def _learn(estimator: Any, x: Vectors, y: np.ndarray, groups: np.ndarray | None) -> None:
    from sklearn.utils.validation import has_fit_parameter

    known = (
        {} if groups is None or not has_fit_parameter(estimator, "groups") else {"groups": groups}
    )
    estimator.fit(x, y, **known)
    if "n_jobs" in estimator.get_params(deep=False):
        estimator.set_params(n_jobs=1)


def _why_no_cv(y: np.ndarray, folds: Sequence[Fold]) -> str | None:
    if not folds:
        return "no folds"
    for number, (train, valid) in enumerate(folds, start=1):
        if not len(valid):
            return f"fold {number} of {len(folds)} has no validation documents"
        if len(np.unique(y[train])) < 2:
            return f"fold {number} of {len(folds)} leaves fewer than two classes to learn from"
    return None


def _two_columns(distances: np.ndarray) -> np.ndarray:
    """A binary classifier's one distance, n, as a column per class, n x 2."""
    return np.stack([-distances, distances], axis=1) if distances.ndim == 1 else distances
