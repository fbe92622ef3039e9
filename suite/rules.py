"""Rules of thumb for jobs without a language model: seconds from documents, characters, features.

Fitted to jobs of some hundred to some thousand documents on one core of an AMD EPYC (2026-11); a
plan marks what rests on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2, prod
from typing import Any

from classifiers.registry import CLASSIFIERS
from results.registry import find
from suite.estimate_networks import CLASSES
from suite.node import Node

START_S = 1.0
"""Seconds until the libraries are imported; with torch and a model `MODEL_START_S`."""

MODEL_START_S = 4.0

_DATA_START_S = 0.3
"""The same of jobs that import little."""

SPARSE_FEATURES = 1000
"""Features of a document's TF-IDF vector that are not zero, about."""

_CHARS_PER_S = {  # characters that a job goes through per second
    "corpus": 4e6,
    "labels": 2e7,
    "split": 1e7,  # masked once, to count duplicates
    "templates": 2e6,
    "alter": 5e6,
}
_FEATURES_PER_S = {"char_wb": 3e5, "word": 1.5e6}
_DETECTOR_CHARS_PER_S = {"line_count": 2e7, "unseen_templates": 2e6}


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a job without a language model goes through.

    Attributes:
        characters: of all documents.
        learnt: documents that are learnt from.
        features: of a vector that is read, as far as they are not zero.
    """

    characters: float
    learnt: float
    features: int


def seconds(node: Node, work: Work) -> float | None:
    """Say how long a job takes on one core, about; None where no rule covers it."""
    if node.kind in _CHARS_PER_S:
        start = START_S if node.kind in ("split", "templates") else _DATA_START_S
        return start + work.characters / _CHARS_PER_S[node.kind]
    if node.kind == "embed":
        analyzer = node.params["settings"].get("analyzer")
        start = START_S if analyzer else _DATA_START_S
        return start + work.characters / _FEATURES_PER_S.get(analyzer, 5e7)
    if node.kind == "anomaly":
        rate = _DETECTOR_CHARS_PER_S.get(node.params["detector"], 1e8)
        return START_S + work.characters / rate
    if node.kind != "classify" or (once := _fit_s(node, work)) is None:
        return None
    return START_S + _fits(node) * once


def _fits(node: Node) -> int:
    """How often a classifier is fitted: once, and in each fold for each point of the grid."""
    params = node.params
    points = 1
    if params["tune"]:
        recipe = find("classifier", params["classifier"], CLASSIFIERS)(**params["settings"])
        points = prod(map(len, recipe.grid().values()))
    return 1 + int(params["folds"]) * points


def _fit_s(node: Node, work: Work) -> float | None:
    """Seconds of one fit; None for a classifier without a rule."""
    settings: Mapping[str, Any] = node.params["settings"]
    n, d = work.learnt, work.features
    sorting = n * log2(n + 2) * 1e-7
    match node.params["classifier"]:
        case "logistic_regression" | "linear_svc":
            return n * d * CLASSES * 2.5e-7
        case "decision_tree":
            return sorting * d
        case "random_forest":
            return float(sorting * d**0.5 * settings["trees"])
        case "xgboost":
            trees = float(settings["rounds"] * CLASSES)
            return float(trees * d * (4.6e-6 + 1e-9 * n * settings["max_depth"]))
        case "embedding_cnn":
            return float(MODEL_START_S + settings["epochs"] * n * 1e4 * d / 2e10)
        case "majority":
            return 0.0
        case _:
            return None
