"""`corpus`: the suite's corpus section in; cleaned documents and the corpus card out."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from corpora.cleaning import Cleaning, clean
from corpora.document import Loader
from corpora.registry import LOADERS
from corpora.selecting import select
from jobs.job import Context, Params
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Read, select and clean the documents.

    Args:
        params: `loader`, `settings`, `source` (hash of the bytes), `where`, `clean`, `group`.
        inputs: none.
        out: receives `documents.parquet` and `card.json`.
        context: `local` holds the loader's `path`, if it has one.

    Raises:
        InputError: unusable data; the message names the file or document.
    """
    documents = select(loader(params, context).documents(), params["where"])
    card = clean(documents, Cleaning(**params["clean"]), out, group=params["group"])
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return {}


def loader(params: Params, context: Context) -> Loader:
    """Build the corpus's loader, pointed at this machine's copy of the data."""
    settings = {**params["settings"], **context.local}
    built: Loader = build("loader", params["loader"], LOADERS, settings)
    return built
