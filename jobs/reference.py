"""`reference`: a network that reads characters, as one cell beside the matrix."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from classifiers.registry import REFERENCES
from corpora.masking import TextView
from corpora.splitting import holdout
from corpora.storage import read_documents
from jobs.cells import Outcome, read_sides, spread, write_cell
from jobs.job import Context, Params
from results.registry import build

VALIDATION_SHARE = 0.15


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Train on the characters of the train documents, predict the test documents, score.

    Args:
        params: `reference`, `settings`, `view`, `seed`, `precision`, `device`, `threads`.
        inputs: `corpus`, `labels`, `split`.
        out: receives `cell.json`, `predictions.parquet` and the weights with their config.
        context: progress and scratch for the trainer's checkpoints.
    """
    sides = read_sides(inputs)
    view = TextView(**params["view"])
    wanted = set(sides.train_ids) | set(sides.test_ids)
    texts = {
        document.id: [view.apply(part) for part in document.parts]
        for document in read_documents(inputs["corpus"] / "documents.parquet", wanted)
    }
    reference = build("reference", params["reference"], REFERENCES, params["settings"])
    valid = holdout(sides.train_labels, sides.train_groups, VALIDATION_SHARE, params["seed"])
    fitted = reference.fit(
        [texts[name] for name in sides.train_ids],
        sides.train_labels,
        valid,
        classes=sides.classes,
        seed=params["seed"],
        precision=params["precision"],
        workdir=context.scratch,
        progress=lambda share: context.progress(share, "of the training"),
    )
    predictions = fitted.predict([texts[name] for name in sides.test_ids])
    fitted.save(out)
    outcome = Outcome(
        predicted=predictions.labels,
        scores=spread(predictions.scores, predictions.classes, sides.classes),
        best_params={},
        cv_macro_f1=None,
        cv_reason="chosen on a validation part of train",
        parameters=fitted.parameters,
        curves=fitted.curves,
    )
    write_cell(inputs, out, sides, outcome)
    return {}
