"""`reference`: a network that reads characters, as one cell beside the matrix."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from classifiers.registry import REFERENCES
from corpora.masking import TextView
from corpora.splitting import holdout
from jobs.cells import network_outcome, read_sides, read_texts, write_cell
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
    texts = read_texts(inputs, sides, TextView(**params["view"]))
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
    write_cell(inputs, out, sides, network_outcome(fitted, predictions, sides))
    return {}
