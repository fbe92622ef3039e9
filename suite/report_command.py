"""`logmark report RUN_DIR`: write the report of a run again."""

import argparse
from pathlib import Path
from typing import Any

from suite.command import Output, Say, add


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    report = add(
        commands,
        "report",
        _report,
        say,
        about="write the report of a run folder or a bundle again",
        example="logmark report runs/mine",
        forms=("text",),
    )
    report.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="a run folder or a bundle")
    report.add_argument("--out", type=Path, help="folder to write to (default: RUN_DIR/report)")
    report.add_argument(
        "--no-text", action="store_true", help="leave the texts of documents out of the page"
    )


def _report(options: argparse.Namespace, out: Output) -> int:
    """Write the report."""
    from results.report import write
    from results.run import Run

    out.progress("reading the run")
    run = Run.open(options.run_dir)
    if options.no_text:
        run.meta["report"] = {**(run.meta.get("report") or {}), "text": False}
    folder = options.out or run.home / "report"
    files = write(run, folder, step=out.progress)
    if out.is_json:
        out.json({"report": str(files[0]), "files": [str(path) for path in files]})
    else:
        out.line(f"report: {files[0]}")
    return 0
