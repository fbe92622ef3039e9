"""`logmark init PATH`: look at logs, say what is there, and write a suite file that runs."""

import argparse
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.command import Output, Say, add

if TYPE_CHECKING:
    from corpora.inspect_findings import Findings
    from corpora.inspect_source import Source
    from suite.spec import Suite


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    init = add(
        commands,
        "init",
        _init,
        say,
        about="look at a folder or table of logs; write a suite file",
        example="logmark init logs",
        forms=("text",),
    )
    init.add_argument(
        "path", type=Path, metavar="PATH", help="a folder (class_name/*.log) or a table"
    )
    init.add_argument("--out", type=Path, metavar="FILE.yaml", help="default: PATH's name.yaml")
    init.add_argument("--force", action="store_true", help="replace a file that is there")
    init.add_argument("--text", metavar="COLUMN", help="of a table: the column with the log")
    init.add_argument("--label", metavar="COLUMN", help="of a table: the column with the class")


def _init(options: argparse.Namespace, out: Output) -> int:
    """Look, say, write, and check what was written."""
    from corpora.inspect_source import find_source
    from results.errors import InputError
    from suite.corpus_check_command import look_at
    from suite.first_suite import FirstSuite, suite_name

    name = suite_name(options.path)
    file = options.out or Path(f"{name}.yaml")
    _check_target(file, force=options.force)
    out.progress("looking at the source")
    source = find_source(options.path, text=options.text, label=options.label)
    _check_place(source)
    found = look_at(_looking(name, source), out.progress)
    out.progress("writing the suite file")
    text = FirstSuite(name=name, file=file, source=source, found=found).text()
    try:
        _write(file, text, force=options.force)
    except OSError as error:
        raise InputError(
            f"{file}: cannot be written: {error.strerror or error}; name another file with --out"
        ) from error
    _check_suite(file)
    _tell(options.path, source, found, file, out)
    return 0


def _tell(path: Path, source: "Source", found: "Findings", file: Path, out: Output) -> None:
    """Say what was found, and where the suite file lies."""
    from corpora.inspect_view import warnings
    from suite.corpus_check_command import content, lines

    name = shlex.quote(str(file))
    steps = [f"logmark plan {name}", f"logmark run {name}"]
    if out.is_json:
        made = {"suite_file": str(file), "loader": source.loader, "notes": list(source.notes)}
        out.json({**made, "found": content(found), "next": steps})
        return
    if out.quiet:
        for line in warnings(found):
            out.warn(f"WARNING {line}")
    else:
        out.line(f"{path}: read by the loader {source.loader!r}")
        out.lines(f"  {note}" for note in source.notes)
        out.lines(lines(found))
    out.line(f"wrote {file}" + ("" if out.quiet else f"; next: {', then '.join(steps)}"))


def _check_target(file: Path, *, force: bool) -> None:
    from results.errors import InputError

    if file.is_dir():
        raise InputError(f"{file}: is a folder; name a file with --out")
    if os.path.lexists(file) and not force:
        raise InputError(
            f"{file}: is there already; name another file with --out, or replace it with --force"
        )
    if file.suffix not in (".yaml", ".yml"):
        raise InputError(f"{file}: a suite file ends in .yaml; name another with --out")
    if not file.absolute().parent.is_dir():
        raise InputError(f"{file}: its folder does not exist; make it, or name another with --out")


def _check_place(source: "Source") -> None:
    """Refuse to work inside a folder of classes: what runs write there would become a class."""
    from results.errors import InputError

    here, folder = Path.cwd().resolve(), source.path.resolve()
    if source.loader == "folder" and here.is_relative_to(folder):
        above = shlex.quote(str(folder.parent))
        raise InputError(
            f"{source.path}: is where you are, and a run would write its folder `runs` among the "
            f"classes; go above it: cd {above} && logmark init {shlex.quote(folder.name)}"
        )


def _looking(name: str, source: "Source") -> "Suite":
    """Make the suite that has this corpus and nothing else."""
    from suite.spec import Suite

    path = str(source.path.absolute())
    corpus = {"loader": source.loader, "path": path, "label": source.label, **source.settings}
    return Suite.model_validate({"name": name, "corpus": corpus})


def _write(file: Path, text: str, *, force: bool) -> None:
    """Write the file; without force only where there is none at this very moment."""
    with file.open("w" if force else "x", encoding="utf-8") as stream:
        stream.write(text)


def _check_suite(file: Path) -> None:
    """Read the file as a run will; a fault in it is ours."""
    from suite.spec import read

    read(file)
