"""What differs between two runs before any score is looked at: settings, data, code, machine.

In go two opened runs, out come lists of `Change`s, each with its value before and after.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from pydantic import JsonValue

from results.records import Record
from results.run import Run

_ABSENT: Any = object()


@dataclass(frozen=True)
class Change:
    """One thing that is not the same in both runs.

    Attributes:
        key: what it is; of a setting its place in the suite file, rows by their names.
        before: its value in the first run; None too where that has no such thing.
        after: its value in the second run.
        only: which of the two has it at all: "first", "second", or "" for both.
    """

    key: str
    before: JsonValue
    after: JsonValue
    only: Literal["", "first", "second"] = ""


@dataclass(frozen=True)
class Differences:
    """All that differs between two runs but their results.

    Attributes:
        settings: of the suite file.
        places: where files lie and what jobs are granted, which decides no result.
        data: digests of corpus and labels, hashes of the splits by seed.
        code: git commits and versions of packages.
        machine: hardware.
    """

    settings: tuple[Change, ...]
    places: tuple[Change, ...]
    data: tuple[Change, ...]
    code: tuple[Change, ...]
    machine: tuple[Change, ...]


def differences(first: Run, second: Run) -> Differences:
    """Set two runs beside each other."""
    found = list(changes(first.meta.get("resolved") or {}, second.meta.get("resolved") or {}))
    return Differences(
        settings=tuple(change for change in found if not _is_place(change)),
        places=tuple(change for change in found if _is_place(change)),
        data=tuple(c for c in _changed(first, second, _data) if not c.only),
        code=_changed(first, second, _code),
        machine=_changed(first, second, _machine),
    )


def changes(before: JsonValue, after: JsonValue, key: str = "") -> Iterator[Change]:
    """Find where two JSON values differ, in the order of the first.

    A list of things with names is compared by name: a row moved is no change.

    Args:
        before: a value of the first run.
        after: the value of the second.
        key: where they stand.
    """
    if _are_named(before) and _are_named(after):
        before, after = _by_name(before), _by_name(after)
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            where = f"{key}.{name}" if key else name
            yield from changes(before.get(name, _ABSENT), after.get(name, _ABSENT), where)
    elif before is _ABSENT:
        yield Change(key, None, after, "second")
    elif after is _ABSENT:
        yield Change(key, before, None, "first")
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):
        yield Change(key, before, after)


def _are_named(values: JsonValue) -> bool:
    """Whether this is a list of things that each have a name."""
    return isinstance(values, list) and all(isinstance(v, dict) and "name" in v for v in values)


def _by_name(values: Any) -> dict[str, JsonValue]:
    return {str(one["name"]): one for one in values}


def _is_place(change: Change) -> bool:
    """Whether a setting only says where files lie, or how much of a machine a job may use."""
    if change.key.startswith("resources.") or change.key == "corpus.path":
        return True
    before, after = change.before, change.after
    if not isinstance(before, str) or not isinstance(after, str):
        return False
    absolute = before.startswith("/"), after.startswith("/")
    return all(absolute) or (any(absolute) and PurePath(before).name == PurePath(after).name)


def _changed(
    first: Run, second: Run, facts: Callable[[Record], Iterable[tuple[str, str | None]]]
) -> tuple[Change, ...]:
    """Compare facts that records carry; where those of one run differ, all values are named."""
    before, after = _gathered(first, facts), _gathered(second, facts)
    return tuple(changes(before, after))


def _gathered(
    run: Run, facts: Callable[[Record], Iterable[tuple[str, str | None]]]
) -> dict[str, JsonValue]:
    found: dict[str, dict[str, None]] = {}
    for record in (record for record in run.records if record.study is None):
        for name, value in facts(record):
            if value is not None:
                found.setdefault(name, {})[value] = None
    return {name: ", ".join(sorted(found[name])) for name in sorted(found)}


def _data(record: Record) -> Iterator[tuple[str, str | None]]:
    source = record.provenance
    yield "corpus digest", source.corpus_digest
    labels = record.artifacts.get("labels")
    yield "labels digest", labels.digest if labels else None
    yield f"split hash, seed {record.seed}", source.split_hash


def _code(record: Record) -> Iterator[tuple[str, str | None]]:
    source = record.provenance
    commit = source.git_commit
    yield (
        "git commit",
        commit and commit + (" with uncommitted changes" if source.git_dirty else ""),
    )
    yield from source.versions.items()


def _machine(record: Record) -> Iterator[tuple[str, str | None]]:
    yield "hardware", record.provenance.hardware
