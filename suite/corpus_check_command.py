"""`logmark corpora check SUITE.yaml`: look at a suite's corpus; warns, and computes nothing."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from corpora.inspect_findings import Findings
    from suite.spec import Suite

Say = Callable[..., None]

_PROGRESS_S = 2.0


def register(verbs: Any, say: Say) -> None:
    """Add the verb to those of `logmark corpora`; `say` prints one line, also to a stream."""
    check = verbs.add_parser("check", help="look at a suite's corpus: sizes, duplicates, leaks")
    check.add_argument("suite", type=Path, metavar="SUITE.yaml")
    check.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    check.set_defaults(command=lambda options: _check(options, say))


def _check(options: argparse.Namespace, say: Say) -> int:
    """Look, and say what was found."""
    from suite.spec import read

    found = look_at(read(options.suite), say)
    if options.format == "json":
        say(as_json(found))
    else:
        tell(found, say)
    return 0


def look_at(suite: "Suite", say: Say) -> "Findings":
    """Look at the corpus that a suite names, before cleaning.

    Args:
        suite: the suite.
        say: is told how far the look is every few seconds, on a terminal.

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
    documents = loader.documents(counts)
    return inspect(
        select(documents, cast(dict[str, Any], corpus.where), corpus.sample),
        columns=Columns(
            label=corpus.label,
            group=corpus.group,
            time=corpus.time,
            split_column=corpus.split_column,
        ),
        relabel=Relabel(map=corpus.relabel.map, min_documents=corpus.relabel.min_documents),
        share=min(1.0, LOOK_CHARS / max(1.0, guess(suite).characters * corpus.sample)),
        counts=counts,
        progress=_Progress(say),
    )


def tell(found: "Findings", say: Say) -> None:
    """Say what was found, in lines."""
    from corpora.inspect_view import facts, information, warnings

    for line in facts(found):
        say(line)
    for line in information(found):
        say(line)
    suspicious = list(warnings(found))
    for line in suspicious:
        say(f"WARNING {line}")
    if not suspicious:
        say("nothing suspicious")


def as_json(found: "Findings") -> str:
    """Write findings as JSON; class names as they are, everything else from a log cut short."""
    from corpora.inspect_view import warnings

    return json.dumps({**asdict(found), "warnings": list(warnings(found))}, indent=1)


class _Progress:
    """Says on a terminal how many documents have been seen, every few seconds."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._next = time.monotonic() + _PROGRESS_S
        self._shown = sys.stderr.isatty()

    def __call__(self, number: int) -> None:
        if self._shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + _PROGRESS_S
            self._say(f"looking: {number:,} documents", sys.stderr)
