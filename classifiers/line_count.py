"""Detector `line_count`: how far a document's number of lines is from the normal one (trivial)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from classifiers.detection import Given, Reads, Scores
from classifiers.detection_lines import lines


@dataclass(frozen=True, kw_only=True)
class LineCount:
    """Distance from the median number of lines of normal documents, to either side."""

    reads: ClassVar[Reads] = "text"

    def fit(self, documents: Sequence[Sequence[str]], given: Given) -> "FittedLineCount":
        """Count the lines of normal documents, given as parts."""
        return FittedLineCount(float(np.median([len(lines(parts)) for parts in documents])))


@dataclass(frozen=True)
class FittedLineCount:
    """The median number of lines of normal documents."""

    median: float

    def score(self, documents: Sequence[Sequence[str]]) -> Scores:
        """Score documents, given as parts, by lines too many or too few."""
        counts = np.array([len(lines(parts)) for parts in documents], dtype=float)
        return Scores.of(np.abs(counts - self.median))
