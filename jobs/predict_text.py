"""New documents in the form in which what a cell has learnt reads them.

They lie on disk as the corpus's do, cleaned by its rules (`corpora.storage`), and are read as often
as asked for. Where the corpus was written as templates, the templates are mined again from the
train documents, which gives the same ones.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from corpora.document import blocks
from corpora.masking import TextView
from corpora.storage import DOCUMENTS, read_documents
from corpora.templates import Matched, Matcher, Templates
from results.errors import InputError
from results.registry import build_class


@dataclass(frozen=True, kw_only=True)
class NewText:
    """New documents, viewed.

    Attributes:
        stored: their `documents.parquet`.
        view: what is read of a part.
        matcher: writes lines as templates first.
    """

    stored: Path
    view: TextView
    matcher: Matcher | None = None

    def __iter__(self) -> Iterator[tuple[str, list[str]]]:
        """Give each document's id and parts, in order."""
        for document in read_documents(self.stored):
            yield document.id, [self.view.apply(part) for part in self._form(document.parts)]

    def _form(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        if self.matcher is None:
            return parts
        return tuple(blocks(self.matcher.rewrite(parts, Matched())))


def mined(settings: Mapping[str, Any], corpus: Path, split: Path, documents: Path) -> Matcher:
    """Learn the templates of a run again.

    Args:
        settings: of `corpora.templates.Templates`.
        corpus: the artifact of cleaned documents.
        split: the artifact that says which of them are train documents.
        documents: the artifact `templates`, whose card counts what was found.

    Raises:
        InputError: Drain3 is not installed, or finds other templates than it did.
    """
    built: Templates = build_class("templates", "templates", Templates, settings)
    sides = pd.read_parquet(split / "split.parquet")
    train = frozenset(sides.loc[sides["side"] == "train", "id"])
    miner = built.miner()
    for document in read_documents(corpus / DOCUMENTS, train):
        miner.add(document.parts)
    matcher = miner.matcher()
    known = json.loads((documents / "card.json").read_text(encoding="utf-8"))["templates"]
    if matcher.templates != known:
        raise InputError(
            f"templates: {matcher.templates} are found in the train documents, the run found "
            f"{known} (another version of Drain3?): run the suite again"
        )
    return matcher
