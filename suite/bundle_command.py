"""`logmark bundle RUN_DIR`: the command line of `results.bundling`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def register(commands: Any, say: Callable[[str], None]) -> None:
    """Add the command to the parser; `say` prints one line."""
    bundle = commands.add_parser("bundle", help="pack a run's results to be shared, without logs")
    bundle.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    bundle.add_argument(
        "--out", type=Path, help="file (*.zip) or folder (default: RUN_DIR-bundle.zip, beside it)"
    )
    bundle.add_argument("--no-embeddings", action="store_true", help="leave the vectors out")
    bundle.add_argument(
        "--anonymous", action="store_true", help="put codes in the place of document ids"
    )
    bundle.set_defaults(command=lambda options: _bundle(options, say))


def _bundle(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Write the bundle and say what is in it."""
    from results.bundling import write
    from results.errors import InputError
    from results.run import Run

    run = Run.open(options.run_dir)
    out = options.out or _beside(run.home.absolute(), anonymous=options.anonymous)
    if out.resolve() == options.run_dir.resolve():
        raise InputError(f"{out}: is what is to be bundled; name another place with --out")
    made = write(run, out, embeddings=not options.no_embeddings, anonymous=options.anonymous)
    say(f"bundle: {made.path}: {made.files} files, {made.size_bytes:,} bytes")
    ids = "" if options.anonymous else ", ids of documents"
    vectors = "" if options.no_embeddings else ", vectors"
    say(f"no text of the logs is in it; names, predictions, scores{ids}{vectors} are")
    if made.missing:
        say(f"no more in the store, so not in it either: {', '.join(made.missing)}")
    return 0


def _beside(home: Path, *, anonymous: bool) -> Path:
    kind = "anonymous" if anonymous else "bundle"
    return home.with_name(f"{home.name.removesuffix('-bundle')}-{kind}.zip")
