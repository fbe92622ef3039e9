"""Where a printed number comes from: its cells, and what of their artifacts is still in the store.

In goes a name as an author has it before them: of a cell (`model/classifier/seed`), of an entry
over its seeds (`model/classifier`), or of a macro in `numbers.tex`. Nothing is computed but the
intervals, and a number is traced too when they cannot be.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from results.assessment import Assessment, assess
from results.entries import Entry, Verdict
from results.errors import InputError
from results.numbers import Macro, macros
from results.records import ArtifactRef, Costs, Record
from results.run import Run
from results.store import Store

_NEAR = 5


@dataclass(frozen=True)
class Kept:
    """An artifact behind a cell, and what the store still has of it.

    Attributes:
        role: what it is to the cell (``corpus``, ``vectors``, ``cell``, ...).
        is_there: whether the payload that the record names can be read.
        state: the same in words, with what is wrong.
        size_bytes: of its files; `None` where there are none.
        costs: of the job that made it; `None` where none are known.
    """

    role: str
    ref: ArtifactRef
    is_there: bool
    state: str
    size_bytes: int | None
    costs: Costs | None


@dataclass(frozen=True)
class Traced:
    """A cell with all that stands behind it; `entry` is the cell alone, judged if it could be."""

    entry: Entry
    artifacts: tuple[Kept, ...]

    @property
    def verdict(self) -> Verdict:
        """What is known of the cell."""
        return self.entry.verdicts[0]

    @property
    def record(self) -> Record:
        """The cell's record."""
        return self.verdict.record


@dataclass(frozen=True)
class Trace:
    """What a name stands for.

    Attributes:
        name: as it was found.
        macro: the printed number, where a macro was asked for.
        entry: the cells together, where there are several seeds of one row.
        cells: each cell that the number is made of.
        baseline: ``model/classifier`` that cells are compared with; `None` without one.
        unjudged: why there are no intervals, or "".
    """

    name: str
    macro: Macro | None
    entry: Entry | None
    cells: tuple[Traced, ...]
    baseline: str | None
    unjudged: str


def trace(run: Run, name: str) -> Trace:
    """Find what a name stands for and where it comes from.

    Raises:
        InputError: no cell, entry or macro of that name, or a macro was asked for and the
            predictions that it is computed from are missing.
    """
    results, unjudged = _judged(run)
    records = _named(run, name)
    macro = None
    if not records:
        macro = _macro(run, results, name, unjudged)
        records = [find_record(run, one) for one in macro.cells]
    verdicts = {v.record.name: v for e in results.entries for v in e.verdicts} if results else {}
    found = [verdicts.get(record.name, Verdict(record)) for record in records]
    baseline = "/".join(results.baseline) if results and results.baseline else None
    return Trace(
        name=macro.name if macro else name,
        macro=macro,
        entry=Entry(tuple(found)) if len(found) > 1 and macro is None else None,
        cells=tuple(Traced(Entry((one,)), kept(run, one.record)) for one in found),
        baseline=baseline,
        unjudged=unjudged,
    )


def _judged(run: Run) -> tuple[Assessment | None, str]:
    """Judge a run; of one whose predictions are gone say so."""
    try:
        return assess(run), ""
    except InputError as error:
        return None, str(error)


def _named(run: Run, name: str) -> list[Record]:
    """Return the cell of that name, or the cells of that row."""
    return [r for r in run.records if r.name == name] or [
        r for r in run.records if f"{r.model}/{r.classifier}" == name
    ]


def _macro(run: Run, results: Assessment | None, name: str, unjudged: str) -> Macro:
    if "/" not in name and results is None:
        raise InputError(f"{name}: numbers.tex cannot be computed again: {unjudged}")
    known = macros(results) if results else {}
    found = known.get(name.removeprefix("\\"))
    if found is None:
        raise InputError(f"{run.run_dir}: no cell, row or macro {_near(run, name, known)}")
    return found


def find_record(run: Run, name: str) -> Record:
    """Find a cell's record by its name, ``model/classifier/seed``.

    Raises:
        InputError: there is none of that name.
    """
    for record in run.records:
        if record.name == name:
            return record
    raise InputError(f"{run.run_dir}: no cell {_near(run, name)}")


def _near(run: Run, name: str, more: Iterable[str] = ()) -> str:
    """Quote a name that is unknown, and name a few known ones; a run may have thousands."""
    rows = (f"{r.model}/{r.classifier}" for r in run.records)
    names = list(dict.fromkeys([*(record.name for record in run.records), *rows, *more]))
    close = difflib.get_close_matches(name, names, n=_NEAR) or names[:_NEAR]
    rest = f", ... ({len(run.records)} cells)" if len(names) > len(close) else ""
    return f"{name!r}; there are {', '.join(close)}{rest}"


def kept(run: Run, record: Record) -> tuple[Kept, ...]:
    """Look for each artifact of a record in the run's store; nothing is fetched."""
    store = Store(run.meta["store"])
    return tuple(
        Kept(role, ref, *_state(store, ref), record.costs.get(role))
        for role, ref in record.artifacts.items()
    )


def _state(store: Store, ref: ArtifactRef) -> tuple[bool, str, int | None]:
    """Say whether the payload is there, in what state, and how large it is."""
    commit, damage, _ = store.find(ref.kind, ref.key)
    if commit is None:
        files = [] if damage else store.files.walk(ref.path)
        if files:
            return True, "there, what a bundle has of it", sum(file.size for file in files)
        return False, f"damaged: {damage}" if damage else "missing", None
    size = sum(file.size for file in commit.files)
    if commit.attempt == PurePosixPath(ref.path).name:
        return True, "there", size
    if commit.digest == ref.digest:
        return True, "there, computed again with the same content", size
    return False, f"replaced by other content, digest {commit.digest}", size
