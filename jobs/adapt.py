"""`adapt`: domain adaptation; train text and a model in, an adapted checkpoint out."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from adapters.registry import ADAPTERS, OBJECTIVES
from corpora.masking import SPECIAL_TOKENS, TextView
from corpora.storage import read_documents
from jobs.job import Context, Params
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Adapt a model to the train documents' text; no label is read.

    Args:
        params: `adapter`, `settings`, `identity`, `view`, `objective`,
            `objective_settings`, `device`, `precision`, `threads`.
        inputs: `corpus`; `split`, unless the suite adapts on all documents.
        out: receives `checkpoint/` and `card.json` (held-out loss before and after, curve).
        context: `local` may hold `checkpoint` and `revision`.
    """
    settings = {**params["settings"], **context.local}
    adapter = build("adapter", params["adapter"], ADAPTERS, settings)
    objective = build("objective", params["objective"], OBJECTIVES, params["objective_settings"])
    card = objective.adapt(
        adapter.folder(),
        _texts(inputs, TextView(**params["view"])),
        special_tokens=SPECIAL_TOKENS,
        out=out,
        scratch=context.scratch,
        precision=params["precision"],
        progress=lambda share: context.progress(share, "of the training"),
    )
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return {}


def _texts(inputs: Mapping[str, Path], view: TextView) -> Iterator[list[str]]:
    train = None
    if "split" in inputs:
        split = pd.read_parquet(inputs["split"] / "split.parquet")
        train = set(split.loc[split["side"] == "train", "id"])
    for document in read_documents(inputs["corpus"] / "documents.parquet", train):
        yield [view.apply(part) for part in document.parts]
