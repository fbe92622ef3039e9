"""Where a row of the results is computed: with which seed, at which point of a study."""

from dataclasses import dataclass
from typing import Any, Literal

from suite.node import CellPlan
from suite.studies import Point


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a row is computed: with which seed, at which point of a study, if any."""

    seed: int
    point: Point | None = None

    @property
    def train_share(self) -> float:
        """Share of the train side that is learnt from."""
        return 1.0 if self.point is None else self.point.train_share

    def shown(self, name: str) -> str:
        """Name a cell here."""
        return name if self.point is None else self.point.label(name)

    def of_model(self, name: str) -> str:
        """Name what is made of a model here, whatever reads it."""
        return name if self.point is None else self.point.label(name, ("model", "split"))

    def cell(self, section: Literal["matrix", "reference", "trivial"], **plan: Any) -> CellPlan:
        """Plan a cell here; `classifier` is what its row calls it."""
        point = self.point
        return CellPlan(
            **{**plan, "classifier": self.shown(plan["classifier"])},
            section=section if point is None else "study",
            seed=self.seed,
            study=None if point is None else point.study,
        )
