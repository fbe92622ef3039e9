"""`logmark report RUN_DIR`: write the report of a run again."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def register(commands: Any, say: Callable[[str], None]) -> None:
    """Add the command to the parser; `say` prints one line."""
    report = commands.add_parser("report", help="write the report of a run folder again")
    report.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    report.add_argument("--out", type=Path, help="folder to write to (default: RUN_DIR/report)")
    report.add_argument(
        "--no-text", action="store_true", help="leave the texts of documents out of the page"
    )
    report.set_defaults(command=lambda options: _report(options, say))


def _report(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    from results.report import write
    from results.run import Run

    run = Run.open(options.run_dir)
    if options.no_text:
        run.meta["report"] = {**(run.meta.get("report") or {}), "text": False}
    out = options.out or run.home / "report"
    write(run, out)
    say(f"report: {out / 'report.html'}")
    return 0
