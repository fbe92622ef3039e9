"""`templates`: the documents with every line replaced by its template, learnt on the train side."""

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from corpora.document import blocks
from corpora.storage import DOCUMENTS, DocumentWriter, StoredDocument, read_documents, read_index
from corpora.templates import Matched, Matcher, Templates
from jobs.job import Context, Params
from results.registry import build_class

FREQUENT = 20
"""How many templates' counts the card gives."""


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Learn templates on the train documents and write all documents as templates.

    Args:
        params: `settings` of `corpora.templates.Templates`.
        inputs: `corpus`, `split`.
        out: receives `documents.parquet`, with the corpus's ids and groups in its order, and
            `card.json`, which holds counts and no text.
        context: progress.

    Raises:
        InputError: an impossible setting, or Drain3 is not installed.
    """
    settings: Templates = build_class("templates", "templates", Templates, params["settings"])
    corpus = inputs["corpus"] / DOCUMENTS
    split = pd.read_parquet(inputs["split"] / "split.parquet")
    train = frozenset(split.loc[split["side"] == "train", "id"])
    miner = settings.miner()
    for document in _followed(read_documents(corpus, train), len(train), context, "learnt from"):
        miner.add(document.parts)
    matcher = miner.matcher()
    found = _write(corpus, out, matcher, train, context)
    card = {
        "templates": matcher.templates,
        "distinct_train_lines": miner.distinct,
        "lines": {side: one.lines for side, one in found.items()},
        "unmatched_lines": {side: one.unmatched for side, one in found.items()},
        "most_frequent": [count for _, count in found["train"].counts.most_common(FREQUENT)],
    }
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return {}


def _write(
    corpus: Path, out: Path, matcher: Matcher, train: Container[str], context: Context
) -> dict[str, Matched]:
    """Write every document as templates; returns what was found in train and in all others."""
    found = {"train": Matched(), "other": Matched()}
    total = len(read_index(corpus))
    with DocumentWriter(out / DOCUMENTS) as writer:
        for document in _followed(read_documents(corpus), total, context, "rewritten"):
            side = "train" if document.id in train else "other"
            text = matcher.rewrite(document.parts, found[side])
            writer.add(document.id, blocks(text), document.group)
    return found


def _followed(
    documents: Iterable[StoredDocument], total: int, context: Context, what: str
) -> Iterator[StoredDocument]:
    """Pass documents through and say now and then how far they are."""
    for number, document in enumerate(documents):
        if number % 1000 == 0:
            context.progress(number / total, f"of the documents {what}")
        yield document
