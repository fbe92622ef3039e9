"""Commands run in this process, without the rest of the command line: what they write."""

import argparse
from types import ModuleType
from typing import NamedTuple


class Said(NamedTuple):
    """What a command said: its exit status, standard output and standard error, in lines."""

    status: int
    out: list[str]
    err: list[str]


def said(module: ModuleType, *words: object) -> Said:
    """Run the command that a module registers."""
    out: list[str] = []
    err: list[str] = []
    parser = argparse.ArgumentParser()
    module.register(
        parser.add_subparsers(),
        lambda text, stream=None: (out if stream is None else err).append(text),
    )
    options = parser.parse_args(list(map(str, words)))
    return Said(options.command(options), out, err)
