"""The command line: `logmark init | run | plan | status | report | show | compare | store ...`.

Exit statuses: 0 all went well; 1 a job failed by a fault of the code or the system; 2 the input is
wrong (one line says what and how to mend it); 3 `status` of a run that was interrupted or killed;
4 `compare` found a significant change of the kind asked for; 130 interrupted, run again to go on.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from suite import (
    adapter_commands,
    bundle_command,
    compare_command,
    corpus_commands,
    export_command,
    house,
    init_command,
    plan_command,
    predict_command,
    report_command,
    run_command,
    schema_command,
    show_command,
    status_command,
    store_commands,
)
from suite.terminal import printable

_COMMANDS = (
    init_command,
    plan_command,
    run_command,
    status_command,
    report_command,
    show_command,
    compare_command,
    bundle_command,
    predict_command,
    export_command,
    store_commands,
    corpus_commands,
    adapter_commands,
    schema_command,
)

_EPILOG = """\
your own logs, one folder per class:
  logmark init logs
  logmark plan logs.yaml
  logmark run logs.yaml

exit statuses:
  0    all went well
  1    a job failed, an artifact of the store is damaged, or the disk is full
  2    the input is wrong; one line says what, and what to do
  3    `status`: the run was interrupted or killed before its end
  4    `compare`: a row is significantly worse (or what --fail-on asks for)
  130  interrupted

Every command takes --json (its result for programs) and --quiet (nothing but its result), and
says more with --help. NO_COLOR=1 leaves out colours, which only terminals get."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if "command" not in options:
        parser.print_help(sys.stderr)
        return 2
    if (fault := house.fault()) is not None:
        _print(f"logmark: {printable(fault)}", sys.stderr)
        return 2
    from results.errors import InputError, OutageError  # only now is `results` known to be ours

    try:
        return int(options.command(options))
    except InputError as error:
        _print(f"logmark: {printable(str(error))}", sys.stderr)
        return 2
    except OutageError as error:
        text = printable(str(error))
        _print(f"logmark: {text}; the same command goes on where it stopped", sys.stderr)
        return 1
    except KeyboardInterrupt:
        goes_on = "goes on where it stopped" if "resumes" in options else "starts again"
        _print(f"logmark: interrupted; the same command {goes_on}", sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has gone: nothing more to say
        return 0


def _print(text: str, stream: TextIO | None = None) -> None:
    """Say one line; the only place that prints."""
    stream = stream or sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="logmark",
        description="Which model should classify your software logs, at what cost, how surely?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(metavar="COMMAND")
    for one in _COMMANDS:
        one.register(commands, _print)
    return parser


class _Version(argparse.Action):
    """Prints the version, which takes too long to look up on every start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print, and exit."""
        from importlib.metadata import version

        _print(f"logmark {version('logmark')}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
