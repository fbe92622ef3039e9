"""Split documents into train and test, and train into folds. Split first, window later.

A split is a function of the labels table, the rule and the seed alone, not of the order of rows.
Every kind keeps what belongs together together: `group` never tears a group apart, `time` never
puts equal times on both sides. A class that would be missing from a side is an error, never a
silent zero.
"""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Shaped

from results.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

GROUP_FOLDS = 10
"""Folds from which a grouped split takes its test groups: the share is met to a tenth."""


@dataclass(frozen=True, kw_only=True)
class Splitting:
    """How documents are divided.

    Attributes:
        test_share: share of the documents that are test documents, above 0 and below 1.
        by: ``stratified`` (random, every class alike), ``random``, ``group`` (groups stay whole,
            classes as even as they allow), ``time`` (the latest are test) or ``column`` (the
            corpus says so itself).
        seed: fixes the split for all runs; by default each run's own seed divides.
        leaks: whether duplicates across the split are counted or refused.
    """

    test_share: float = 0.3
    by: Literal["stratified", "group", "time", "column", "random"] = "stratified"
    seed: int | None = None
    leaks: Literal["count", "refuse"] = "count"

    def __post_init__(self) -> None:
        """Refuse a share that leaves one side empty."""
        if not 0 < self.test_share < 1:
            raise InputError(f"split: `test_share: {self.test_share}` must lie between 0 and 1")


class Fold(NamedTuple):
    """Row numbers of one round of cross-validation."""

    train: Int[np.ndarray, " train"]
    valid: Int[np.ndarray, " valid"]


def split(labels: "pd.DataFrame", rule: Splitting, seed: int) -> "pd.DataFrame":
    """Divide the labelled documents.

    Args:
        labels: the labels table (id, label, group, time, given).
        rule: how to divide.
        seed: the run's seed, used where the rule has none of its own.

    Returns:
        One row per document in the order of `labels`: ``id``, ``side`` (``train`` or ``test``).

    Raises:
        InputError: one class only; a class too small to be on both sides; a document without
            the group, time or given side that the rule needs.
    """
    import pandas as pd

    _check_columns(labels, rule)
    ordered = labels.sort_values("id", ignore_index=True)
    _check_sizes(ordered, rule)
    test = _TEST[rule.by](ordered, rule, seed if rule.seed is None else rule.seed)
    _check_sides(ordered["label"].to_numpy(), test, rule)
    side = dict(zip(ordered["id"], np.where(test, "test", "train").tolist(), strict=True))
    return pd.DataFrame({"id": labels["id"].to_numpy(), "side": [side[i] for i in labels["id"]]})


def split_hash(frame: "pd.DataFrame") -> str:
    """Return the sha256 of who is on which side, whatever the order of the rows."""
    rows = sorted(zip(frame["id"].tolist(), frame["side"].tolist(), strict=True))
    return sha256(json.dumps(rows, ensure_ascii=True).encode()).hexdigest()


def holdout(
    labels: Shaped[np.ndarray, " n"],
    groups: Shaped[np.ndarray, " n"] | None,
    share: float,
    seed: int,
) -> Bool[np.ndarray, " n"]:
    """Choose the validation part of some training documents.

    It is one of `round(1 / share)` folds, stratified, with whole groups where there are groups. A
    class that would be in the validation part only goes back to training.

    Args:
        labels: class of each document.
        groups: group of each document, or `None`.
        share: wanted share of the validation part.
        seed: of the shuffle.

    Returns:
        True where a document is held out.

    Raises:
        InputError: there is nothing that could be held out.
    """
    k = _most_folds(labels, groups, max(2, round(1 / share)))
    held = np.zeros(len(labels), dtype=bool)
    if k > 1:
        held[_folds(labels, groups, k, seed)[0].valid] = True
    for label in np.unique(labels):
        if held[labels == label].all():
            held &= labels != label if groups is None else ~np.isin(groups, groups[labels == label])
    if not held.any():
        raise InputError(
            f"split: no validation part can be held out of {len(labels)} training documents; "
            "give the corpus more documents (or groups) per class"
        )
    return held


def folds(
    labels: Shaped[np.ndarray, " n"], groups: Shaped[np.ndarray, " n"] | None, k: int, seed: int
) -> list[Fold]:
    """Divide training documents into `k` stratified folds, groups kept whole where there are any.

    Raises:
        InputError: a class has fewer than `k` documents (groups).
    """
    for label in np.unique(labels):
        members = labels == label
        count = int(members.sum()) if groups is None else len(np.unique(groups[members]))
        if count < k:
            unit = "document(s)" if groups is None else "group(s)"
            raise InputError(
                f"cross-validation: class {str(label)!r} has {count} training {unit}, fewer than "
                f"the {k} folds; drop rare classes with `relabel: {{min_documents: {2 * k}}}`, "
                "or tune nothing"
            )
    return _folds(labels, groups, k, seed)


def _folds(
    labels: Shaped[np.ndarray, " n"], groups: Shaped[np.ndarray, " n"] | None, k: int, seed: int
) -> list[Fold]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    with _small_classes_allowed():
        rounds = kind(k, shuffle=True, random_state=seed).split(labels, labels, groups)
        return [Fold(train, valid) for train, valid in rounds]


def _most_folds(
    labels: Shaped[np.ndarray, " n"], groups: Shaped[np.ndarray, " n"] | None, wanted: int
) -> int:
    """Return how many of the wanted folds the largest class, and the groups, can fill."""
    largest = int(np.unique(labels, return_counts=True)[1].max(initial=0))
    return min(wanted, largest, wanted if groups is None else len(np.unique(groups)))


