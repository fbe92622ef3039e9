"""Which loader reads what lies at a path, and with which settings.

In: a path that a user has named. Out: a `Source`, or one line that says why nothing can be read
there and what to do. Published data sets are known by their files, or as an archive by its name.
"""

import os
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from corpora.archives import is_packed
from corpora.inspect_table import FORMATS, events_beside, guess_columns
from corpora.naming import printable
from corpora.opening import open_bytes, uncompressed
from corpora.registry import LOADERS
from results.errors import InputError
from results.registry import build

_PUBLISHED: Final = ("hdfs", "hadoop")
"""Loaders whose files have names that nothing else has."""

_ALERT_LOGS: Final = ("bgl", "thunderbird")
_ALERT_LINE = re.compile(rb"(-|[A-Z_]+) \d{9,10} \d{4}\.\d\d\.\d\d ")
_IN_ARCHIVES: Final = (*_PUBLISHED, *_ALERT_LOGS)
_OTHER_ENDINGS: Final = {
    ".json": "write one object per line and call it .jsonl",
    ".ndjson": "call it .jsonl",
    ".tsv": "write it as .csv, with commas",
    ".xlsx": "save it as .csv",
    ".log": "name the folder that holds one folder of such files per class",
    ".txt": "name the folder that holds one folder of such files per class",
}
_MOSTLY: Final = 0.9
_MOST_LISTED: Final = 6


@dataclass(frozen=True, kw_only=True)
class Source:
    """How to read what lies at a path.

    Attributes:
        loader: its registered name.
        path: the folder or file that the loader reads.
        settings: of the loader, without the path.
        label: the field with the class.
        notes: what was decided on the way, a line each.
    """

    loader: str
    path: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    label: str = "label"
    notes: tuple[str, ...] = ()


def find_source(path: Path, *, text: str | None = None, label: str | None = None) -> Source:
    """Decide how to read what lies at a path.

    Args:
        path: what the user has named.
        text: the column with the text, where it is a table and the user says so.
        label: the column with the class, likewise.

    Raises:
        InputError: nothing is there, or nothing that can be read.
    """
    try:
        if path.is_dir():
            return _of_folder(path, text, label)
        if path.is_file():
            return _of_file(path, text, label)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror or error}; check its permissions"
        ) from error
    what = "is a link that leads nowhere" if path.is_symlink() else "does not exist"
    raise InputError(f"{path}: {what}; name a folder of logs (class_name/*.log) or a table")


def _of_file(path: Path, text: str | None, label: str | None) -> Source:
    if is_packed(path):
        return _of_archive(path)
    if _is_table(path):
        if path.stat().st_size == 0:
            raise InputError(f"{path}: the file is empty; name a table with a row per document")
        return _of_table(path, text, label)
    if (alerts := _alert_log(path)) is not None:
        return Source(loader=alerts, path=path, notes=(f"a log with alert tags, as {alerts}'s",))
    way = _OTHER_ENDINGS.get(Path(uncompressed(path.name)).suffix.lower(), "name another file")
    raise InputError(
        f"{path}: not a table by its ending (known: {', '.join(FORMATS)}, the first two also with "
        f".gz, .xz, .bz2 or .zst behind); {way}"
    )


def _is_table(path: Path) -> bool:
    return Path(uncompressed(path.name)).suffix.lower() in FORMATS


def _of_table(path: Path, text: str | None, label: str | None) -> Source:
    if (events := events_beside(path)) is not None:
        found = guess_columns(path, text="", label=label)
        return Source(loader="events", path=path, settings=events, label=found.label)
    columns = guess_columns(path, text=text, label=label)
    settings = {"text": columns.text} if columns.text != "text" else {}
    return Source(
        loader="table", path=path, settings=settings, label=columns.label, notes=columns.notes
    )


def _of_archive(path: Path) -> Source:
    for name in _IN_ARCHIVES:
        if name in path.name.lower():
            return Source(
                loader=name, path=path, notes=(f"taken for the published {name} by its name",)
            )
    raise InputError(
        f"{path}: an archive whose name is none of a published data set "
        f"({', '.join(_IN_ARCHIVES)}); unpack it and name the folder"
    )


def _alert_log(path: Path) -> str | None:
    """Name the loader of a log whose first line begins with an alert tag and seconds."""
    with open_bytes(path) as stream:
        line = stream.readline(200)
    if _ALERT_LINE.match(line) is None:
        return None
    return "thunderbird" if "thunderbird" in path.name.lower() else "bgl"


def _of_folder(path: Path, text: str | None, label: str | None) -> Source:
    for name in _PUBLISHED:
        if _reads(name, path):
            return Source(loader=name, path=path, notes=(f"the files of the published {name}",))
    inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    if not inside:
        raise InputError(f"{path}: the folder is empty; put logs into it, as class_name/run1.log")
    files = [p for p in inside if p.is_file()]
    endings = {p.name: _endings(p) for p in inside if p.is_dir()}
    classes = {name: found for name, found in endings.items() if found}
    if len(classes) > 1:
        return _of_classes(path, classes, len(endings) - len(classes), len(files))
    tables = [p for p in files if _is_table(p)]
    if tables and not classes:
        return _of_tables(path, tables, text, label)
    if len(files) == 1 and (alerts := _alert_log(files[0])) is not None:
        return Source(
            loader=alerts, path=files[0], notes=(f"a log with alert tags, as {alerts}'s",)
        )
    raise _no_classes(path, files, classes, endings)


