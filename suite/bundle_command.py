"""`logmark bundle RUN_DIR`: the command line of `results.bundling`."""

import argparse
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

from suite.command import Output, Say, add


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    bundle = add(
        commands,
        "bundle",
        _bundle,
        say,
        about="pack a run's results to be shared, without logs",
        example="logmark bundle runs/mine",
        forms=("text",),
    )
    bundle.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    bundle.add_argument(
        "--out", type=Path, help="file (*.zip) or folder (default: RUN_DIR-bundle.zip, beside it)"
    )
    bundle.add_argument("--no-embeddings", action="store_true", help="leave the vectors out")
    bundle.add_argument(
        "--anonymous", action="store_true", help="put codes in the place of document ids"
    )


def _bundle(options: argparse.Namespace, out: Output) -> int:
    """Write the bundle and say what is in it."""
    from results.bundling import write
    from results.errors import InputError
    from results.run import Run

    out.progress("reading the run")
    run = Run.open(options.run_dir)
    place = options.out or _beside(run.home.absolute(), anonymous=options.anonymous)
    if place.resolve() == options.run_dir.resolve():
        raise InputError(f"{place}: is what is to be bundled; name another place with --out")
    made = write(
        run,
        place,
        embeddings=not options.no_embeddings,
        anonymous=options.anonymous,
        step=out.progress,
    )
    if out.is_json:
        out.json({**asdict(made), "path": str(made.path)})
        return 0
    out.line(f"bundle: {made.path}: {made.files} files, {made.size_bytes:,} bytes")
    ids = "" if options.anonymous else ", ids of documents"
    vectors = "" if options.no_embeddings else ", vectors"
    out.line(f"no text of the logs is in it; names, predictions, scores{ids}{vectors} are")
    if made.missing:
        out.line(f"no more in the store, so not in it either: {', '.join(made.missing)}")
    read = shlex.join(["logmark", "report", str(made.path)])
    out.remark(f"next: send it; {read} writes its report anywhere (show and compare read it, too)")
    return 0


def _beside(home: Path, *, anonymous: bool) -> Path:
    kind = "anonymous" if anonymous else "bundle"
    return home.with_name(f"{home.name.removesuffix('-bundle')}-{kind}.zip")