@contextmanager
def _small_classes_allowed() -> Iterator[None]:
    """Silence scikit-learn's warning on classes smaller than the folds; we check for ourselves."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        yield


def _stratified(labels: "pd.DataFrame", rule: Splitting, seed: int) -> Bool[np.ndarray, " n"]:
    return _shuffled(labels, rule, seed, stratify=True)


def _random(labels: "pd.DataFrame", rule: Splitting, seed: int) -> Bool[np.ndarray, " n"]:
    return _shuffled(labels, rule, seed, stratify=False)


def _shuffled(
    labels: "pd.DataFrame", rule: Splitting, seed: int, *, stratify: bool
) -> Bool[np.ndarray, " n"]:
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(labels))
    classes = labels["label"].to_numpy() if stratify else None
    _, chosen = train_test_split(
        rows, test_size=rule.test_share, random_state=seed, stratify=classes
    )
    return np.isin(rows, chosen)


def _grouped(labels: "pd.DataFrame", rule: Splitting, seed: int) -> Bool[np.ndarray, " n"]:
    """Take those folds for the test set in which every class comes closest to the share."""
    groups, classes = labels["group"].to_numpy(), labels["label"].to_numpy()
    k = _most_folds(classes, groups, GROUP_FOLDS)
    fold_of = np.zeros(len(labels), dtype=int)
    for number, fold in enumerate(_folds(classes, groups, k, seed)):
        fold_of[fold.valid] = number
    _, class_of, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    shares = np.zeros((k, len(sizes)))  # share of each class that lies in each fold
    np.add.at(shares, (fold_of, class_of), 1 / sizes[class_of])
    wanted = min(max(1, round(k * rule.test_share)), k - 1)
    chosen = min(
        combinations(range(k), wanted),
        key=lambda some: float(np.abs(shares[list(some)].sum(axis=0) - rule.test_share).sum()),
    )
    return np.isin(fold_of, chosen)


def _latest(labels: "pd.DataFrame", rule: Splitting, seed: int) -> Bool[np.ndarray, " n"]:
    """Cut between two different times, where the share of later documents comes closest."""
    times, starts = np.unique(np.sort(labels["time"].to_numpy()), return_index=True)
    if len(times) == 1:
        raise InputError(f"split: all documents have the time {times[0]}; split by something else")
    later = len(labels) - starts[1:]  # documents at or after each time but the first
    nearest = int(np.argmin(np.abs(later - rule.test_share * len(labels))))
    return np.asarray(labels["time"].to_numpy() >= times[1 + nearest])


def _given(labels: "pd.DataFrame", rule: Splitting, seed: int) -> Bool[np.ndarray, " n"]:
    other = sorted(set(labels["given"]) - {"train", "test"})
    if other:
        raise InputError(
            f"split: the split column holds {other[0]!r}; it may only hold 'train' and 'test' "
            "(filter other rows with `where:`)"
        )
    return np.asarray(labels["given"].to_numpy() == "test")


_TEST = {
    "stratified": _stratified,
    "random": _random,
    "group": _grouped,
    "time": _latest,
    "column": _given,
}
_NEEDS = {
    "group": ("group", "group"),
    "time": ("time", "time"),
    "column": ("given", "split_column"),
}


def _check_columns(labels: "pd.DataFrame", rule: Splitting) -> None:
    if rule.by not in _NEEDS:
        return
    column, setting = _NEEDS[rule.by]
    lacking = labels["id"][labels[column].isna()].tolist()
    if lacking:
        raise InputError(
            f"split: by {rule.by}, but {len(lacking)} of {len(labels)} documents have no {column} "
            f"(the first: {lacking[0]!r}); name the field with `{setting}:` in the corpus, "
            "or leave them out with `where:`"
        )


def _check_sizes(labels: "pd.DataFrame", rule: Splitting) -> None:
    counts = labels["label"].value_counts()
    if len(counts) == 1:
        raise InputError(
            f"split: every document is of the class {counts.index[0]!r}; "
            "a classifier needs at least two (see `label:`, `where:` and `relabel:`)"
        )
    unit = "document(s)"
    if rule.by == "group":
        counts = labels.groupby("label")["group"].nunique()
        unit = "group(s)"
    for label, count in sorted(counts.items()):
        if rule.by != "column" and count < 2:
            raise InputError(_too_few(str(label), int(count), unit, rule))
    smaller = min(round(len(labels) * s) for s in (rule.test_share, 1 - rule.test_share))
    if rule.by == "stratified" and smaller < len(counts):
        label = str(counts.index[-1])
        raise InputError(_too_few(label, int(counts.iloc[-1]), unit, rule))


def _check_sides(
    labels: Shaped[np.ndarray, " n"], test: Bool[np.ndarray, " n"], rule: Splitting
) -> None:
    for side, members in (("train", ~test), ("test", test)):
        for label in np.unique(labels):
            count = int((labels == label).sum())
            if not (labels[members] == label).any():
                raise InputError(_too_few(str(label), count, "document(s)", rule, side))


def _too_few(label: str, count: int, unit: str, rule: Splitting, side: str = "") -> str:
    enough = max(count + 1, ceil(1 / min(rule.test_share, 1 - rule.test_share)))
    where = f", none of them on the {side} side of a split by {rule.by}" * bool(side)
    return (
        f"split: class {label!r} has {count} {unit}{where}, too few to be in train and in test; "
        f"drop rare classes with `relabel: {{min_documents: {enough}}}`"
    )