def _of_tables(path: Path, tables: list[Path], text: str | None, label: str | None) -> Source:
    if len(tables) > 1:
        raise InputError(
            f"{path}: it holds {len(tables)} tables ({_listed(p.name for p in tables)}) and no "
            "class folders; name one of them"
        )
    return _of_table(tables[0], text, label)


def _reads(loader: str, path: Path) -> bool:
    try:
        found = build("loader", loader, LOADERS, {"path": path}).files()
    except InputError:
        return False
    return len(found) > 1  # the log and its labels


def _endings(folder: Path) -> Counter[str]:
    """Count the files below a folder by their ending; links to folders are not followed."""
    found: Counter[str] = Counter()
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if not name.startswith(".") and (Path(where) / name).is_file():
                found[
                    "".join(Path(name).suffixes[-2:]) if _packed(name) else Path(name).suffix
                ] += 1
    return found


def _packed(name: str) -> bool:
    return uncompressed(name) != name


def _of_classes(path: Path, classes: Mapping[str, Counter[str]], empty: int, beside: int) -> Source:
    total: Counter[str] = Counter()
    for found in classes.values():
        total += found
    pattern = _pattern(total, classes)
    notes = []
    if pattern != "*":
        left = {ending: n for ending, n in total.items() if not _matches(ending, pattern)}
        if left:
            notes.append(
                f"left out: {sum(left.values()):,} files that are not {pattern} "
                f"({_listed(ending or 'without ending' for ending in left)}); see `pattern:`"
            )
    if empty:
        notes.append(f"left out: {empty:,} folders without files")
    if beside:
        notes.append(f"left out: {beside:,} files that lie in no class folder")
    settings = {} if pattern == "*.log" else {"pattern": pattern}
    return Source(loader="folder", path=path, settings=settings, notes=tuple(notes))


def _pattern(total: Counter[str], classes: Mapping[str, Counter[str]]) -> str:
    """Choose the pattern that takes in nearly all files, and some of every class."""
    most, number = total.most_common(1)[0]
    wanted = [f"*{most}"] if most else []
    plain = uncompressed(f"x{most}")[1:]
    if plain:
        wanted += [f"*{plain}*"]
    for pattern in wanted:
        taken = sum(n for ending, n in total.items() if _matches(ending, pattern))
        everywhere = all(
            any(_matches(ending, pattern) for ending in found) for found in classes.values()
        )
        if everywhere and taken >= _MOSTLY * total.total():
            return pattern
    return "*"


def _matches(ending: str, pattern: str) -> bool:
    return Path(f"x{ending}").match(pattern)


def _no_classes(
    path: Path, files: list[Path], classes: Mapping[str, Any], folders: Mapping[str, Any]
) -> InputError:
    if len(classes) == 1:
        (name,) = classes
        below = path / name
        deeper = [p for p in below.iterdir() if p.is_dir() and _endings(p)]
        if len(deeper) > 1:
            return InputError(
                f"{path}: it holds one folder only, {printable(name)!r}, with {len(deeper)} "
                f"folders in it; if those are the classes, name {below}"
            )
        return InputError(
            f"{path}: all logs lie in one folder, {printable(name)!r}, so there is one class only; "
            "give each class a folder of its own"
        )
    if files:
        return InputError(f"{path}: {_sorting(path, files)}")
    return InputError(
        f"{path}: none of its {len(folders)} folders holds a file; put the logs into one folder "
        "per class, as class_name/run1.log"
    )


def _sorting(path: Path, files: list[Path]) -> str:
    """Say how to sort files that lie in no class folder, by their names if those tell."""
    what = f"its {len(files):,} files lie in no class folder"
    for sign in "_-.":
        begin = Counter(p.name.partition(sign)[0] for p in files if sign in p.stem)
        if 1 < len(begin) <= len(files) / 3 and begin.total() == len(files):
            shown = _listed(f"{printable(name, 20)} {n}" for name, n in sorted(begin.items()))
            cut = shlex.quote(sign)
            return (
                f"{what}; if their names begin with the class ({shown}), sort them: cd "
                f'{shlex.quote(str(path))} && for f in *{cut}*; do mkdir -p "${{f%%{cut}*}}" && '
                f'mv "$f" "${{f%%{cut}*}}/"; done'
            )
    return f"{what}; put them into one folder per class, as class_name/{printable(files[0].name)}"


def _listed(names: Iterator[str]) -> str:
    found = list(names)
    more = f" and {len(found) - _MOST_LISTED} more" * (len(found) > _MOST_LISTED)
    return ", ".join(found[:_MOST_LISTED]) + more
