"""`adapt`: domain adaptation; train text and a model in, an adapted checkpoint out."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from adapters.registry import OBJECTIVES, of_job
from corpora.masking import SPECIAL_TOKENS, TextView
from corpora.storage import read_documents
from jobs.job import Context, Params
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Adapt a model to the train documents' text; no label is read.

    Args:
        params: `adapter`, `settings`, `identity`, `code`, `view`, `objective`,
            `objective_settings`, `device`, `precision`, `threads`, `workers`.
        inputs: `corpus`; `split`, unless the suite adapts on all documents.
        out: receives `checkpoint/` and `card.json` (held-out loss before and after, curve).
        context: `local` may hold `checkpoint`, `revision` and `adapter` (code from outside).

    Returns:
        ``resumed_at``: share of the training that an earlier attempt had done, so that it is no
        part of this one's costs; only where there was one.
    """
    adapter = of_job(params, context.local)
    objective = build("objective", params["objective"], OBJECTIVES, params["objective_settings"])
    shares: list[float] = []

    def progress(share: float) -> None:
        shares.append(share)
        context.progress(share, "of the training")

    card = objective.adapt(
        adapter,
        _texts(inputs, TextView(**params["view"])),
        special_tokens=SPECIAL_TOKENS,
        out=out,
        scratch=context.scratch,
        precision=params["precision"],
        workers=params["workers"],
        progress=progress,
    )
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return {"resumed_at": shares[0]} if shares and shares[0] > 0.0 else {}


def _texts(inputs: Mapping[str, Path], view: TextView) -> Iterator[list[str]]:
    train = None
    if "split" in inputs:
        split = pd.read_parquet(inputs["split"] / "split.parquet")
        train = set(split.loc[split["side"] == "train", "id"])
    for document in read_documents(inputs["corpus"] / "documents.parquet", train):
        yield [view.apply(part) for part in document.parts]
