"""Where a row of the results is computed: with which seed, at which point of a study."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from suite.node import CellPlan
from suite.studies import Point

Section = Literal["matrix", "compress", "anomaly", "reference", "trivial"]


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a row is computed: with which seed, at which point of a study, if any."""

    seed: int
    point: Point | None = None

    @property
    def train_share(self) -> float:
        """Share of the train side that is learnt from."""
        return 1.0 if self.point is None else self.point.train_share

    @property
    def altered_lines(self) -> float:
        """Share of the test documents' lines that is altered."""
        return 0.0 if self.point is None else self.point.altered_lines

    def shown(self, name: str) -> str:
        """Name a cell here."""
        return name if self.point is None else self.point.label(name)

    def of_model(self, name: str) -> str:
        """Name what a model learns here from train documents, whatever reads it."""
        return name if self.point is None else self.point.label(name, ("model", "split"))

    def of_vectors(self, name: str) -> str:
        """Name a model's vectors here, whatever reads them."""
        if self.point is None:
            return name
        return self.point.label(name, ("model", "split", "documents"))

    def cell(self, section: Section, *, roles: Mapping[str, str], **plan: Any) -> CellPlan:
        """Plan a cell here.

        Args:
            section: of the results; a point of a study is in a section of its own.
            roles: what the cell is made from; where `corpus` is a form of the documents of its
                own, the results call that form `documents`.
            plan: the rest of `CellPlan`; `classifier` is what the row calls it.
        """
        point = self.point
        if roles["corpus"] != "corpus":
            roles = {**roles, "corpus": "corpus", "documents": roles["corpus"]}
        return CellPlan(
            **{**plan, "classifier": self.shown(plan["classifier"])},
            roles=dict(roles),
            section=section if point is None else "study",
            seed=self.seed,
            study=None if point is None else point.study,
        )
