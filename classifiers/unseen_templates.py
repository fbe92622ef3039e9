"""Detector `unseen_templates`: a document's lines that no normal document has (trivial).

Meant for text whose lines are templates or masked; raw lines are nearly all unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from classifiers.detection import Given, Reads, Scores
from classifiers.detection_lines import lines


@dataclass(frozen=True, kw_only=True)
class UnseenTemplates:
    """Distinct lines of a document that stand in no normal document.

    Attributes:
        count: their number, or their share of the document's distinct lines.
    """

    reads: ClassVar[Reads] = "text"

    count: Literal["number", "share"] = "number"

    def fit(self, documents: Sequence[Sequence[str]], given: Given) -> "FittedUnseenTemplates":
        """Note the lines of normal documents, given as parts."""
        known = frozenset(line for parts in documents for line in lines(parts))
        return FittedUnseenTemplates(self, known)


@dataclass(frozen=True)
class FittedUnseenTemplates:
    """The lines of normal documents."""

    settings: UnseenTemplates
    known: frozenset[str]

    def score(self, documents: Sequence[Sequence[str]]) -> Scores:
        """Score documents, given as parts."""
        return Scores.of(np.array([self._score(set(lines(parts))) for parts in documents]))

    def _score(self, own: set[str]) -> float:
        unseen = len(own - self.known)
        return unseen / max(1, len(own)) if self.settings.count == "share" else float(unseen)
