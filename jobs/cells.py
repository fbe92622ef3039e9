"""What every job that makes a cell does alike: take its train side, and score at the very end.

`Sides` holds train labels and test ids, never a test label. Those are read in one place,
`write_cell`, from the predictions onwards (DESIGN §6.1).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from classifiers.detection import CLASSES
from classifiers.fitting import Predictions
from corpora.masking import TextView
from corpora.normals import Normals, divide
from corpora.storage import read_documents
from results.metrics import score
from results.records import Cell, Curve


@dataclass(frozen=True)
class Sides:
    """What a cell may know before it is scored.

    Attributes:
        classes: every class of the corpus, sorted; those of `classifiers.detection` where one class
            is told from all others.
        train_ids: ids of the train documents, in the order of the labels artifact.
        train_labels: their labels.
        train_groups: their groups where the split is grouped, else `None`.
        test_ids: ids of the test documents; their labels are not here.
        normal: the class that is told from all others; `None` where each class counts.
    """

    classes: list[str]
    train_ids: list[str]
    train_labels: np.ndarray
    train_groups: np.ndarray | None
    test_ids: list[str]
    normal: str | None = None


def read_sides(inputs: Mapping[str, Path], *, normal: str | None = None) -> Sides:
    """Read the `labels` and `split` inputs.

    Args:
        inputs: with both of them.
        normal: the class that is normal, where all others are anomalies alike.
    """
    labels = pd.read_parquet(inputs["labels"] / "labels.parquet")
    sides = pd.read_parquet(inputs["split"] / "split.parquet")
    card = json.loads((inputs["split"] / "card.json").read_text(encoding="utf-8"))
    table = labels.merge(sides, on="id", validate="one_to_one")
    train = table[table["side"] == "train"]
    grouped = card["by"] == "group"
    return Sides(
        classes=sorted(labels["label"].unique()) if normal is None else list(CLASSES),
        train_ids=list(train["id"]),
        train_labels=_told_apart(train["label"].to_numpy(dtype=str), normal),
        train_groups=train["group"].to_numpy(dtype=str) if grouped else None,
        test_ids=list(table.loc[table["side"] == "test", "id"]),
        normal=normal,
    )


def read_normals(inputs: Mapping[str, Path], normal: str, validation_share: float) -> Normals:
    """Divide the train side into what may be learnt from as normal, and validation documents.

    Raises:
        InputError: no such class, or none of the one kind or the other on the train side.
    """
    sides = pd.read_parquet(inputs["split"] / "split.parquet")
    train = sides[sides["side"] == "train"]
    labels = pd.read_parquet(inputs["labels"] / "labels.parquet")
    card = json.loads((inputs["split"] / "card.json").read_text(encoding="utf-8"))
    return divide(
        labels[labels["id"].isin(train["id"])],
        train,
        normal=normal,
        validation_share=validation_share,
        grouped=card["by"] == "group",
    )


def _told_apart(labels: np.ndarray, normal: str | None) -> np.ndarray:
    """Call a class normal and all others anomalies; without such a class they stay as they are."""
    return labels if normal is None else np.where(labels == normal, "normal", "anomaly")


def read_texts(inputs: Mapping[str, Path], sides: Sides, view: TextView) -> dict[str, list[str]]:
    """Read the train and the test documents from the `corpus` input, as parts by id."""
    wanted = {*sides.train_ids, *sides.test_ids}
    return {
        document.id: [view.apply(part) for part in document.parts]
        for document in read_documents(inputs["corpus"] / "documents.parquet", wanted)
    }


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a classifier hands over to be scored.

    Attributes:
        predicted: one class per test document, in the order of `Sides.test_ids`.
        scores: one row per test document and one column per class, `None` where there are none.
    """

    predicted: np.ndarray
    scores: np.ndarray | None
    best_params: Mapping[str, object]
    cv_macro_f1: float | None
    cv_reason: str | None
    parameters: int | None = None
    curves: Sequence[Curve] = ()


class Network(Protocol):
    """What a fitted network tells of itself."""

    @property
    def parameters(self) -> int:
        """Weights that were trained."""

    @property
    def curves(self) -> Sequence[Curve]:
        """Learning curves."""


def network_outcome(network: Network, predictions: Predictions, sides: Sides) -> Outcome:
    """Hand over what a network says of the test documents, with its learning curves."""
    return Outcome(
        predicted=predictions.labels,
        scores=spread(predictions.scores, predictions.classes, sides.classes),
        best_params={},
        cv_macro_f1=None,
        cv_reason="chosen on a validation part of train",
        parameters=network.parameters,
        curves=network.curves,
    )


def write_cell(inputs: Mapping[str, Path], out: Path, sides: Sides, outcome: Outcome) -> None:
    """Score the predictions against the test labels; write `cell.json`, `predictions.parquet`."""
    labels = pd.read_parquet(inputs["labels"] / "labels.parquet").set_index("id")["label"]
    truth = _told_apart(labels.loc[sides.test_ids].to_numpy(dtype=str), sides.normal)
    cell = Cell.model_validate(
        {
            "classes": sides.classes,
            "scores": score(list(truth), list(outcome.predicted), sides.classes).model_dump(),
            "train_documents": len(sides.train_ids),
            "test_documents": len(sides.test_ids),
            "best_params": dict(outcome.best_params),
            "cv_macro_f1": outcome.cv_macro_f1,
            "cv_reason": outcome.cv_reason,
            "parameters": outcome.parameters,
            "curves": [curve.model_dump() for curve in outcome.curves],
        }
    )
    (out / "cell.json").write_text(cell.model_dump_json(indent=1) + "\n", encoding="utf-8")
    columns = {"id": sides.test_ids, "label": truth, "predicted": outcome.predicted}
    frame = pd.DataFrame(columns)
    if outcome.scores is not None:
        for index, name in enumerate(sides.classes):
            frame[f"score:{name}"] = outcome.scores[:, index].astype(np.float32)
    frame.to_parquet(out / "predictions.parquet", index=False)


def positions(ids: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """Find where each wanted id stands in `ids`."""
    where = {name: index for index, name in enumerate(ids)}
    return np.array([where[name] for name in wanted], dtype=np.int64)


def spread(
    scores: np.ndarray | None, known: Sequence[str], classes: Sequence[str]
) -> np.ndarray | None:
    """Put the columns of a classifier's scores where `classes` has them.

    A class that the classifier never met gets the lowest score there is, so that it is never the
    most likely one.
    """
    if scores is None or list(known) == list(classes):
        return scores
    full = np.full((len(scores), len(classes)), scores.min() if scores.size else 0.0)
    full[:, positions(classes, known)] = scores
    return full
