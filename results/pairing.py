"""Which cells two runs have in common, and whether each can be compared document by document.

In go two opened runs, out come rows of `Common` cells. Cells are compared where both were tested on
documents of the same ids, labels and groups, among the same classes; any other gets its reason.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from results.errors import InputError
from results.outcomes import Documents, Outcomes, Reader
from results.records import Record
from results.run import Run
from results.steps import Step, counted, untold

NOT_RUN = "not run yet"
"""The reason of a record whose job no run has come to."""

Standing = Literal["same", "compared", "lost", "repaired", "failed", "incomparable"]


@dataclass(frozen=True)
class Common:
    """One cell of both runs.

    Attributes:
        standing: ``same`` predictions, ``compared`` since they differ, ``lost`` (it has failed and
            had a score before), ``repaired``, ``failed`` in both, or ``incomparable``.
        reason: why it is not compared.
        outcomes: of the first and of the second run, on the very same documents; `None` where
            there is nothing to compare.
    """

    before: Record
    after: Record
    standing: Standing
    reason: str = ""
    outcomes: tuple[Outcomes, Outcomes] | None = None

    @property
    def name(self) -> str:
        """The cell's name."""
        return self.before.name

    @property
    def inputs(self) -> list[str]:
        """The roles of what the cell stands on that has other content than before."""
        before, after = self.before.artifacts, self.after.artifacts
        roles = dict.fromkeys(role for role in (*before, *after) if role != "cell")
        return [role for role in roles if _digest(self.before, role) != _digest(self.after, role)]

    @property
    def is_unstable(self) -> bool:
        """Whether the same job on the same inputs has made something else than before."""
        before, after = self.before.artifacts.get("cell"), self.after.artifacts.get("cell")
        if before is None or after is None or self.inputs:
            return False
        return before.key == after.key and before.digest != after.digest

    @property
    def num_differing(self) -> int:
        """How many test documents were given another class than before."""
        if self.outcomes is None:
            return 0
        before, after = self.outcomes
        return int(np.sum(before.predicted != after.predicted))


def _digest(record: Record, role: str) -> str | None:
    ref = record.artifacts.get(role)
    return ref.digest if ref else None


def rows_in_common(first: Run, second: Run, step: Step = untold) -> dict[str, list[Common]]:
    """Pair the cells of two runs: ``model/classifier`` -> its cells, in the order of the first.

    Points of studies are left out; `step` is told how far this is.

    Raises:
        InputError: no cell is planned in both, one of the runs has none with a score, or
            predictions are missing from a store.
    """
    after = {record.name: record for record in planned(second)}
    rows: dict[str, list[tuple[Record, Record]]] = {}
    for record in planned(first):
        if record.name in after:
            row = rows.setdefault(f"{record.model}/{record.classifier}", [])
            row.append((record, after[record.name]))
    if not rows:
        raise InputError(
            f"{first.home} and {second.home}: no cell in common; pass two runs of one suite"
        )
    readers = Reader(first), Reader(second)
    read = counted(list(rows.items()), "reading predictions", step)
    return {name: _compared(pairs, readers) for name, pairs in read}


def planned(run: Run) -> list[Record]:
    """Return the records of a run that are no points of studies."""
    return [record for record in run.records if record.study is None]


def unfinished(run: Run) -> list[str]:
    """Return the cells that no run has come to."""
    return [record.name for record in planned(run) if record.reason == NOT_RUN]


def _compared(
    pairs: Sequence[tuple[Record, Record]], readers: tuple[Reader, Reader]
) -> list[Common]:
    """Compare the cells of a row; nothing is read where all are the very artifacts."""
    found = [Common(a, b, *_standing(a, b)) for a, b in pairs]
    if all(one.standing != "compared" for one in found):
        return found
    return [_read(one, readers) if one.standing in ("same", "compared") else one for one in found]


def _standing(before: Record, after: Record) -> tuple[Standing, str]:
    """Say how a cell stands as far as the records tell."""
    if before.cell is None:
        is_repaired = after.cell is not None
        return ("repaired" if is_repaired else "failed"), before.reason or before.status
    if after.cell is None:
        return "lost", f"{after.status}: {after.reason or 'no reason recorded'}"
    return ("same" if _digest(before, "cell") == _digest(after, "cell") else "compared"), ""


def _read(one: Common, readers: tuple[Reader, Reader]) -> Common:
    """Read what both cells said, and see whether it was of the same documents."""
    before = readers[0].read(one.before)
    after = readers[1].read(one.after)
    matched = _on(before.documents, after)
    if isinstance(matched, str):
        return replace(one, standing="incomparable", reason=matched)
    is_same = bool(np.array_equal(before.predicted, matched.predicted))
    standing: Standing = "same" if is_same else "compared"
    return replace(one, standing=standing, outcomes=(before, matched))


def _on(documents: Documents, other: Outcomes) -> Outcomes | str:
    """Return another run's outcomes as of these documents, or why they are of others."""
    theirs = other.documents
    if documents.ids != theirs.ids:
        common = len(set(documents.ids).intersection(theirs.ids))
        return (
            f"other test documents: {len(documents.ids):,} and {len(theirs.ids):,}, "
            f"{common:,} of them in both"
        )
    if set(documents.classes) != set(theirs.classes):
        return f"other classes: {_only(documents.classes, theirs.classes)}"
    place = np.array([documents.classes.index(name) for name in theirs.classes])
    relabelled = int(np.sum(place[theirs.label] != documents.label))
    if relabelled:
        return f"{relabelled:,} of {len(documents.ids):,} test documents have another label"
    if not _same_partition(documents.groups, theirs.groups):
        return "the test documents are grouped in another way"
    return replace(other, documents=documents, predicted=place[other.predicted])


def _only(before: Iterable[str], after: Iterable[str]) -> str:
    before, after = set(before), set(after)
    parts = (("first", before - after), ("second", after - before))
    return "; ".join(
        f"{', '.join(map(repr, sorted(names)))} only in the {which} run"
        for which, names in parts
        if names
    )


def _same_partition(ours: Sequence[str] | None, theirs: Sequence[str] | None) -> bool:
    """Whether documents belong together in the same way, whatever the groups are called."""
    if ours is None or theirs is None:
        return ours is theirs
    pairs = len(set(zip(ours, theirs, strict=True)))
    return pairs == len(set(ours)) == len(set(theirs))
