"""`logmark adapters list | check | fetch`: which models there are, whether one behaves, having it.

Only the argument parser is made here at once; what a command needs is imported when it runs.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

Say = Callable[[str], None]

_COLUMNS = ("name", "family", "context", "dimension", "parameters", "licence", "gated")
_NUMBERS = ("context", "dimension", "parameters")


def register(verbs: Any, say: Say) -> None:
    """Add the verbs of `logmark adapters` to its parser; `say` prints one line."""
    listing = verbs.add_parser("list", help="list model families and named models")
    listing.set_defaults(command=lambda options: _list(say))

    check = verbs.add_parser("check", help="check that an adapter behaves, one verdict per line")
    check.add_argument("name", metavar="NAME|FILE.py:CLASS", help="as `adapter:` in a suite file")
    check.add_argument(
        "--tiny", action="store_true", help="check a tiny random checkpoint of the architecture"
    )
    check.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    check.add_argument(
        "--precision", choices=("fp32", "bf16"), help="default: fp32 on cpu, bf16 on cuda"
    )
    check.add_argument("--checkpoint", metavar="DIR", help="folder or hub name of the checkpoint")
    check.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="further setting of the adapter, written as in a suite file; may be repeated",
    )
    check.set_defaults(command=lambda options: _check(options, say))

    fetch = verbs.add_parser("fetch", help="download a checkpoint into the hub's cache")
    fetch.add_argument("name", metavar="NAME|CHECKPOINT", help="a named model or a hub name")
    fetch.add_argument("--revision", help="commit, branch or tag (default: main)")
    fetch.set_defaults(command=lambda options: _fetch(options, say))


def _list(say: Say) -> int:
    """Print the families, what installed packages offer, and the named models."""
    from adapters.catalogue import ENTRIES
    from adapters.outside import entry_points
    from adapters.registry import ADAPTERS

    for name, target in sorted(ADAPTERS.items()):
        say(f"{name:<22} {summary(target)}")
    for name, point in sorted(entry_points().items()):
        say(f"{name:<22} offered by an installed package ({point.value})")
    rows = [_row(name, entry) for name, entry in sorted(ENTRIES.items())]
    if rows:
        say("")
        for line in _table([_COLUMNS, *rows]):
            say(line)
    return 0


def summary(target: str) -> str:
    """First line of a registered thing's docstring."""
    from results.registry import find

    doc: str = find("entry", "it", {"it": target}).__doc__ or ""
    return doc.strip().splitlines()[0] if doc.strip() else ""


def _row(name: str, entry: Any) -> tuple[str, ...]:
    numbers = (f"{entry.context:,}", f"{entry.dimension:,}", f"{entry.parameters:,}")
    return (name, entry.family, *numbers, entry.licence, "yes" if entry.gated else "no")


def _table(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    """Align columns: numbers to the right, all else to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    signs = [">" if name in _NUMBERS else "<" for name in _COLUMNS]
    for row in rows:
        cells = zip(row, signs, widths, strict=True)
        yield "  ".join(f"{cell:{sign}{width}}" for cell, sign, width in cells).rstrip()


def _check(options: argparse.Namespace, say: Say) -> int:
    """Run the conformance checks; 2 if one of them failed."""
    from jobs.conformance import run_checks

    with tempfile.TemporaryDirectory(prefix="logmark-check-") as folder:
        verdicts = run_checks(
            options.name,
            _what_to_check(options, Path(folder) / "tiny"),
            device=options.device,
            precision=options.precision or ("bf16" if options.device == "cuda" else "fp32"),
            scratch=Path(folder) / "scratch",
            tell=lambda verdict: say(_line(verdict)),
        )
    totals = [[v.status for v in verdicts].count(status) for status in ("ok", "FAIL", "skip")]
    say("{} ok, {} failed, {} skipped".format(*totals))
    return 2 if totals[1] else 0


def _what_to_check(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Settle the settings; with `--tiny` those of a twin built in `folder`.

    Raises:
        InputError: impossible settings, or neither a checkpoint nor `--tiny` where one is needed.
    """
    from adapters.registry import make
    from jobs.conformance import tiny_settings
    from results.errors import InputError

    settings = _settings(options.setting)
    if options.checkpoint is not None:
        settings["checkpoint"] = options.checkpoint
    if options.tiny:
        return tiny_settings(options.name, settings, folder)
    try:
        make(options.name, settings)
    except InputError as error:
        if "setting 'checkpoint'" not in str(error):
            raise
        raise InputError(f"{error}: name one with --checkpoint, or say --tiny") from error
    return settings


def _line(verdict: Any) -> str:
    hint = f"  -> {verdict.hint}" if verdict.hint else ""
    return f"{verdict.status:<4}  {verdict.name:<17}  {verdict.found}{hint}"


def _settings(given: Sequence[str]) -> dict[str, Any]:
    """Read `key=value` pairs; a value is written as in a suite file.

    Raises:
        InputError: a pair without `=`, or a value that is not YAML.
    """
    import yaml

    from results.errors import InputError

    settings: dict[str, Any] = {}
    for pair in given:
        key, sign, value = pair.partition("=")
        try:
            settings[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"--setting {pair!r}: its value is not YAML: quote it") from error
        if not (key and sign):
            raise InputError(f"--setting {pair!r}: write it as key=value, such as context=512")
    return settings


def _fetch(options: argparse.Namespace, say: Say) -> int:
    """Download a checkpoint, and say where it lies and at which commit."""
    from adapters import checkpoints
    from adapters.catalogue import ENTRIES
    from results.errors import InputError

    named = ENTRIES.get(options.name)
    checkpoint = named.checkpoint if named else options.name
    if (folder := checkpoints.local_folder(checkpoint)) is not None:
        raise InputError(f"checkpoint {str(folder)!r} is on this machine already: use it as it is")
    commit = checkpoints.resolve_revision(checkpoint, options.revision)
    folder = checkpoints.fetch(checkpoint, commit)
    say(f"{checkpoint} at commit {commit}")
    say(f"lies in {folder}")
    say(f"set `revision: {commit}` in the suite file to pin it")
    return 0
