"""Detector `centroid`: how far a document's vector lies from the mean of normal documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float
from scipy.sparse import issparse

from classifiers.detection import Given, Reads, Scores
from classifiers.fitting import Vectors

_ROWS = 256  # made dense at once


@dataclass(frozen=True, kw_only=True)
class Centroid:
    """Distance from the centroid of normal documents.

    Attributes:
        distance: Euclidean, or 1 - cosine; a vector of zeros has a cosine of 0 with anything.
    """

    reads: ClassVar[Reads] = "vectors"

    distance: Literal["euclidean", "cosine"] = "euclidean"

    def fit(self, documents: Vectors, given: Given) -> "FittedCentroid":
        """Average the vectors of normal documents, n x d, dense or sparse."""
        total = sum(rows.sum(axis=0) for rows in _dense(documents))
        return FittedCentroid(self, np.asarray(total) / documents.shape[0])


@dataclass(frozen=True)
class FittedCentroid:
    """The mean of normal documents' vectors."""

    settings: Centroid
    centre: Float[np.ndarray, " d"]

    def score(self, documents: Vectors) -> Scores:
        """Score vectors, n x d."""
        measure = _euclidean if self.settings.distance == "euclidean" else _cosine
        found = [measure(rows, self.centre) for rows in _dense(documents)]
        return Scores.of(np.concatenate([np.zeros(0), *found]))


def _euclidean(
    rows: Float[np.ndarray, "n d"], centre: Float[np.ndarray, " d"]
) -> Float[np.ndarray, " n"]:
    return np.asarray(np.sqrt(((rows - centre) ** 2).sum(axis=1)))


def _cosine(
    rows: Float[np.ndarray, "n d"], centre: Float[np.ndarray, " d"]
) -> Float[np.ndarray, " n"]:
    norms = np.sqrt((rows**2).sum(axis=1)) * np.sqrt((centre**2).sum())
    products = (rows * centre).sum(axis=1)
    return np.asarray(1.0 - products / np.where(norms > 0.0, norms, 1.0))


def _dense(documents: Vectors) -> Iterator[Float[np.ndarray, "n d"]]:
    """Give some rows at a time, in float64; a row's sums are then the same beside any others."""
    for start in range(0, documents.shape[0], _ROWS):
        rows: Any = documents[start : start + _ROWS]
        yield np.asarray(rows.toarray() if issparse(rows) else rows, dtype=np.float64)
