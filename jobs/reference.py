"""`reference`: a network that reads characters, as one cell beside the matrix."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from classifiers.char_lm import load_embeddings
from classifiers.registry import REFERENCES
from classifiers.residual_cnn import Coverage
from corpora.masking import TextView
from corpora.splitting import holdout
from jobs.cells import Sides, network_outcome, read_sides, read_texts, write_cell
from jobs.efficiency import Training, latency
from jobs.job import Context, Params
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Train on the characters of the train documents, predict the test documents, score.

    Args:
        params: `reference`, `settings`, `view`, `seed`, `precision`, `device`, `threads`.
        inputs: `corpus`, `labels`, `split`; `char_lm` for the vectors that the embedding starts
            from.
        out: receives `cell.json`, `predictions.parquet`, the weights with their config, and
            `card.json` (what was read of the documents, the size of the network).
        context: progress and scratch for the trainer's checkpoints.

    Returns:
        What the network costs to train and to use, see `jobs.efficiency`.

    Raises:
        InputError: training diverged, or settings that do not fit one another.
    """
    sides = read_sides(inputs)
    texts = read_texts(inputs, sides, TextView(**params["view"]))
    reference = build("reference", params["reference"], REFERENCES, params["settings"])
    if reference.precision == "auto":
        reference = replace(reference, precision=params["precision"])
    train = [texts[name] for name in sides.train_ids]
    test = [texts[name] for name in sides.test_ids]
    training = Training(lambda share: context.progress(share, "of the training"))
    with training:
        fitted = reference.fit(
            train,
            sides.train_labels,
            _held_out(sides, reference.validation_share, params["seed"]),
            classes=sides.classes,
            seed=params["seed"],
            characters=load_embeddings(inputs["char_lm"]) if "char_lm" in inputs else None,
            workdir=context.scratch,
            progress=training.progress,
        )
    predictions = fitted.predict(test)
    fitted.save(out)
    card = {
        "parameters": fitted.parameters,
        "bytes": fitted.bytes,
        "best_epoch": fitted.best_epoch,
        "characters": len(fitted.vocabulary.characters),
        "coverage": {
            "train": _told(fitted.coverage(train)),
            "test": _told(fitted.coverage(test)),
        },
    }
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    write_cell(inputs, out, sides, network_outcome(fitted, predictions, sides))
    return {
        **training.figures(fitted.curves),
        "model_bytes": fitted.bytes,
        **latency(fitted.predict, test),
    }


def _held_out(sides: Sides, share: float, seed: int) -> np.ndarray:
    """Choose the validation part of the train side; nobody where no share is asked for."""
    if not share:
        return np.zeros(len(sides.train_ids), dtype=bool)
    return holdout(sides.train_labels, sides.train_groups, share, seed)


def _told(coverage: Coverage) -> dict[str, JsonValue]:
    return {**asdict(coverage), "share": coverage.share}
