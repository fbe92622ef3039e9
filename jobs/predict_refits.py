"""Classifiers and detectors, which keep no weights, on new documents: fitted again, and checked.

They learn from the same vectors, labels and seed with the settings that were found best, so that
they come out the same wherever the machine and the packages are alike. Whether they do is seen on
the test documents, whose predictions are recorded.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from adapters.checkpoints import adapted_tokens
from adapters.registry import of_job
from classifiers import fitting
from classifiers.detection import Given, Scores, learn
from classifiers.detection_threshold import Choice
from classifiers.fitting import Predictions
from classifiers.registry import CLASSIFIERS, DETECTORS
from corpora.masking import TextView
from embedders import vectors
from jobs.cells import positions, read_normals, read_sides, read_texts, spread
from jobs.embed import refuse_other_tokens
from jobs.predict import Answer, Made, Ready
from jobs.predict_text import NewText
from jobs.predict_vectors import embedded
from jobs.process import limited
from results.records import Cell
from results.registry import build


def classify(made: Made, cell: Cell, embed: Made | None) -> Ready:
    """Fit a classifier of the matrix again."""
    assert embed is not None, "a classifier reads vectors"
    params, sides = made.params, read_sides(made.folders)
    found = vectors.load(made.folders["vectors"])
    recipe = build("classifier", params["classifier"], CLASSIFIERS, params["settings"])
    began = time.monotonic()
    fitted = fitting.fit(
        replace(recipe, **cell.best_params),
        found.matrix[positions(found.ids, sides.train_ids)],
        sides.train_labels,
        folds=[],
        tune=False,
        seed=params["seed"],
        threads=1,
        groups=sides.train_groups,
    )
    took_s = time.monotonic() - began

    def predict(rows: Any) -> Predictions:
        told = fitting.predict(fitted, rows)
        return Predictions(
            told.labels, spread(told.scores, told.classes, cell.classes), cell.classes
        )

    test = predict(found.matrix[positions(found.ids, sides.test_ids)])
    return Ready(
        answers=lambda text: _of_vectors(embed, text, predict),
        probable=hasattr(fitted.estimator, "predict_proba"),
        check=f"{params['classifier']}, fitted again in {took_s:.1f} s, "
        f"{_compared(test, made, cell)}",
    )


def anomaly(made: Made, cell: Cell, embed: Made | None) -> Ready:
    """Have a detector learn again what is normal; its threshold is the recorded one."""
    params = made.params
    detector = build("detector", params["detector"], DETECTORS, params["detector_settings"])
    sides = read_sides(made.folders, normal=params["normal"])
    normals = read_normals(made.folders, params["normal"], params["validation_share"])
    take = _reader(made, sides, detector.reads)
    given = Given(seed=params["seed"], model=_model(made) if detector.reads == "model" else None)
    labels = sides.train_labels[positions(sides.train_ids, normals.fit)]
    scorer = learn(detector, take(normals.fit), labels, given)

    def predict(documents: Any) -> Predictions:
        scores = scorer.score(documents)
        return _choice(cell, scores).apply(scores)

    def answers(text: NewText) -> Iterator[Answer]:
        if embed is None:
            return _of_parts(text, predict)
        return _of_vectors(embed, text, predict)

    check = ""
    if detector.reads != "model":  # whose scores are those of a network that is read, not fitted
        test = predict(take(sides.test_ids))
        check = f"{params['detector']}, fitted again, {_compared(test, made, cell)}"
    return Ready(answers=answers, probable=False, check=check)


def _choice(cell: Cell, scores: Scores) -> Choice:
    """Find the recorded way among those of the scores."""
    chosen = dict(cell.best_params)
    threshold = chosen.pop("threshold")
    ways = [dict(way) for way in scores.ways]
    assert isinstance(threshold, float | int) and chosen in ways, "a cell names its choice"
    return Choice(
        way=ways.index(chosen),
        threshold=float(threshold),
        f1=0.0,
        precision=0.0,
        recall=0.0,
        f1_of_alarm=0.0,
    )


def _reader(made: Made, sides: Any, reads: str) -> Callable[[Any], Any]:
    """Give documents of the run as a detector reads them."""
    if reads == "vectors":
        found = vectors.load(made.folders["vectors"])
        return lambda ids: found.matrix[positions(found.ids, ids)]
    if reads == "model":
        return lambda ids: [[] for _ in ids]  # it has learnt in its adaptation, and scores below
    texts = read_texts(made.folders, sides, TextView(**made.params["view"]))
    return lambda ids: [texts[name] for name in ids]


def _model(made: Made) -> Any:
    from adapters.masked_loading import load_masked

    params = made.params
    adapter = of_job(params, made.local)
    adapted = made.folders["adapted"] / "checkpoint" if "adapted" in made.folders else None
    refuse_other_tokens(adapted_tokens(adapted or adapter.folder()), TextView(**params["view"]))
    return load_masked(
        adapter, adapted=adapted, attention=params["attention"], precision=params["precision"]
    )


@dataclass
class _Counted:
    """Documents whose characters are counted as they are read."""

    text: NewText
    chars: list[int] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[str, list[str]]]:
        self.chars.clear()
        for name, parts in self.text:
            self.chars.append(sum(map(len, parts)))
            yield name, parts


def _of_vectors(
    embed: Made, text: NewText, predict: Callable[[Any], Predictions]
) -> Iterator[Answer]:
    """Embed all documents, then tell of each."""
    counted = _Counted(text)
    with limited(embed.threads):
        rows = embedded(embed.params, embed.folders, embed.local, counted)
    predictions = predict(rows)
    for number, chars in enumerate(counted.chars):
        yield _answer(predictions, number, chars)


def _of_parts(text: NewText, predict: Callable[[Any], Predictions]) -> Iterator[Answer]:
    for _, parts in text:
        yield _answer(predict([parts]), 0, sum(map(len, parts)))


def _answer(predictions: Predictions, number: int, chars: int) -> Answer:
    scores = None if predictions.scores is None else predictions.scores[number]
    return Answer(label=str(predictions.labels[number]), scores=scores, read=chars)


def _compared(predictions: Predictions, made: Made, cell: Cell) -> str:
    """Compare predictions of the test documents with the recorded ones."""
    known = pd.read_parquet(made.folders["cell"] / "predictions.parquet")
    others = int((known["predicted"].to_numpy(dtype=str) != predictions.labels).sum())
    if others:
        return (
            f"gives {others} of {len(known)} test documents another class than recorded (another "
            "machine, or other versions of packages)"
        )
    apart = _apart(known, predictions, cell)
    if apart:
        return f"gives all {len(known)} recorded test labels, scores up to {apart:.1e} apart"
    return f"gives all {len(known)} recorded test predictions exactly"


def _apart(known: pd.DataFrame, predictions: Predictions, cell: Cell) -> float:
    """The largest difference to a recorded score; 0 where none are recorded."""
    names = [f"score:{name}" for name in cell.classes]
    if predictions.scores is None or not set(names) <= set(known.columns):
        return 0.0
    before: np.ndarray = known[names].to_numpy(dtype=np.float32)
    return float(np.abs(before - predictions.scores.astype(np.float32)).max(initial=0.0))
