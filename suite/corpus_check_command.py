"""`logmark corpora check SUITE.yaml`: look at a suite's corpus; warns, and computes nothing."""

import argparse
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from suite.command import Output, Say, add

if TYPE_CHECKING:
    from corpora.document import Document
    from corpora.inspect_findings import Findings
    from results.steps import Step
    from suite.spec import Suite


def register(verbs: Any, say: Say) -> None:
    """Add the verb to those of `logmark corpora`; `say` prints one line, also to a stream."""
    check = add(
        verbs,
        "check",
        _check,
        say,
        about="look at a suite's corpus: sizes, duplicates, suspected leaks; computes nothing",
        example="logmark corpora check logs.yaml",
        notes="Exit status: 0, also with warnings; 2 the corpus cannot be read.",
    )
    check.add_argument("suite", type=Path, metavar="SUITE.yaml")


def _check(options: argparse.Namespace, out: Output) -> int:
    """Look, and say what was found."""
    from suite.spec import read

    out.progress("reading the corpus")
    found = look_at(read(options.suite), out.progress)
    if out.is_json:
        out.json(content(found))
        return 0
    out.lines(lines(found))
    name = shlex.quote(str(options.suite))
    mend = "mend in it what the warnings name (docs/own-logs.md), then " * _is_suspicious(found)
    out.remark(f"next: {mend}logmark plan {name}")
    return 0


def _is_suspicious(found: "Findings") -> bool:
    from corpora.inspect_view import warnings

    return any(True for _ in warnings(found))


def look_at(suite: "Suite", step: "Step") -> "Findings":
    """Look at the corpus that a suite names, before cleaning.

    Args:
        suite: the suite.
        step: is told how far the look is.

    Raises:
        InputError: the corpus cannot be read, or cannot be classified.
    """
    from corpora.inspect import LOOK_CHARS, inspect
    from corpora.registry import LOADERS
    from corpora.selecting import Columns, Relabel, select
    from results.registry import build
    from suite.corpus_size import guess

    corpus = suite.corpus
    counts: Counter[str] = Counter()
    loader = build("loader", corpus.loader, LOADERS, corpus.settings)
    size = guess(suite)
    expected = None if corpus.where or corpus.sample < 1 else size.documents
    documents = loader.documents(counts)
    return inspect(
        _told(select(documents, cast(dict[str, Any], corpus.where), corpus.sample), step, expected),
        columns=Columns(
            label=corpus.label,
            group=corpus.group,
            time=corpus.time,
            split_column=corpus.split_column,
        ),
        relabel=Relabel(map=corpus.relabel.map, min_documents=corpus.relabel.min_documents),
        share=min(1.0, LOOK_CHARS / max(1.0, size.characters * corpus.sample)),
        counts=counts,
    )


def _told(
    documents: "Iterable[Document]", step: "Step", expected: int | None
) -> "Iterator[Document]":
    """Yield documents, telling how many there were."""
    for number, document in enumerate(documents):
        step("reading documents", number, expected)
        yield document
    step("comparing documents, looking for leaks", 0, None)


def lines(found: "Findings") -> Iterator[str]:
    """Say what was found."""
    from corpora.inspect_view import facts, information, warnings

    yield from facts(found)
    yield from information(found)
    yield from (f"WARNING {line}" for line in warnings(found))
    if not _is_suspicious(found):
        yield "nothing suspicious"


def content(found: "Findings") -> dict[str, Any]:
    """Write findings for a program; names of classes as they are, all else from a log cut short."""
    from corpora.inspect_view import warnings

    return {**asdict(found), "warnings": list(warnings(found))}
