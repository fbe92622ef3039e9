"""The rows of a suite's results, by name: references, detectors, cells of a model and a classifier.

A row is named as a study names it: `cnn`, `minilm/xgboost`, `minilm/xgboost-tuned`,
`bigbird/finetuned`, `bert/logfit`, `text/line_count`. The trivial rows, which every report shows
(DESIGN §6), are among them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from suite.row_sections import TEXT_MODEL, Anomaly, Classifier, Detector, Model, Reference
from suite.sections import Text

FINETUNED = "finetuned"

TRIVIAL_DETECTORS: dict[str, Text] = {"line_count": "cleaned", "unseen_templates": "templates"}
"""Detectors that every report on anomalies shows, and the text they read unless told otherwise."""

# How C was chosen, and with what in view, stands in docs/decisions.md.
_TRIVIAL: dict[str, Classifier] = {
    "majority": Classifier(name="majority"),
    "length": Classifier(name="logistic_regression"),
    "tfidf-char": Classifier.model_validate({"name": "logistic_regression", "c": 10.0}),
    "tfidf-word": Classifier(name="linear_svc"),
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """What reads a model's vectors: a classifier, as it is or tuned."""

    classifier: Classifier
    variant: Literal["default", "tuned"] = "default"

    @property
    def shown(self) -> str:
        """Its name in the results."""
        name = self.classifier.name
        return name if self.variant == "default" else f"{name}-tuned"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: a reference, a detector, or a model with its column.

    A fine-tuned model has no column; a detector has the model that it reads, if any.
    """

    reference: Reference | None = None
    detector: Detector | None = None
    model: Model | None = None
    column: Column | None = None


def rows_of(
    models: Sequence[Model],
    classifiers: Sequence[Classifier],
    references: Sequence[Reference],
    anomaly: Anomaly | None,
) -> dict[str, Row]:
    """List a suite's rows by name, the trivial ones last."""
    rows = {reference.name: Row(reference=reference) for reference in references}
    by_name = {model.name: model for model in models}
    for detector in detectors(anomaly):
        rows[f"{detector.model or TEXT_MODEL}/{detector.name}"] = Row(
            detector=detector, model=by_name.get(detector.model or "")
        )
    for model in (*models, *trivial_models()):
        if model.finetune:
            rows[f"{model.name}/{FINETUNED}"] = Row(model=model)
            continue
        for column in columns(model, classifiers):
            rows[f"{model.name}/{column.shown}"] = Row(model=model, column=column)
    return rows


def columns(model: Model, classifiers: Sequence[Classifier]) -> Iterator[Column]:
    """List what reads a model: the suite's classifiers, or its own where the model is trivial."""
    if model.name in _TRIVIAL:
        yield Column(classifier=_TRIVIAL[model.name])
        return
    for classifier in classifiers:
        for variant in classifier.variants:
            yield Column(classifier=classifier, variant=variant)


def detectors(anomaly: Anomaly | None) -> list[Detector]:
    """List a suite's detectors, with those of the trivial ones that it does not name itself."""
    if anomaly is None:
        return []
    own = {detector.kind for detector in anomaly.detectors if detector.kind in TRIVIAL_DETECTORS}
    others = [Detector(name=name) for name in TRIVIAL_DETECTORS if name not in own]
    return [*anomaly.detectors, *others]


def is_trivial(model: Model) -> bool:
    """Say whether a model is one of those that every report shows."""
    return model.name in _TRIVIAL


def trivial_models() -> list[Model]:
    """List the models that every report shows."""
    adapters: dict[str, dict[str, Any]] = {
        "majority": {"adapter": "length"},
        "length": {"adapter": "length"},
        "tfidf-char": {"adapter": "tfidf", "analyzer": "char_wb", "ngram": (3, 5)},
        "tfidf-word": {"adapter": "tfidf", "analyzer": "word", "ngram": (1, 2)},
    }
    return [
        Model.model_construct(
            name=name,
            **settings,
            overlap=None,
            text="cleaned",
            adapt=None,
            adapt_on="train",
            finetune=None,
        )
        for name, settings in adapters.items()
    ]
