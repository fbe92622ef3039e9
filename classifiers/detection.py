"""Anomaly detectors: what they are given, what they give, and how one becomes predictions.

A detector learns from normal documents alone (or was given a model that did) and scores documents,
greater is more anomalous. Where it could score in several ways (LogFiT's k), it gives all of them;
way and threshold are then chosen on labelled validation documents, for every detector by the same
function (`classifiers.detection_threshold`). A new detector is one file and one registry line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

import numpy as np
from jaxtyping import Float, Shaped
from pydantic import JsonValue

from results.errors import InputError

if TYPE_CHECKING:
    from adapters.masked_loading import MaskedLoaded

CLASSES = ("anomaly", "normal")
"""The classes of a detector's cell, whatever the corpus calls its own."""

Reads = Literal["model", "vectors", "text"]
"""What a detector reads of a document: its parts, by a masked language model; its vector, as a row
of a matrix; or its parts, as they are."""


def _silent(share: float) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a detector may use beside documents.

    Attributes:
        seed: decides what is hidden.
        model: a masked language model, for detectors that read by one.
        progress: takes the share of the scoring that is done, 0 to 1.
    """

    seed: int = 0
    model: "MaskedLoaded | None" = None
    progress: Callable[[float], None] = _silent


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How anomalous documents are, in one or several ways.

    Attributes:
        values: a row for each document, a column for each way; greater is more anomalous.
        ways: what each column is, as `best_params` of a cell will name it.
        thresholds: the only ones that may be chosen, in the unit of the values; `None` for any.
        figures: what the card says of the scoring.
    """

    values: Float[np.ndarray, "n w"]
    ways: Sequence[Mapping[str, JsonValue]] = ({},)
    thresholds: Sequence[float] | None = None
    figures: Mapping[str, JsonValue] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Float[np.ndarray, " n"]) -> Self:
        """Make the scores of a detector that scores in one way."""
        return cls(values=np.asarray(values, dtype=np.float64)[:, None])

    def rows(self, which: slice) -> Self:
        """Take some of the documents."""
        return replace(self, values=self.values[which])


class Scorer(Protocol):
    """A detector that has learnt what is normal."""

    def score(self, documents: Any) -> Scores:
        """Score documents; equal ones get equal scores, in whatever order they come."""


class Detector(Protocol):
    """A frozen dataclass of settings registered in `classifiers.registry.DETECTORS`."""

    reads: ClassVar[Reads]

    def fit(self, documents: Any, given: Given) -> Scorer:
        """Learn from documents all of which are normal, as `Reads` says they come."""


def learn(
    detector: Detector,
    documents: Any,
    labels: Sequence[str] | Shaped[np.ndarray, " n"],
    given: Given,
) -> Scorer:
    """Have a detector learn what is normal.

    Args:
        detector: the settings.
        documents: the training documents as it reads them (`Reads`), n.
        labels: `anomaly` or `normal` for each, n.
        given: what else it may use.

    Raises:
        InputError: there is an anomaly, or nothing at all, among the training documents.
    """
    anomalies = int((np.asarray(labels, dtype=str) != "normal").sum())
    if anomalies:
        raise InputError(
            f"anomaly: {anomalies} of {len(labels)} training documents are anomalies, but "
            f"{type(detector).__name__} learns from normal documents only: leave them out "
            "(they belong to the validation documents)"
        )
    if not len(labels):
        raise InputError("anomaly: no normal document to learn from: give the corpus more of them")
    return detector.fit(documents, given)
