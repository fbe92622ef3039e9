"""What the columns beside the text are good for: groups, times, a division that is given.

A column is a *group* by which to split if its values repeat and its name says what belongs together
(a run, a host), or if the value alone tells the class of other documents with that value: then
documents of one value on both sides of a split make results look better than they are. A column
that is the class in other words (as few values as classes) is named apart and never proposed.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from corpora.document import Field, missing
from corpora.inspect_leaks import told
from corpora.inspect_tokens import day_of
from corpora.naming import printable

Role = Literal["group", "time", "split", "answer"]

FOLDER: Final = "folder"
"""The field with the folder, within that of its class, that a document's file lies in."""

_MOST_VALUES: Final = 50_000
_TRIED: Final = 1000
_MOSTLY: Final = 0.95
_LEAST_PER_CLASS: Final = 3
_LEAST_PRESENT: Final = 2
_ANSWERS: Final = 0.9
_GROUPS = re.compile(
    r"(group|run|host|machine|device|node|session|job|build|case|user|customer|patient|vehicle|"
    r"app|application|service|server|testbed|cell|site|experiment|folder|batch|project|repo)"
    r"([_-]?(id|name|no|number|key))?",
    re.IGNORECASE,
)
_SIDES = {"train", "test"}


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a column may be used for, and why.

    Attributes:
        column: its name.
        role: group, time, split (holds train and test), or answer (the class in other words).
        values: different values; for a time, different days.
        lacking: documents without a value.
        why: the evidence in words.
        values_of: class -> different values its documents have.
        tells: share of the documents whose class the value alone tells; 0 where nobody asked.
    """

    column: str
    role: Role
    values: int
    lacking: int
    why: str
    values_of: Mapping[str, int]
    tells: float = 0.0


class Columns:
    """Collects the fields of labelled documents, and says at the end what they are good for."""

    def __init__(self, passed: Iterable[str]) -> None:
        """Remember which fields are not asked: the label, and what the loader makes of a path."""
        self._passed = frozenset(passed)
        self._of: dict[str, _Column] = {}
        self._documents = 0

    def add(self, label: str, fields: Mapping[str, Field]) -> None:
        """Take in the fields of one document."""
        self._documents += 1
        for name, value in fields.items():
            if name not in self._passed:
                self._of.setdefault(name, _Column()).add(label, value)

    def uses(self) -> list[Use]:
        """Return what each column is good for; of groups the one to split by comes first."""
        found = [use for name, column in self._of.items() if (use := self._use(name, column))]
        order = {"split": 0, "group": 1, "time": 2, "answer": 3}
        return sorted(
            found,
            key=lambda use: (order[use.role], use.lacking, -_named(use.column), -use.tells),
        )

    def _use(self, name: str, column: "_Column") -> Use | None:
        reason = _reason(name, column) if column.present >= _LEAST_PRESENT else None
        if reason is None:
            return None
        lacking = self._documents - column.present
        return Use(
            column=name,
            role=reason.role,
            values=reason.values,
            lacking=lacking,
            why=reason.why,
            values_of=dict(Counter(label for of in column.values.values() for label in of)),
            tells=reason.tells,
        )


class _Reason(NamedTuple):
    role: Role
    values: int
    why: str
    tells: float = 0.0


class _Column:
    def __init__(self) -> None:
        self.values: dict[str, Counter[str]] = {}
        self.classes: set[str] = set()
        self.days: set[str] = set()
        self.present = 0
        self.is_cut = False
        self.is_fraction = False
        self._timely = 0

    def add(self, label: str, value: Field) -> None:
        if missing(value):
            return
        self.present += 1
        self.classes.add(label)
        self.is_fraction |= isinstance(value, float) and not value.is_integer()
        if self.present <= _TRIED or self.is_time:
            day = day_of(value)
            self._timely += day is not None
            if day is not None:
                self.days.add(day)
        text = str(value)
        if not self.is_cut:
            self.values.setdefault(text, Counter())[label] += 1
            if len(self.values) > _MOST_VALUES:
                self.values, self.is_cut = {}, True

    @property
    def is_time(self) -> bool:
        """Whether nearly all of the values that were tried name a day."""
        return self._timely >= _MOSTLY * min(self.present, _TRIED) and bool(self.days)


def _reason(name: str, column: _Column) -> _Reason | None:
    if set(column.values) == _SIDES and not column.is_cut:
        return _Reason("split", 2, "it holds 'train' and 'test'")
    if column.is_time:
        first, last = min(column.days), max(column.days)
        return _Reason("time", len(column.days), f"days from {first} to {last}")
    if column.is_cut or column.is_fraction or len(column.values) < 2:
        return None
    return _grouping(name, column)


def _grouping(name: str, column: _Column) -> _Reason | None:
    """Say whether the values of a column group documents, or are the class in other words."""
    values, verdict = len(column.values), told(column.values)
    classes = len(column.classes)
    tells = f"its value alone tells the class of {verdict.right:.0%} of the documents"
    if name == FOLDER and values <= classes:
        return None  # no more than one for each class: the way the classes were stored
    is_few = values <= classes or (values < _LEAST_PER_CLASS * classes and not _named(name))
    if is_few and verdict.is_suspicious and verdict.right >= _ANSWERS:
        why = f"{tells}: the class in other words, or how the classes were recorded"
        return _Reason("answer", values, why, verdict.right)
    if is_few and not _named(name):
        return None
    if values > column.present / 2:
        return None
    if _named(name):
        return _Reason("group", values, "its name says what belongs together", verdict.right)
    if verdict.is_suspicious:
        why = f"{tells} (the largest class: {verdict.largest:.0%})"
        return _Reason("group", values, why, verdict.right)
    return None


def _named(column: str) -> bool:
    return _GROUPS.fullmatch(column) is not None


def shown(use: Use) -> str:
    """Say it in a line."""
    lacking = f", missing in {use.lacking:,} documents" * bool(use.lacking)
    unit = {"time": "days", "group": "groups"}.get(use.role, "values")
    return (
        f"{use.role}: column {printable(use.column)!r}, {use.values:,} {unit}{lacking}: {use.why}"
    )
