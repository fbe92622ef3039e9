"""XGBoost as a scikit-learn classifier that balances classes by itself.

`XGBClassifier` wants labels 0..C-1 without gaps and has no ``class_weight``; this adapter encodes
whatever labels `fit` sees and weighs each document by n / (C n_c), so that each fold of a
cross-validation gets weights and labels of its own.
"""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from xgboost import XGBClassifier


class BalancedXgboost(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Boosted trees; arguments are those of `xgboost.XGBClassifier`."""

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_depth: int = 6,
        learning_rate: float = 0.3,
        subsample: float = 1.0,
        colsample_bytree: float = 1.0,
        random_state: int = 0,
        n_jobs: int = 1,
    ):
        """Store the settings."""
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from vectors `X` (n x d, dense or sparse) and labels `y` of any type."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype="numeric")  # noqa: N806
        check_classification_targets(y)
        self.classes_, encoded = np.unique(y, return_inverse=True)
        self.model_ = None
        if len(self.classes_) > 1:
            weights = compute_sample_weight("balanced", encoded)
            self.model_ = XGBClassifier(tree_method="hist", verbosity=0, **self.get_params())
            self.model_.fit(X, encoded, sample_weight=weights)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """Class probabilities, n x C in the order of ``classes_``."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype="numeric", reset=False)  # noqa: N806
        if self.model_ is None:
            return np.ones((X.shape[0], 1), dtype=np.float32)
        return np.asarray(self.model_.predict_proba(X))

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """The most probable class of each row."""
        scores = self.predict_proba(X)
        return np.asarray(self.classes_[scores.argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that sparse matrices are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
