"""The jobs of anomaly detectors: what the model they read has learnt, and the detection itself."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from classifiers.registry import DETECTORS
from results.errors import InputError
from results.registry import build
from suite.node import Node, shareable
from suite.plan_models import ModelRows
from suite.planning import Planning
from suite.row_sections import TEXT_MODEL, Detector, Model
from suite.rows import TRIVIAL_DETECTORS
from suite.sections import Text
from suite.site import Site
from suite.where import within


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What a detector reads.

    Attributes:
        text: the form of the documents.
        roles: the artifacts.
        marks: caveats of its numbers.
        params: what identifies its model, where it computes with one.
        rest: further attributes of its node.
    """

    text: Text
    roles: dict[str, str]
    marks: tuple[str, ...]
    params: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)


class DetectorRows:
    """Plans the rows of detectors."""

    def __init__(self, planning: Planning, models: ModelRows) -> None:
        """Plan within one planning of a suite, beside its models."""
        self.planning = planning
        self.models = models

    def nodes(self, detector: Detector, model: Model | None, site: Site) -> Iterator[Node]:
        """Yield the jobs of a detector at a site.

        Raises:
            InputError: an unknown setting, or a model where none is read, or none where one is.
        """
        anomaly = self.planning.suite.anomaly
        assert anomaly is not None
        with within(f"anomaly.detectors: {detector.name!r}"):
            built = build("detector", detector.kind, DETECTORS, detector.settings)
        _check(detector, built.reads, model)
        read = yield from self._read(detector, built, model, site)
        name = detector.model or TEXT_MODEL
        yield Node(
            id=f"anomaly:{name}/{site.shown(detector.name)}/{site.seed}",
            kind="anomaly",
            params={
                **read.params,
                **self.planning.network(),
                "detector": detector.kind,
                "detector_settings": shareable(built),
                "normal": anomaly.normal,
                "validation_share": anomaly.validation_share,
                "view": self.planning.view(read.text),
                "seed": site.seed,
            },
            needs=read.roles,
            cpus=self.planning.suite.compute.threads,
            cell=site.cell(
                "anomaly",
                model=name,
                classifier=detector.name,
                text=read.text,
                marks=read.marks,
                roles=read.roles,
            ),
            **read.rest,
        )

    def _read(
        self, detector: Detector, built: Any, model: Model | None, site: Site
    ) -> Generator[Node, None, _Read]:
        if model is None:
            text = detector.text or TRIVIAL_DETECTORS.get(detector.kind, "cleaned")
            roles = yield from self.planning.roles(site, text)
            return _Read(text=text, roles=roles, marks=self.planning.marks)
        weights = self.models.weights(model)
        roles = yield from self.models.learnt(model, weights, site)
        marks = self.models.marks(model)
        if built.reads == "vectors":
            roles["vectors"] = yield from self.models.embedded(model, weights, roles, site)
            return _Read(text=model.view, roles=roles, marks=marks)
        return _Read(
            text=model.view,
            roles=roles,
            params={**weights.params, "attention": self.planning.target.attention},
            rest={"local": weights.local, "unknown": weights.unknown, "model": model.name},
            marks=marks,
        )


def _check(detector: Detector, reads: str, model: Model | None) -> None:
    """Hold a detector to what it reads.

    Raises:
        InputError: a model where none is read, none where one is, or a text beside a model.
    """
    where = f"anomaly.detectors: {detector.name!r} ({detector.kind})"
    if reads == "text" and model is not None:
        raise InputError(f"{where} reads the text itself: leave `model` out")
    if reads != "text" and model is None:
        raise InputError(f"{where} needs `model`: name one of the suite's models")
    if model is not None and detector.text is not None:
        raise InputError(f"{where} reads what its model reads: give the model `text`, not the row")
