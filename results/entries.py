"""What one row of the results is: a record judged, and its seeds together.

`Entry` is a model with a classifier over all its seeds. A `Study` varies settings of such rows: for
each row that it varies it has one `Point`, with its own entry, for each setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from pydantic import JsonValue

from results.records import Cell, Record
from results.statistics import Interval, Measure, Paired, Spread, spread


@dataclass(frozen=True)
class Verdict:
    """One record with what can be said about it.

    Attributes:
        measures: each of `results.measures.NAMES` with its sampling interval, or the reason why it
            has no value; empty where the cell is not ok.
        per_class: class -> ``precision``, ``recall`` and ``f1``; empty where the cell is not ok.
        paired: comparison with the baseline of the same seed, else `None` with `unpaired`.
        p_holm: McNemar p after Holm over all comparisons of the run.
        gain_p_holm: bootstrap p of the gain after Holm over the same, else `None`.
        unresolvable: why there is no bootstrap p, where there is a comparison without one.
        unpaired: why there is no comparison.
        differs: why this cell must not stand beside the others of its seed; `None` where it may.
    """

    record: Record
    measures: Mapping[str, Measure] = field(default_factory=dict)
    per_class: Mapping[str, Mapping[str, Measure]] = field(default_factory=dict)
    paired: Paired | None = None
    p_holm: float | None = None
    gain_p_holm: float | None = None
    unresolvable: str | None = None
    unpaired: str | None = None
    differs: str | None = None

    @property
    def accuracy(self) -> Interval | None:
        """Sampling interval of the accuracy; `None` where the cell is not ok."""
        return self._interval("accuracy")

    @property
    def macro_f1(self) -> Interval | None:
        """Sampling interval of the macro-F1; `None` where the cell is not ok."""
        return self._interval("macro_f1")

    def _interval(self, name: str) -> Interval | None:
        return self.measures[name].interval if name in self.measures else None


@dataclass(frozen=True)
class Entry:
    """One model and classifier over all its seeds."""

    verdicts: tuple[Verdict, ...]

    @property
    def section(self) -> str:
        """`matrix`, `reference` or `trivial`."""
        return self.verdicts[0].record.section

    @property
    def model(self) -> str:
        """Name of the model in the suite."""
        return self.verdicts[0].record.model

    @property
    def classifier(self) -> str:
        """Name of the classifier, `-tuned` included."""
        return self.verdicts[0].record.classifier

    @property
    def name(self) -> str:
        """`model/classifier`, unique within a run."""
        return f"{self.model}/{self.classifier}"

    @property
    def cells(self) -> list[Cell]:
        """The cells of the seeds that are ok."""
        return [v.record.cell for v in self.verdicts if v.record.cell is not None]

    @property
    def broken(self) -> list[Record]:
        """The records of the seeds that failed or were blocked."""
        return [v.record for v in self.verdicts if v.record.cell is None]

    @property
    def accuracy(self) -> Spread | None:
        """Accuracy over seeds; `None` where no seed is ok."""
        return spread([c.scores.accuracy for c in self.cells]) if self.cells else None

    @property
    def macro_f1(self) -> Spread | None:
        """Macro-F1 over seeds; `None` where no seed is ok."""
        return spread([c.scores.macro_f1 for c in self.cells]) if self.cells else None

    @property
    def cv_macro_f1(self) -> float | None:
        """Cross-validated macro-F1 on train over seeds; `None` where a seed has none."""
        values = [c.cv_macro_f1 for c in self.cells]
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known and len(known) == len(values) else None

    @property
    def differs(self) -> str | None:
        """Why a seed of it must not stand beside others; `None` where all may."""
        return next((v.differs for v in self.verdicts if v.differs), None)

    @property
    def marks(self) -> tuple[str, ...]:
        """Caveats of any seed, each once."""
        return tuple(dict.fromkeys(mark for v in self.verdicts for mark in v.record.marks))


@dataclass(frozen=True)
class Point:
    """One setting of a study: what was varied, and how it did over the seeds."""

    vary: dict[str, JsonValue]
    entry: Entry


@dataclass(frozen=True)
class Study:
    """Some rows of the suite under varied settings.

    Attributes:
        name: as the suite has it.
        rows: row as the suite spells it -> its points, in the order of the plan.
    """

    name: str
    rows: dict[str, tuple[Point, ...]]

    @property
    def points(self) -> list[Point]:
        """The points of all rows."""
        return [point for points in self.rows.values() for point in points]

    @property
    def keys(self) -> list[str]:
        """What is varied; the first key is the horizontal axis of the figure."""
        return list(dict.fromkeys(key for point in self.points for key in point.vary))
