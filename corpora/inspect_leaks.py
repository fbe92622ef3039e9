"""Suspected leaks: what gives the class of a log away without saying what happened.

Two questions are put to the identifiers of the documents (`inspect_tokens`). Neither is put to
plain words: a class has telling words by nature, and they are told apart, as information.

1. *A value*: does it stand in nearly all documents of one class and in almost no other? A number,
   a host, an id or a build counts only where other classes have the same place with other values:
   the errno of a full disk is part of its message, the number of a job is in every log.
2. *A place*: does what stands there, alone, tell the class of other documents? Each document is
   given the commonest class of the *others* with its value (leave one out; one alone: the largest
   class), so that values that never repeat tell nothing.

False alarms are bounded: a value must be too well aligned with the class for chance
(hypergeometric tail, Bonferroni over every value that was counted, `ALPHA`); a place must be right
five standard errors more often than the largest class, and close a quarter of the gap to always.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import comb, sqrt
from typing import Final, Generic, Literal, TypeVar

from corpora.inspect_tokens import Token, identifiers, name_parts, words
from corpora.masking import mask
from corpora.naming import printable

NEARLY_ALL: Final = 0.9
ALMOST_NONE: Final = 0.02
ALPHA: Final = 0.01
ERRORS: Final = 5.0
GAP: Final = 0.25
"""Share of the gap between the largest class and always right that a place has to close."""

MOST_COUNTED: Final = 400_000
"""Values that are counted at a time; beyond, those met once are forgotten."""

_OPENING = 50  # documents whose places are followed: one that nearly all have is among them
_MOST_VALUES = 20_000
_ANYWHERE = frozenset({"date", "address", "folder"})  # identify wherever they stand
_SHOWN = 3

Key = TypeVar("Key")


@dataclass(frozen=True, kw_only=True)
class Leak:
    """One suspicion and its evidence.

    Attributes:
        kind: what identifies: date, address, id, host, version, folder, number.
        source: where it stands: in the text, or in the names of the files, which no model reads.
        place: what stands before it, for a reader to find it.
        label: the class that a value gives away; None where a place tells classes apart.
        value: the value, cut and made printable; "" for a place.
        share: of the class's documents that have the value; of all that a place tells rightly.
        share_else: of the other documents that have it; of all that the largest class would tell.
        documents: in which it was met.
        values: different values in the place; 1 for a value.
        is_masked: whether masking hides it.
        more: further values of this kind that give the same class away, or further places.
    """

    kind: str
    source: Literal["text", "file name"]
    place: str
    label: str | None
    value: str
    share: float
    share_else: float
    documents: int
    values: int
    is_masked: bool
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Plain words that stand in nearly all documents of one class and in almost no other."""

    label: str
    words: tuple[str, ...]
    more: int


@dataclass(frozen=True)
class Told:
    """How well a value alone tells the class (leave one out)."""

    documents: int
    values: int
    right: float
    largest: float

    @property
    def is_suspicious(self) -> bool:
        """Whether that is more than chance, and much."""
        gap = 1 - self.largest
        error = sqrt(self.largest * gap / self.documents)
        gain = self.right - self.largest
        return gap > 0 and gain >= GAP * gap and gain >= ERRORS * error


def told(values: Mapping[str, Mapping[str, int]], *, at: int = 0) -> Told:
    """Ask how often the commonest class of the other documents with a value is right.

    Args:
        values: value -> class -> documents, at least one document.
        at: different values there are, where not all are given.
    """
    sizes: Counter[str] = Counter()
    for classes in values.values():
        sizes.update(classes)
    documents = sizes.total()
    largest = max(sorted(sizes), key=lambda label: sizes[label])
    right = sum(_right(classes, largest) for classes in values.values())
    return Told(documents, max(at, len(values)), right / documents, sizes[largest] / documents)


def _right(classes: Mapping[str, int], largest: str) -> int:
    if sum(classes.values()) == 1:
        return classes.get(largest, 0)
    ordered = sorted(classes.values(), reverse=True)
    first, second = ordered[0], ordered[1] if len(ordered) > 1 else 0
    return sum(  # a document counts for its class only with its own taken away
        number for number in classes.values() if number - 1 > (second if number == first else first)
    )


class _Counts(Generic[Key]):
    """How many documents of each class have something, in bounded memory (lossy counting)."""

    def __init__(self) -> None:
        self.of: dict[str, Counter[Key]] = defaultdict(Counter)
        self._room = MOST_COUNTED

    def add(self, label: str, keys: Iterable[Key]) -> None:
        counts = self.of[label]
        before = len(counts)
        counts.update(keys)
        self._room -= len(counts) - before
        least = 1
        while self._room < 0:
            for name, all_of_class in self.of.items():
                self.of[name] = Counter({k: n for k, n in all_of_class.items() if n > least})
            self._room = MOST_COUNTED - sum(map(len, self.of.values()))
            least += 1

    def tests(self) -> int:
        """Return how many things were counted, those of several classes several times."""
        return sum(map(len, self.of.values()))


