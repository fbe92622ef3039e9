"""What all commands have in common: their words, the shape of their help, and where they write.

Standard output has the result and nothing else: lines for a reader, or with `--json` what a program
reads. All else goes to standard error: how far a command is once it takes two seconds, remarks,
and what to do next; `--quiet` leaves that out. Errors are said in any case.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from suite.terminal import printable
from suite.waiting import Waiting

Say = Callable[..., None]
"""Prints one line, to standard output or to the stream that it is given."""

_RAW = ("csv", "jsonl")  # forms of data: whoever reads them wants names as they are


class Output(NamedTuple):
    """Where a command writes.

    Attributes:
        form: what was asked for: text, json, ...
        quiet: whether only the result is wanted.
        progress: is told what is being done, how much of it is done, and of how much.
        say: prints.
    """

    form: str
    quiet: bool
    progress: Waiting
    say: Say

    @property
    def is_json(self) -> bool:
        """Whether a program reads the result, as one document."""
        return self.form == "json"

    def line(self, text: str) -> None:
        """Write a line of the result."""
        with self.progress.aside():
            self.say(text if self.form in _RAW else printable(text))

    def lines(self, texts: Iterable[str]) -> None:
        """Write lines of the result."""
        for text in texts:
            self.line(text)

    def json(self, content: Mapping[str, Any], *, indent: int | None = 1) -> None:
        """Write the result as one document, in one line without `indent`."""
        with self.progress.aside():
            self.say(json.dumps(content, indent=indent))

    def warn(self, text: str) -> None:
        """Say what is wrong with a part of the input while the rest goes on."""
        with self.progress.aside():
            self.say(printable(text), sys.stderr)

    def remark(self, text: str) -> None:
        """Say what a user should know beside the result, such as what to do next."""
        if not self.quiet:
            self.warn(text)


Run = Callable[[argparse.Namespace, Output], int]


def add(
    commands: Any,
    name: str,
    run: Run,
    say: Say,
    *,
    about: str,
    example: str,
    forms: tuple[str, ...] = ("text", "json"),
    notes: str = "",
) -> argparse.ArgumentParser:
    """Add a command to a parser.

    Args:
        commands: what `add_subparsers` returned.
        name: of the command.
        run: does it, and returns the exit status.
        say: prints.
        about: what it does, in one line.
        example: a command line.
        forms: of the result, the usual one first; where there are no two, `--format` is free.
        notes: stand below the help, such as exit statuses.

    Returns:
        The parser, for the command's own words.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + ".",
        epilog=f"example:\n  {example}" + (f"\n\n{notes}" if notes else ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(form=forms[0], command=lambda options: _run(run, options, say))
    _add_output(parser.add_argument_group("output"), forms)
    return parser


def _add_output(group: argparse._ArgumentGroup, forms: tuple[str, ...]) -> None:
    """Add the words on what is written."""
    if len(forms) > 1:
        group.add_argument(
            "--format", dest="form", choices=forms, default=forms[0], help=f"default: {forms[0]}"
        )
    of_programs = next((form for form in forms if form.startswith("json")), "json")
    group.add_argument(
        "--json",
        dest="form",
        action="store_const",
        const=of_programs,
        help="print the result as JSON" + (f": --format {of_programs}" if len(forms) > 1 else ""),
    )
    group.add_argument(
        "--quiet", action="store_true", help="print the result alone: no progress, no remarks"
    )


def add_suite(parser: argparse.ArgumentParser) -> None:
    """Add the words of commands on a suite file."""
    parser.add_argument("suite", type=Path, metavar="SUITE.yaml")
    add_store(parser)
    parser.add_argument(
        "--tiny", action="store_true", help="rehearse: every model a tiny random twin, all cut"
    )


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add the words that say where artifacts lie."""
    parser.add_argument(
        "--workdir",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="folder of runs (default: runs)",
    )
    parser.add_argument(
        "--store", metavar="URI", help="where artifacts lie (default: WORKDIR/store)"
    )


def _run(run: Run, options: argparse.Namespace, say: Say) -> int:
    progress = Waiting("getting ready", quiet=options.quiet)
    try:
        return run(options, Output(options.form, options.quiet, progress, say))
    finally:
        progress.close()
