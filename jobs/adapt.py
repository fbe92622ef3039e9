"""`adapt`: domain adaptation; train text and a model in, an adapted checkpoint out.

With `only`, the text is that of normal train documents alone: anomalies are not left out of what is
read, they are never among it (`corpora.normals`).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import JsonValue

from adapters.registry import OBJECTIVES, of_job
from corpora.masking import SPECIAL_TOKENS, TextView
from corpora.storage import read_documents
from jobs.cells import read_normals
from jobs.efficiency import Training
from jobs.job import Context, Params
from results.errors import InputError
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Adapt a model to the train documents' text; no label is read, unless `only` asks for it.

    Args:
        params: `adapter`, `settings`, `identity`, `code`, `view`, `objective`,
            `objective_settings`, `device`, `precision`, `threads`, `workers`; `only` may hold
            `normal` (a class) and `validation_share`: then only that class is learnt from, less
            the documents that are held out for validation.
        inputs: `corpus`; `split`, unless the suite adapts on all documents; `labels` with `only`.
        out: receives `checkpoint/` and `card.json` (held-out loss before and after, curve).
        context: `local` may hold `checkpoint`, `revision` and `adapter` (code from outside).

    Returns:
        What the training took: see `jobs.efficiency`.

    Raises:
        InputError: `only` without a split and labels, besides what the objective refuses.
    """
    adapter = of_job(params, context.local)
    objective = build("objective", params["objective"], OBJECTIVES, params["objective_settings"])
    training = Training(lambda share: context.progress(share, "of the training"))
    with training:
        card = objective.adapt(
            adapter,
            _texts(inputs, TextView(**params["view"]), _documents(params, inputs)),
            special_tokens=SPECIAL_TOKENS,
            out=out,
            scratch=context.scratch,
            precision=params["precision"],
            workers=params["workers"],
            progress=training.progress,
        )
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return training.figures()


def _documents(params: Params, inputs: Mapping[str, Path]) -> set[str] | None:
    """List the ids of what may be learnt from; None for the whole corpus."""
    only = params.get("only")
    if only is not None:
        return _normals(only, inputs)
    if "split" not in inputs:
        return None
    split = pd.read_parquet(inputs["split"] / "split.parquet")
    return set(split.loc[split["side"] == "train", "id"])


def _normals(only: Mapping[str, Any], inputs: Mapping[str, Path]) -> set[str]:
    for needed in ("split", "labels"):
        if needed not in inputs:
            raise InputError(
                f"adapt: only documents of the class {only['normal']!r} may be learnt from, and "
                f"without `{needed}` anomalies cannot be told apart: give it, or leave `only` out"
            )
    return set(read_normals(inputs, only["normal"], only["validation_share"]).fit)


def _texts(inputs: Mapping[str, Path], view: TextView, ids: set[str] | None) -> Iterator[list[str]]:
    for document in read_documents(inputs["corpus"] / "documents.parquet", ids):
        yield [view.apply(part) for part in document.parts]
