"""`logmark run SUITE.yaml`: the command line of `suite.running`."""

import argparse
import os
import shlex
import sys
from typing import Any

from suite.command import Output, Say, add, add_suite

_NOTES = """\
Run it again after anything: what is finished is not computed again.
Exit status: 0 all went well; 1 a job failed, or the disk is full; 2 the input is wrong, or jobs
failed because of it; 130 interrupted."""


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    run = add(
        commands,
        "run",
        _run,
        say,
        about="run a suite and write its report; resumes by itself",
        example="logmark run mine.yaml",
        forms=("text",),
        notes=_NOTES,
    )
    add_suite(run)
    run.add_argument("--address", help="Ray cluster to use (default: $RAY_ADDRESS, else local)")
    _add_choice(run)
    run.add_argument("--mlflow", metavar="URI", help="log to this MLflow server or folder, too")
    run.set_defaults(resumes=True)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    """Add what chooses among the jobs; patterns as of file names, over job ids and cells."""
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="these jobs or cells and what they need (embed:*, minilm/*/0); may be repeated",
    )
    parser.add_argument(
        "--retry-failed", action="store_true", help="only what failed last time, and what needs it"
    )
    parser.add_argument(
        "--force",
        action="append",
        default=[],
        metavar="PATTERN",
        help="compute these jobs again although they are in the store; may be repeated",
    )


def _run(options: argparse.Namespace, out: Output) -> int:
    """Run the suite."""
    from suite.choice import Choice
    from suite.running import run_suite

    return run_suite(
        options.suite,
        workdir=options.workdir,
        store=options.store,
        address=options.address or os.environ.get("RAY_ADDRESS"),
        tiny=options.tiny,
        choice=Choice(tuple(options.only), options.retry_failed, tuple(options.force)),
        tracking=options.mlflow,
        command=shlex.join(["logmark", *sys.argv[1:]]),
        out=out,
    )
