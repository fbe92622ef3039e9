"""`alter`: the corpus with a share of the lines of its test documents altered."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from corpora.altering import OPERATIONS, Altered, Altering, altered
from corpora.document import blocks
from corpora.storage import DOCUMENTS, DocumentWriter, read_documents
from jobs.job import Context, Params


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Alter lines of the test documents and leave all others as they are.

    Args:
        params: `share`, `seed`.
        inputs: `corpus`, `split`.
        out: receives `documents.parquet` and `card.json`.
        context: unused.

    Raises:
        InputError: a share that does not lie between 0 and 1.
    """
    rule, done = Altering(share=params["share"], seed=params["seed"]), Altered()
    split = pd.read_parquet(inputs["split"] / "split.parquet")
    test = frozenset(split.loc[split["side"] == "test", "id"])
    with DocumentWriter(out / DOCUMENTS) as writer:
        for document in read_documents(inputs["corpus"] / DOCUMENTS):
            parts = iter(document.parts)
            if document.id in test:
                parts = blocks(altered(parts, document.id, rule, done))
            writer.add(document.id, parts, document.group)
    card = {
        "share": rule.share,
        "seed": rule.seed,
        "documents": len(test),
        "lines": done.lines,
        "altered_lines": done.operations.total(),
        "operations": {name: done.operations[name] for name in OPERATIONS},
    }
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return {}
