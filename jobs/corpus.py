"""`corpus`: the suite's corpus section in; cleaned documents and the corpus card out."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue

from corpora.cleaning import Cleaning, clean
from corpora.document import Counts, Document, Loader
from corpora.registry import LOADERS
from corpora.selecting import select
from jobs.job import Context, Params
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Read, select and clean the documents.

    Args:
        params: `loader`, `settings`, `source` (hash of the bytes), `where`, `clean`, `group`; may
            hold `sample`, the share of the documents that is kept.
        inputs: none.
        out: receives `documents.parquet` and `card.json`.
        context: `local` holds the loader's `path`, if it has one.

    Raises:
        InputError: unusable data; the message names the file or document.
    """
    counts: Counter[str] = Counter()
    documents = chosen(params, context, counts)
    card = clean(documents, Cleaning(**params["clean"]), out, group=params["group"])
    if counts:  # what most corpora have nothing of leaves their cards as they are
        card["source"] = dict(sorted(counts.items()))
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return {}


def chosen(params: Params, context: Context, counts: Counts | None = None) -> Iterator[Document]:
    """Yield the documents that are selected; the loader adds what it met to `counts`."""
    documents = loader(params, context).documents(counts)
    return select(documents, params["where"], params.get("sample", 1.0))


def loader(params: Params, context: Context) -> Loader:
    """Build the corpus's loader, pointed at this machine's copy of the data."""
    settings = {**params["settings"], **context.local}
    built: Loader = build("loader", params["loader"], LOADERS, settings)
    return built
