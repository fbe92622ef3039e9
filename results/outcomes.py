"""What cells said of their test documents, read once for everything that is measured or compared.

Cells that were tested on the same documents share one `Documents`, so that they can be told to be
comparable, and drawn from together, without another look at a thousand lists of ids.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int

from results.errors import InputError
from results.hashing import hash_json
from results.measures import Ranking, rank
from results.records import Record

if TYPE_CHECKING:
    import pandas as pd

    from results.run import Run


@dataclass(frozen=True, eq=False)
class Documents:
    """The test documents of some cells, in the order of their ids.

    Attributes:
        ids: each once, ascending.
        classes: class names as the cells order them.
        label: true class of each document, as an index into `classes`.
        groups: name of each document's group; `None` where the split is not grouped.
        key: hash of all of these: equal keys can be compared document by document.
        ids_key: hash of the ids alone.
    """

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    label: Int[np.ndarray, " n"]
    groups: tuple[str, ...] | None
    key: str
    ids_key: str

    @classmethod
    def of(
        cls,
        ids: tuple[str, ...],
        classes: tuple[str, ...],
        label: Int[np.ndarray, " n"],
        groups: tuple[str, ...] | None = None,
    ) -> "Documents":
        """Take documents in the order of their ids."""
        key = hash_json([ids, classes, label.tolist(), groups])
        return cls(ids, classes, label, groups, key, hash_json(ids))

    @property
    def num_classes(self) -> int:
        """How many classes there are, those without a test document included."""
        return len(self.classes)

    @property
    def untested(self) -> list[str]:
        """The classes without a test document."""
        there = np.bincount(self.label, minlength=self.num_classes)
        return [name for name, count in zip(self.classes, there, strict=True) if not count]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What one cell said of its test documents.

    Attributes:
        documents: what it was tested on.
        predicted: predicted class of each document, as an index into the classes.
        ranking: how well its scores rank the documents; `None` with `unranked`.
        unranked: why there is no ranking.
    """

    documents: Documents
    predicted: Int[np.ndarray, " n"]
    ranking: Ranking | None = None
    unranked: str = "predictions without scores"

    @property
    def right(self) -> Bool[np.ndarray, " n"]:
        """Whether each document was classified right."""
        return np.asarray(self.predicted == self.documents.label)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Documents as a file had them: ids and labels in its order, and how to sort them."""

    ids: "pd.Series"
    label: Int[np.ndarray, " n"]
    groups: "pd.Series | None"
    order: Int[np.ndarray, " n"]
    documents: Documents


class Reader:
    """Reads the predictions of a run's cells; documents seen before are not built anew."""

    def __init__(self, run: "Run") -> None:
        """Read from this run."""
        self._run = run
        self._seen: list[_Seen] = []
        self._groups: dict[object, pd.Series | None] = {}

    def read(self, record: Record) -> Outcomes:
        """Read the predictions of an ok record.

        Raises:
            InputError: they are not in the store, or name a class that the cell does not know.
        """
        assert record.cell is not None
        frame = self._run.predictions(record)
        label, predicted = (_codes(record, frame[name]) for name in ("label", "predicted"))
        seen = self._known(record, frame["id"], label)
        said = predicted[seen.order]
        reason = _unranked(frame, seen.documents)
        if not reason:
            columns = [frame[f"score:{name}"].to_numpy() for name in seen.documents.classes]
            if all(np.isfinite(column).all() for column in columns):
                return Outcomes(seen.documents, said, rank(columns, label).of(seen.order), "")
            reason = "scores are not finite"
        return Outcomes(seen.documents, said, unranked=reason)

    def _known(self, record: Record, ids: "pd.Series", label: Int[np.ndarray, " n"]) -> _Seen:
        assert record.cell is not None
        groups, classes = self._groups_of(record), tuple(record.cell.classes)
        for one in reversed(self._seen):
            if (
                one.documents.classes == classes
                and one.groups is groups
                and np.array_equal(one.label, label)
                and one.ids.equals(ids)
            ):
                return one
        names = np.array([str(name) for name in ids], dtype=object)
        order = np.argsort(names, kind="stable")
        of_each = None if groups is None else groups.loc[names[order]].astype(str)
        documents = Documents.of(
            tuple(names[order]), classes, label[order], None if of_each is None else tuple(of_each)
        )
        same = (one.documents for one in self._seen if one.documents.key == documents.key)
        self._seen.append(_Seen(ids, label, groups, order, next(same, documents)))
        return self._seen[-1]

    def _groups_of(self, record: Record) -> "pd.Series | None":
        """Return each test document's group; records of one split are asked for it once."""
        place = tuple(record.artifacts.get(role) for role in ("split", "labels"))
        key = tuple(ref and (ref.kind, ref.key, ref.digest) for ref in place)
        if key not in self._groups:
            self._groups[key] = self._run.groups(record)
        return self._groups[key]


def _codes(record: Record, names: "pd.Series") -> Int[np.ndarray, " n"]:
    """Turn class names into indices into the cell's classes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    assert record.cell is not None
    found = pc.index_in(pa.array(names), value_set=pa.array(record.cell.classes, pa.large_string()))
    if found.null_count:
        strange = names[np.asarray(found.is_null())].iloc[0]
        raise InputError(
            f"{record.name}: its predictions name a class {strange!r} that its cell does not "
            "know; compute the cell again with `logmark run --force`"
        )
    return np.asarray(found.to_numpy(), dtype=np.int16)


def _unranked(frame: "pd.DataFrame", documents: Documents) -> str:
    """Say why there is nothing to rank by, or nothing to tell apart; empty where there is."""
    if not all(f"score:{name}" in frame for name in documents.classes):
        return "predictions without scores"
    if documents.untested:
        return f"class {documents.untested[0]!r} has no test document"
    return "only one class" if documents.num_classes < 2 else ""
