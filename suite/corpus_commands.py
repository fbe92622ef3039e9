"""`logmark corpora list | check`: what reads logs, and a look at a suite's corpus."""

import argparse
from typing import Any

from suite import corpus_check_command
from suite.command import Output, Say, add
from suite.registered import summary


def register(commands: Any, say: Say) -> None:
    """Add the command and its verbs to the parser; `say` prints one line, also to a stream."""
    corpora = commands.add_parser("corpora", help="list corpus loaders, look at a suite's corpus")
    verbs = corpora.add_subparsers(required=True, metavar="VERB")
    about = "list the corpus loaders"
    add(verbs, "list", _list, say, about=about, example="logmark corpora list")
    corpus_check_command.register(verbs, say)


def _list(options: argparse.Namespace, out: Output) -> int:
    """Print the loaders."""
    from corpora.registry import LOADERS

    known = {name: summary(target) for name, target in sorted(LOADERS.items())}
    if out.is_json:
        out.json({"loaders": [{"name": name, "about": about} for name, about in known.items()]})
        return 0
    out.lines(f"{name:<16} {about}" for name, about in known.items())
    out.remark(
        "next: name one in a suite file as `corpus: {loader: NAME, ...}`, see docs/corpora.md"
    )
    return 0
