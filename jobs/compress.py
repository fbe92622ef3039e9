"""`compress`: one step of pruning a fine-tuned model, and at a level of interest its cell.

A chain of these jobs is the iterative pruning: each takes what the one before left. A killed chain
goes on at its last step, and a killed step at the trainer's last checkpoint, since the cut model
that it trains is made anew from the same input.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from classifiers.pruning import Pruning
from classifiers.registry import PRUNING
from jobs.efficiency import Training
from jobs.finetune import Given, judge, read, write_card
from jobs.job import Context, Params
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Take out MLP neurons up to a share of the original ones, and train what is left.

    Args:
        params: those of `finetune`, `prune` (settings, without levels), `share` (of the original
            neurons that is gone afterwards) and `final` (train to convergence and be judged).
        inputs: those of `finetune`, and `model`: what it or the step before made.
        out: receives `checkpoint/` (a plain checkpoint of transformers, merged, fp32) and
            `card.json`; if `final` also `cell.json` and `predictions.parquet`.
        context: as of `finetune`.

    Returns:
        What the training took; if `final` also what the model costs to use.

    Raises:
        InputError: an architecture that cannot be pruned, less than one neuron left, a model with
            fewer neurons than are to stay, or a training that diverged.
    """
    given = read(params, inputs, context)
    settings: Pruning = build("prune", "prune", PRUNING, params["prune"])
    finetune = given.settings
    train = settings.at_level(finetune) if params["final"] else settings.between(finetune)
    start = context.scratch / "cut"
    pruning = _cut(settings, params["share"], inputs["model"], given, start)
    training = Training(lambda share: context.progress(share, "of the training"))
    with training:
        source = replace(given.source, adapted=start)
        trained = given.fit(train, source, context.scratch / "training", training)
    fitted = trained.whole()
    fitted.save(out)
    took = training.figures(fitted.curves)
    if not params["final"]:
        write_card(fitted, out, coverage={}, pruning=pruning)
        return took
    return {**took, **judge(fitted, given, inputs, out, pruning=pruning)}


def _cut(
    settings: Pruning, share: float, model: Path, given: Given, out: Path
) -> dict[str, JsonValue]:
    """Write the cut model, to be trained; says how many neurons a layer had, and has."""
    from classifiers.pruning_layers import width
    from classifiers.pruning_step import Documents, prune
    from classifiers.sequence_merging import load_merged

    loaded = load_merged(model / "checkpoint", given.source)
    before = width(loaded.model)
    card: dict[str, Any] = json.loads((model / "card.json").read_text(encoding="utf-8"))
    original = card.get("pruning", {}).get("original_neurons", before)
    keep = settings.kept(original, share, given.settings.method)
    documents = Documents(texts=given.train, labels=given.sides.train_labels, valid=given.valid)
    prune(settings, given.settings, loaded, documents, keep=keep, seed=given.seed, out=out)
    return {
        "criterion": settings.criterion,
        "share": share,
        "original_neurons": original,
        "neurons_before": before,
        "neurons": keep,
        "share_reached": 1.0 - keep / original,
    }
