"""Standardise dense vectors, leave sparse ones alone.

A linear model's penalty weighs all features alike, so an embedding's dimensions are brought to one
scale; TF-IDF rows have unit length by construction, and centring them would fill the matrix.
"""

from typing import Any, Self

from scipy.sparse import issparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data


class DenseScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # untyped
    """Zero mean and unit variance per feature of an ndarray; a sparse matrix passes unchanged."""

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn means and variances; nothing where `X` is sparse."""
        X = validate_data(self, X, accept_sparse="csr", dtype="numeric")  # noqa: N806 - as above
        self.scaler_ = None if issparse(X) else StandardScaler().fit(X)
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Scale `X`, which must be dense where `fit` saw dense vectors."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype="numeric", reset=False)  # noqa: N806
        if (self.scaler_ is None) != issparse(X):
            raise ValueError("fitted on dense and asked to scale sparse vectors, or the reverse")
        return X if self.scaler_ is None else self.scaler_.transform(X)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that sparse matrices are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
