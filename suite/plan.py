"""From a suite to its jobs: a graph of nodes in an order in which they can run.

The points of studies are made by what makes the rows, and share what does not differ.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from results.errors import InputError
from suite.corpus_size import guess
from suite.estimate import estimate
from suite.granting import granted
from suite.node import Node
from suite.plan_corpus import corpus_node, identify, labels_node
from suite.plan_detectors import DetectorRows
from suite.plan_models import ModelRows
from suite.plan_references import ReferenceRows
from suite.planning import Planning
from suite.rows import detectors, trivial_models
from suite.site import Site
from suite.spec import Suite
from suite.studies import Point, points
from suite.where import within


def make_plan(
    suite: Suite,
    hash_file: Callable[[Path], str],
    *,
    weights: Literal["needed", "optional"] = "needed",
) -> list[Node]:
    """List the suite's jobs, every node after the nodes it needs.

    Args:
        suite: a checked suite.
        hash_file: hashes one file, usually `results.hashing.HashCache.hash`.
        weights: "optional" plans models too whose weights are not at hand; see `Node.unknown`.

    Raises:
        InputError: a missing file, an unknown setting, weights that cannot be identified.
    """
    planning = Planning(suite, _told(hash_file), weights_needed=weights == "needed")
    nodes = list(_Planner(planning).nodes())
    size = guess(suite)
    return granted(nodes, suite.resources, estimate(nodes, size), size)


def _told(hash_file: Callable[[Path], str]) -> Callable[[Path], str]:
    """Have a file that cannot be read told in one line."""

    def hashed(path: Path) -> str:
        try:
            return hash_file(path)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read: {error.strerror or error}; check its permissions, or "
                "take it away"
            ) from error

    return hashed


class _Planner:
    def __init__(self, planning: Planning) -> None:
        self.planning = planning
        self.models = ModelRows(planning)
        self.detectors = DetectorRows(planning, self.models)
        self.references = ReferenceRows(planning)

    def nodes(self) -> Iterator[Node]:
        """Yield the data jobs, then those of models, detectors, references and studies."""
        suite = self.planning.suite
        source = identify(suite, self.planning.hash_file)
        yield corpus_node(suite, source)
        yield labels_node(suite, source)
        sites = [Site(seed=seed) for seed in suite.seeds]
        for site in sites:
            yield from self.planning.roles(site, "cleaned")
        for model in (*trivial_models(), *suite.models):
            yield from self.models.nodes(model, sites)
        models = {model.name: model for model in suite.models}
        for site in sites:
            for detector in detectors(suite.anomaly):
                yield from self.detectors.nodes(detector, models.get(detector.model or ""), site)
            for reference in suite.references:
                yield from self.references.nodes(reference, site)
        yield from self._studies()

    def _studies(self) -> Iterator[Node]:
        """Yield what the studies need beside the rows; equal points are equal nodes."""
        suite = self.planning.suite
        for study in suite.studies:
            seeds = suite.seeds if study.seeds is None else study.seeds
            for point in points(suite, study):
                shown = f"{study.name} {point.study.row}"
                with within(f"studies: {point.label(point.study.row)}"):
                    nodes = list(self._point(point, [Site(seed=x, point=point) for x in seeds]))
                yield from (replace(node, study=shown) for node in nodes)

    def _point(self, point: Point, sites: list[Site]) -> Iterator[Node]:
        row = point.row
        if row.model is not None and row.detector is None:
            yield from self.models.nodes(row.model, sites, row.column)
        for site in sites:
            if row.detector is not None:
                yield from self.detectors.nodes(row.detector, row.model, site)
            if row.reference is not None:
                yield from self.references.nodes(row.reference, site)
