"""`labels`: the same source again, without its text; a label per document out."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from corpora.selecting import Columns, Relabel, labelled
from corpora.storage import read_index
from jobs.corpus import chosen
from jobs.job import Context, Params


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Collect label, group, time and given side of the documents that cleaning kept.

    Args:
        params: as of `corpus`, with `label`, `time`, `split_column` and `relabel`.
        inputs: `corpus`.
        out: receives `labels.parquet` and `card.json`.
        context: `local` holds the loader's `path`, if it has one.

    Raises:
        InputError: no such field, no labelled document, or one class only.
    """
    kept = set(read_index(inputs["corpus"] / "documents.parquet")["id"])
    documents = chosen(params, context)
    columns = Columns(
        label=params["label"],
        group=params["group"],
        time=params["time"],
        split_column=params["split_column"],
    )
    rows = ((document.id, document.fields) for document in documents if document.id in kept)
    labels = labelled(rows, columns, Relabel(**params["relabel"]))
    labels.frame.to_parquet(out / "labels.parquet", index=False)
    sizes = labels.frame["label"].value_counts().sort_index()
    card = {
        "documents": labels.documents,
        "labelled": len(labels.frame),
        "unlabelled": labels.unlabelled,
        "mapped_away": labels.mapped_away,
        "rare": dict(labels.rare),
        "classes": {str(name): int(count) for name, count in sizes.items()},
    }
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return {}
