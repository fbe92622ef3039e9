"""`split`: labels and a rule in; the side of every document and what leaks across out."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from corpora.duplicates import duplicates
from corpora.splitting import Splitting, split, split_hash
from corpora.storage import read_documents
from corpora.thinning import SIDES, thinned
from jobs.job import Context, Params


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Divide the labelled documents and look for duplicates across the division.

    Args:
        params: `by`, `test_share`, `seed`, `leaks`; `train_share` for a thinned train side, whose
            other documents are on the side "unused" and in no count of duplicates.
        inputs: `corpus` (for the texts) and `labels`.
        out: receives `split.parquet` and `card.json`.
        context: unused.

    Raises:
        InputError: a class too small to be on both sides, or duplicates that the suite refuses.
    """
    labels = pd.read_parquet(inputs["labels"] / "labels.parquet")
    rule = Splitting(**{key: params[key] for key in params if key != "train_share"})
    sides = split(labels, rule, params["seed"])
    if "train_share" in params:
        share, grouped = params["train_share"], rule.by == "group"
        sides = thinned(labels, sides, share, seed=params["seed"], grouped=grouped)
    used = sides[sides["side"].isin(SIDES)]
    documents = read_documents(inputs["corpus"] / "documents.parquet", set(used["id"]))
    report = duplicates(documents, labels, used, rule.leaks)
    sides.to_parquet(out / "split.parquet", index=False)
    table = labels.merge(sides, on="id")
    card = {
        **params,
        "hash": split_hash(sides),
        "documents": dict(Counter(sides["side"])),
        "classes": {
            side: {str(k): int(v) for k, v in part["label"].value_counts().sort_index().items()}
            for side, part in table.groupby("side")
        },
        "duplicates": report,
    }
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return {}
