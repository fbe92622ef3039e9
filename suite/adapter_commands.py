"""`logmark adapters list | check | fetch`: which models there are, whether one behaves, having it.

Only the argument parser is made here at once; what a command needs is imported when it runs.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.command import Output, Say, add
from suite.registered import summary

if TYPE_CHECKING:
    from jobs.conformance import Verdict

_COLUMNS = ("name", "family", "context", "dimension", "parameters", "licence", "gated")
_NUMBERS = ("context", "dimension", "parameters")


def register(commands: Any, say: Say) -> None:
    """Add the command and its verbs to the parser; `say` prints one line, also to a stream."""
    adapters = commands.add_parser("adapters", help="list, check or fetch models")
    verbs = adapters.add_subparsers(required=True, metavar="VERB")
    about = "list model families and named models"
    add(verbs, "list", _list, say, about=about, example="logmark adapters list")
    _add_check(verbs, say)
    _add_fetch(verbs, say)


def _add_check(verbs: Any, say: Say) -> None:
    check = add(
        verbs,
        "check",
        _check,
        say,
        about="check that an adapter behaves, one verdict per line",
        example="logmark adapters check bert --tiny",
        forms=("text",),
        notes="Exit status: 0 it behaves; 2 a check failed, or there is no such adapter.",
    )
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


def _add_fetch(verbs: Any, say: Say) -> None:
    fetch = add(
        verbs,
        "fetch",
        _fetch,
        say,
        about="download a checkpoint into the hub's cache",
        example="logmark adapters fetch minilm",
        forms=("text",),
    )
    fetch.add_argument("name", metavar="NAME|CHECKPOINT", help="a named model or a hub name")
    fetch.add_argument("--revision", help="commit, branch or tag (default: main)")


def _list(options: argparse.Namespace, out: Output) -> int:
    """Print the families, what installed packages offer, and the named models."""
    from adapters.catalogue import ENTRIES
    from adapters.outside import entry_points
    from adapters.registry import ADAPTERS

    families = {name: summary(target) for name, target in sorted(ADAPTERS.items())}
    for name, point in sorted(entry_points().items()):
        families[name] = f"offered by an installed package ({point.value})"
    if out.is_json:
        known = [{"name": name, "about": about} for name, about in families.items()]
        models = [
            {"name": name, **{key: getattr(entry, key) for key in ("checkpoint", *_COLUMNS[1:])}}
            for name, entry in sorted(ENTRIES.items())
        ]
        out.json({"families": known, "models": models})
        return 0
    out.lines(f"{name:<22} {about}" for name, about in families.items())
    rows = [_row(name, entry) for name, entry in sorted(ENTRIES.items())]
    if rows:
        out.line("")
        out.lines(_table([_COLUMNS, *rows]))
    out.remark("next: logmark adapters check NAME --tiny, or `adapter: NAME` in a suite file")
    return 0


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


def _check(options: argparse.Namespace, out: Output) -> int:
    """Run the conformance checks; 2 if one of them failed."""
    from adapters.registry import known

    known(options.name)  # before torch is loaded
    out.progress("loading the adapter")
    from jobs.conformance import CHECKS, run_checks

    def tell(verdict: "Verdict") -> None:
        if not out.is_json:
            out.line(_line(verdict))
        told.append(verdict)
        out.progress("checking", len(told), len(CHECKS))

    told: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="logmark-check-") as folder:
        settings = _what_to_check(options, Path(folder) / "tiny")
        out.progress("checking", 0, len(CHECKS))
        run_checks(
            options.name,
            settings,
            device=options.device,
            precision=options.precision or ("bf16" if options.device == "cuda" else "fp32"),
            scratch=Path(folder) / "scratch",
            tell=tell,
        )
    return _conclude(options, told, out)


def _conclude(options: argparse.Namespace, verdicts: "Sequence[Verdict]", out: Output) -> int:
    """Say what came of all checks, and how the adapter is named in a suite file."""
    ok, failed, skipped = ([v.status for v in verdicts].count(s) for s in ("ok", "FAIL", "skip"))
    if out.is_json:
        checks = [asdict(verdict) for verdict in verdicts]
        counts = {"ok": ok, "failed": failed, "skipped": skipped}
        out.json({"adapter": options.name, "checks": checks, **counts})
    else:
        out.line(f"{ok} ok, {failed} failed, {skipped} skipped")
        if not failed:
            out.remark(f"next: in a suite file, models: [{_entry(options)}]")
    return 2 if failed else 0


def _entry(options: argparse.Namespace) -> str:
    """Write the adapter as it stands in a suite file, with the settings that were checked."""
    own = _given(options)
    if _lacks_checkpoint(options.name, own) is not None:
        own["checkpoint"] = "./my-checkpoint"
    settings = {"name": "mine", "adapter": options.name, **own}
    return "{" + ", ".join(f"{key}: {_yaml(value)}" for key, value in settings.items()) + "}"


def _yaml(value: Any) -> str:
    """Write a value as it stands within braces of a YAML file."""
    import json

    text = value if isinstance(value, str) else ""
    is_plain = bool(text) and all(char.isalnum() or char in "_-./" for char in text)
    return text if is_plain and not text[0].isdigit() else json.dumps(value)


def _what_to_check(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Settle the settings; with `--tiny` those of a twin built in `folder`.

    Raises:
        InputError: impossible settings, or neither a checkpoint nor `--tiny` where one is needed.
    """
    from jobs.conformance import tiny_settings
    from results.errors import InputError

    settings = _given(options)
    if options.tiny:
        return tiny_settings(options.name, settings, folder)
    if (error := _lacks_checkpoint(options.name, settings)) is not None:
        raise InputError(f"{error}: name one with --checkpoint, or say --tiny") from error
    return settings


