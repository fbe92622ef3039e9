"""`anomaly`: a detector that knows normal documents only, as one cell.

Of the train side it learns from normal documents; k and the threshold are chosen on the held-out
normal ones and the train side's anomalies (`corpora.normals`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import JsonValue

from adapters.checkpoints import adapted_tokens
from adapters.registry import of_job
from classifiers.detection import Given, Reads, Scorer, Scores, learn
from classifiers.detection_threshold import Choice, Detection, choose
from classifiers.registry import DETECTORS
from corpora.masking import TextView
from corpora.normals import Normals
from embedders import vectors
from jobs.cells import (
    Outcome,
    Sides,
    positions,
    read_normals,
    read_sides,
    read_texts,
    write_cell,
)
from jobs.efficiency import Figures, Training, fp32_bytes, latency, pickled_bytes
from jobs.embed import refuse_other_tokens
from jobs.job import Context, Params
from results.registry import build

if TYPE_CHECKING:
    from adapters.masked_loading import MaskedLoaded

Take = Callable[[Sequence[str]], Any]
"""Gives documents by their ids, as a detector reads them."""


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Learn what is normal, choose a threshold, tell anomalies among the test documents, score.

    Args:
        params: `detector`, `detector_settings`, `normal` (a class; every other one is an anomaly),
            `validation_share`, `view`, `seed`, `device`, `precision`, `threads`; where the detector
            reads a model also `adapter`, `settings`, `identity`, `code`, `attention`.
        inputs: `corpus`, `labels`, `split`; `adapted` for an adapted checkpoint; `vectors` where
            the detector reads those.
        out: receives `cell.json`, `predictions.parquet` and `card.json`.
        context: `local` may hold `checkpoint`, `revision` and `adapter` (code from outside).

    Returns:
        What the detector costs to use, from what it reads to the class, and to fit; of a model the
        adaptation's costs stand with that job. See `jobs.efficiency`.

    Raises:
        InputError: `normal` is no class, one of the two kinds is missing on the train side, or a
            model that cannot guess hidden tokens.
    """
    detector = build("detector", params["detector"], DETECTORS, params["detector_settings"])
    sides = read_sides(inputs, normal=params["normal"])
    normals = read_normals(inputs, params["normal"], params["validation_share"])
    model = _model(params, inputs, context) if detector.reads == "model" else None
    take = _reader(detector.reads, params, inputs, sides)
    given = Given(
        seed=params["seed"],
        model=model,
        progress=lambda share: context.progress(share, "of the paragraphs"),
    )
    training = Training()
    with training:
        scorer = learn(detector, take(normals.fit), _labels(sides, normals.fit), given)
    # Validation and test documents are scored at once: what they share is computed once.
    scores = scorer.score(take([*normals.valid, *sides.test_ids]))
    number = len(normals.valid)
    known = int((sides.train_labels == "normal").sum())
    choice = choose(scores.rows(slice(number)), _labels(sides, normals.valid), normals=known)
    audit = {} if model is None else {"audit": dict(model.audit)}
    told = {"choice": choice.card(scores), **scores.figures, **audit}
    card = {**_documents(sides, normals), **told}
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    write_cell(inputs, out, sides, _outcome(choice, scores, slice(number, None)))
    detection = Detection(scorer, choice)
    return {
        **training.figures(),
        **_size(scorer, model),
        **latency(lambda ids: detection.predict(take(ids)), sides.test_ids),
    }


def _outcome(choice: Choice, scores: Scores, test: slice) -> Outcome:
    predictions = choice.apply(scores.rows(test))
    why = f": {choice.reason}" if choice.reason else ""
    return Outcome(
        predicted=predictions.labels,
        scores=predictions.scores,
        best_params=choice.params(scores),
        cv_macro_f1=None,
        cv_reason=f"chosen on validation documents of train{why}",
    )


def _size(scorer: Scorer, model: "MaskedLoaded | None") -> Figures:
    if model is None:
        return pickled_bytes(scorer)
    return {"model_bytes": fp32_bytes(model.audit["parameters"])}


def _labels(sides: Sides, ids: Sequence[str]) -> np.ndarray:
    return np.asarray(sides.train_labels[positions(sides.train_ids, ids)])


def _documents(sides: Sides, normals: Normals) -> dict[str, JsonValue]:
    """Count documents: what was learnt from, chosen on, and is to be told apart."""
    anomalies = int((_labels(sides, normals.valid) == "anomaly").sum())
    return {
        "documents": {
            "fit": len(normals.fit),
            "valid": {"normal": len(normals.valid) - anomalies, "anomaly": anomalies},
            "test": len(sides.test_ids),
        }
    }


def _reader(reads: Reads, params: Params, inputs: Mapping[str, Path], sides: Sides) -> Take:
    """Read documents as a detector wants them."""
    if reads == "vectors":
        found = vectors.load(inputs["vectors"])
        return lambda ids: found.matrix[positions(found.ids, ids)]
    texts = read_texts(inputs, sides, TextView(**params["view"]))
    return lambda ids: [texts[name] for name in ids]


def _model(params: Params, inputs: Mapping[str, Path], context: Context) -> "MaskedLoaded":
    from adapters.masked_loading import load_masked

    adapter = of_job(params, context.local)
    adapted = inputs["adapted"] / "checkpoint" if "adapted" in inputs else None
    refuse_other_tokens(adapted_tokens(adapted or adapter.folder()), TextView(**params["view"]))
    return load_masked(
        adapter,
        adapted=adapted,
        attention=params["attention"],
        precision=params["precision"],
    )
