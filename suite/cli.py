"""The command line: `logmark init | run | plan | status | report | show | compare | store ...`.

Exit statuses: 0 all went well; 1 a job failed by a fault of the code or the system; 2 the input is
wrong (one line says what and how to mend it); 3 `status` of a run that was interrupted or killed;
4 `compare` found a significant change of the kind asked for; 130 interrupted, run again to go on.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from suite import (
    adapter_commands,
    bundle_command,
    compare_command,
    corpus_check_command,
    export_command,
    house,
    init_command,
    predict_command,
    report_command,
    schema_command,
    show_command,
    status_command,
    store_commands,
)

_COMMANDS = (
    init_command,
    report_command,
    show_command,
    compare_command,
    bundle_command,
    status_command,
    export_command,
    predict_command,
    store_commands,
    schema_command,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    if (fault := house.fault()) is not None:
        _print(f"logmark: {fault}", sys.stderr)
        return 2
    from results.errors import InputError, OutageError  # only now is `results` known to be ours

    try:
        return int(options.command(options))
    except InputError as error:
        _print(f"logmark: {error}", sys.stderr)
        return 2
    except OutageError as error:
        _print(f"logmark: {error}; the same command goes on where it stopped", sys.stderr)
        return 1
    except KeyboardInterrupt:
        _print("logmark: interrupted; the same command goes on where it stopped", sys.stderr)
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
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run a suite and write its report; resumes by itself")
    _suite_arguments(run)
    run.add_argument("--address", help="Ray cluster to use (default: $RAY_ADDRESS, else local)")
    run.add_argument("--quiet", action="store_true", help="print the last line only")
    _choice_arguments(run)
    run.add_argument("--mlflow", metavar="URI", help="log to this MLflow server or folder, too")
    run.set_defaults(command=_run)

    plan = commands.add_parser("plan", help="show a suite's jobs, what they take, what is done")
    _suite_arguments(plan)
    plan.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    plan.add_argument(
        "--calibrate", action="store_true", help="time a few windows of each model at hand first"
    )
    plan.set_defaults(command=_plan)

    for one in _COMMANDS:
        one.register(commands, _print)

    adapters = commands.add_parser("adapters", help="list, check or fetch models")
    adapter_commands.register(adapters.add_subparsers(required=True, metavar="VERB"), _print)

    corpora = commands.add_parser("corpora", help="list corpus loaders, look at a suite's corpus")
    verbs = corpora.add_subparsers(required=True, metavar="VERB")
    verbs.add_parser("list", help="list the registered corpus loaders").set_defaults(command=_list)
    corpus_check_command.register(verbs, _print)
    return parser


def _suite_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", type=Path, metavar="SUITE.yaml")
    parser.add_argument(
        "--workdir", type=Path, default=Path("runs"), help="folder of runs (default: runs)"
    )
    parser.add_argument("--store", help="where artifacts lie (default: WORKDIR/store)")
    parser.add_argument(
        "--tiny", action="store_true", help="rehearse: every model a tiny random twin, all cut"
    )


def _choice_arguments(parser: argparse.ArgumentParser) -> None:
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


def _run(options: argparse.Namespace) -> int:
    from suite.choice import Choice
    from suite.running import run_suite

    return run_suite(
        options.suite,
        workdir=options.workdir,
        store=options.store,
        address=options.address or os.environ.get("RAY_ADDRESS"),
        tiny=options.tiny,
        quiet=options.quiet,
        choice=Choice(tuple(options.only), options.retry_failed, tuple(options.force)),
        tracking=options.mlflow,
        command=shlex.join(["logmark", *sys.argv[1:]]),
        say=_print,
    )


def _plan(options: argparse.Namespace) -> int:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a plan waits for no network
    from suite.plan_command import plan_suite

    for line in plan_suite(
        options.suite,
        workdir=options.workdir,
        store=options.store,
        tiny=options.tiny,
        form=options.format,
        calibrate=options.calibrate,
    ):
        _print(line)
    return 0


def _list(options: argparse.Namespace) -> int:
    from corpora.registry import LOADERS

    for name, target in sorted(LOADERS.items()):
        _print(f"{name:<16} {adapter_commands.summary(target)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
