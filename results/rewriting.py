"""Whether a report has to be written again: what it was made of, and whether it still lies there.

A report is a function of the records, the settings of the suite's `report` section and the code
here; a note beside its folder says of what it was made, and what they were like when written.
"""

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from results.hashing import hash_json, write_atomically

if TYPE_CHECKING:
    from results.run import Run

_DRAWN_WITH = ("jinja2", "matplotlib", "numpy", "pandas", "scipy")


def made_of(run: "Run") -> str:
    """Hash all that decides a report's bytes; 64 hexadecimal digits."""
    records = hashlib.sha256()
    for record in run.records:
        records.update(record.model_dump_json().encode())
    return hash_json([records.hexdigest(), run.suite, run.meta.get("report"), _code()])


def _code() -> list[list[str]]:
    """The files of this room and the versions of what they draw with."""
    here = Path(__file__).parent
    files = sorted(path for path in here.iterdir() if path.is_file())
    code = [[path.name, _digest(path)] for path in files]
    return [*code, *([name, version(name)] for name in _DRAWN_WITH)]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def note(out: Path, source: str, names: Sequence[Path]) -> None:
    """Note of what a report was made."""
    files = {name.as_posix(): _stamp(out / name) for name in names}
    write_atomically(_note_of(out), json.dumps({"made_of": source, "files": files}))


def written(out: Path, source: str) -> list[Path]:
    """List a report's files if they were made of `source` and nobody touched them, else nothing."""
    try:
        noted = json.loads(_note_of(out).read_text(encoding="utf-8"))
        same = noted["made_of"] == source
        whole = all(_stamp(out / name) == stamp for name, stamp in noted["files"].items())
        return [out / name for name in noted["files"]] if same and whole else []
    except (OSError, ValueError, KeyError):
        return []


def _note_of(out: Path) -> Path:
    return out.with_name(f".{out.name}.made-of.json")


def _stamp(path: Path) -> list[int]:
    """Size and modification time in nanoseconds."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]