def _lacks_checkpoint(name: str, settings: dict[str, Any]) -> Exception | None:
    """Return why an adapter cannot be made without a checkpoint, where it cannot.

    Raises:
        InputError: it cannot be made for another reason.
    """
    from adapters.registry import make
    from results.errors import InputError

    try:
        make(name, settings)
    except InputError as error:
        if "setting 'checkpoint'" not in str(error):
            raise
        return error
    return None


def _line(verdict: Any) -> str:
    hint = f"  -> {verdict.hint}" if verdict.hint else ""
    return f"{verdict.status:<4}  {verdict.name:<17}  {verdict.found}{hint}"


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Collect the settings of the command line, the checkpoint among them."""
    named = {} if options.checkpoint is None else {"checkpoint": options.checkpoint}
    return _settings(options.setting) | named


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


def _fetch(options: argparse.Namespace, out: Output) -> int:
    """Download a checkpoint, and say where it lies and at which commit."""
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    from adapters import checkpoints
    from adapters.catalogue import ENTRIES
    from results.errors import InputError

    named = ENTRIES.get(options.name)
    checkpoint = named.checkpoint if named else options.name
    if (folder := checkpoints.local_folder(checkpoint)) is not None:
        raise InputError(f"checkpoint {str(folder)!r} is on this machine already: use it as it is")
    out.progress("asking the hub")
    commit = checkpoints.resolve_revision(checkpoint, options.revision)
    out.progress(f"downloading {checkpoint}")
    if out.quiet or not sys.stderr.isatty():
        disable_progress_bars()
    else:
        out.progress.close()  # the hub's own bars tell more: bytes of each file
    folder = checkpoints.fetch(checkpoint, commit)
    if out.is_json:
        out.json({"checkpoint": checkpoint, "revision": commit, "folder": str(folder)})
        return 0
    out.line(f"{checkpoint} at commit {commit}")
    out.line(f"lies in {folder}")
    entry = f"adapter: {options.name}" if named else f"checkpoint: {checkpoint}"
    out.remark(
        f"next: in a suite file, models: [{{name: mine, {entry}, revision: {commit}}}] pins it"
    )
    return 0
