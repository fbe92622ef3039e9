"""`finetune`: a pretrained model trained end to end, as one cell beside the matrix."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from pydantic import JsonValue

from adapters.checkpoints import adapted_tokens
from adapters.registry import of_job
from classifiers.registry import FINETUNE
from classifiers.sequence import Coverage, Source
from corpora.masking import TextView
from corpora.splitting import holdout
from jobs.cells import network_outcome, read_sides, read_texts, write_cell
from jobs.embed import refuse_other_tokens
from jobs.job import Context, Params
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Train a model and its head on the train documents, predict the test documents, score.

    Args:
        params: `adapter`, `settings`, `identity`, `code`, `view`, `finetune`, `seed`, `device`,
            `precision`, `attention`, `threads`.
        inputs: `corpus`, `labels`, `split`; `adapted` for an adapted checkpoint.
        out: receives `cell.json`, `predictions.parquet`, `checkpoint/` and `card.json` (audit of
            the weights, what was read of the documents).
        context: `local` may hold `checkpoint`, `revision` and `adapter` (code from outside);
            progress and scratch for the trainer's checkpoints.

    Raises:
        InputError: a model that cannot be fine-tuned, or a training that diverged.
    """
    adapter = of_job(params, context.local)
    settings = build("finetune", "finetune", FINETUNE, params["finetune"])
    adapted = inputs["adapted"] / "checkpoint" if "adapted" in inputs else None
    sides, view = read_sides(inputs), TextView(**params["view"])
    refuse_other_tokens(adapted_tokens(adapted or adapter.folder()), view)
    texts = read_texts(inputs, sides, view)
    fitted = settings.fit(
        [texts[name] for name in sides.train_ids],
        sides.train_labels,
        holdout(sides.train_labels, sides.train_groups, settings.validation_share, params["seed"]),
        source=Source(
            adapter=adapter,
            adapted=adapted,
            attention=params["attention"],
            precision=params["precision"],
        ),
        seed=params["seed"],
        workdir=context.scratch,
        progress=lambda share: context.progress(share, "of the training"),
    )
    predictions, coverage = fitted.predict([texts[name] for name in sides.test_ids])
    fitted.save(out)
    card = {
        **fitted.card(),
        "coverage": {"train": _told(fitted.coverage), "test": _told(coverage)},
    }
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    write_cell(inputs, out, sides, network_outcome(fitted, predictions, sides))
    return {}


def _told(coverage: Coverage) -> dict[str, JsonValue]:
    return {**asdict(coverage), "share": coverage.share}