class Evidence:
    """Collects what documents have, one after another, and judges it at the end."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._documents: Counter[str] = Counter()
        self._tokens: _Counts[Token] = _Counts()
        self._names: _Counts[Token] = _Counts()
        self._words: _Counts[str] = _Counts()
        self._places: _Counts[tuple[str, str]] = _Counts()
        self._first: dict[tuple[str, str], dict[str, Counter[str]]] = {}

    def add(self, label: str, text: str, name: str = "") -> None:
        """Take in one document.

        Args:
            label: its class.
            text: its text, or the beginning of it.
            name: of its file, without what names the class.
        """
        found = list(identifiers(text))
        if name:
            self._names.add(label, set(name_parts(name)))
        self._documents[label] += 1
        self._tokens.add(label, set(found))
        self._words.add(label, words(text))
        self._places.add(label, {token[:2] for token in found})
        firsts: dict[tuple[str, str], str] = {}
        for token in found:
            if token.kind != "number":
                firsts.setdefault(_place_of(token), token.value)
        is_open = self._documents.total() <= _OPENING
        for place, value in firsts.items():
            values = self._first.setdefault(place, {}) if is_open else self._first.get(place)
            if values is not None and (value in values or len(values) < _MOST_VALUES):
                values.setdefault(value, Counter())[label] += 1
        if self._documents.total() == _OPENING:
            self._first = {
                place: values
                for place, values in self._first.items()
                if sum(classes.total() for classes in values.values()) >= _OPENING / 2
            }

    def leaks(self, classes: Iterable[str]) -> list[Leak]:
        """Judge what was collected of some classes; the strongest suspicions come first."""
        known = sorted(set(classes) & set(self._documents))
        if len(known) < 2:
            return []
        found = [
            *self._values(known, self._tokens, "text"),
            *self._values(known, self._names, "file name"),
            *self._told(known),
        ]
        return sorted(found, key=lambda leak: (leak.source != "text", leak.label is not None))

    def telling(self, classes: Iterable[str]) -> list[Telling]:
        """Return the telling words of some classes."""
        known = sorted(set(classes) & set(self._documents))
        found = []
        for label in known:
            aligned = self._aligned(label, known, self._words, lambda word: True)
            ordered = sorted(aligned, key=lambda item: (item[2], -item[1], item[0]))
            if ordered:
                shown = tuple(printable(word, 24) for word, _, _ in ordered[:5])
                found.append(Telling(label=label, words=shown, more=len(ordered) - len(shown)))
        return found

    def _values(
        self, known: list[str], counts: _Counts[Token], source: Literal["text", "file name"]
    ) -> Iterator[Leak]:
        for label in known:
            aligned = self._aligned(
                label, known, counts, lambda token: source != "text" or self._is_leak(token, known)
            )
            best: dict[str, list[tuple[Token, float, float]]] = defaultdict(list)
            for token, share, other in sorted(aligned, key=lambda a: (a[2], -a[1], a[0])):
                if all(token.value != shown.value for shown, _, _ in best[token.kind]):
                    best[token.kind].append((token, share, other))
            for same in best.values():
                for number, (token, share, other) in enumerate(same[:_SHOWN], start=1):
                    yield Leak(
                        kind=token.kind,
                        source=source,
                        place=printable(token.place),
                        label=label,
                        value=printable(token.value),
                        share=share,
                        share_else=other,
                        documents=sum(counts.of[name][token] for name in known),
                        values=1,
                        is_masked=_hidden(token.value),
                        more=len(same) - _SHOWN if number == _SHOWN else 0,
                    )

    def _is_leak(self, token: Token, known: list[str]) -> bool:
        """Whether a value identifies by its form, or stands where most documents have another."""
        if token.kind in _ANYWHERE:
            return True
        have = [self._places.of[label][token[:2]] / self._documents[label] for label in known]
        return sum(share >= NEARLY_ALL for share in have) > len(known) / 2

    def _aligned(
        self, label: str, known: list[str], counts: _Counts[Key], takes: Callable[[Key], bool]
    ) -> Iterator[tuple[Key, float, float]]:
        """Yield what nearly all documents of a class and almost no others have, with the shares."""
        from scipy.stats import hypergeom

        size = self._documents[label]
        everything = sum(self._documents[name] for name in known)
        tests = counts.tests()
        if comb(everything, size) < tests / ALPHA:
            return  # so few documents that all of them have many things in common by chance
        for key, number in counts.of[label].items():
            if number < NEARLY_ALL * size:
                continue
            other = sum(counts.of[name][key] for name in known if name != label)
            if other > ALMOST_NONE * (everything - size) or not takes(key):
                continue
            chance = hypergeom.sf(number - 1, everything, number + other, size)
            if chance * tests <= ALPHA:
                yield key, number / size, other / (everything - size)

    def _told(self, known: list[str]) -> Iterator[Leak]:
        """Yield the place of each kind that tells most, where it tells more than it should."""
        everything = sum(self._documents[name] for name in known)
        best: dict[str, list[tuple[Told, tuple[str, str], str]]] = defaultdict(list)
        for place, values in self._first.items():
            of_known = {
                value: {name: classes[name] for name in known if classes[name]}
                for value, classes in values.items()
            }
            of_known = {value: classes for value, classes in of_known.items() if classes}
            met = sum(sum(classes.values()) for classes in of_known.values())
            if met < NEARLY_ALL * everything or len(of_known) < 2:
                continue
            verdict = told(of_known)
            if verdict.is_suspicious:
                best[place[0]].append((verdict, place, next(iter(of_known))))
        for kind, found in best.items():
            verdict, place, example = max(found, key=lambda item: (item[0].right, item[1]))
            yield Leak(
                kind=kind,
                source="text",
                place=printable(place[1]),
                label=None,
                value="",
                share=verdict.right,
                share_else=verdict.largest,
                documents=verdict.documents,
                values=verdict.values,
                is_masked=_hidden(example),
                more=len(found) - 1,
            )


def _place_of(token: Token) -> tuple[str, str]:
    """Dates are asked for wherever they stand: the first day of a document is its day."""
    return (token.kind, "" if token.kind == "date" else token.place)


def _hidden(value: str) -> bool:
    return value not in mask(value)
