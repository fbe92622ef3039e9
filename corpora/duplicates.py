"""Count the documents that occur more than once, inside a side of a split and across it.

Logs repeat themselves; a test document whose twin was trained on measures memory. Twins are
counted twice over: *exact* (the same text) and *masked* (the same text after masking, so that a
different time stamp does not hide it).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from corpora.masking import mask
from results.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from corpora.storage import StoredDocument


def duplicates(
    documents: Iterable["StoredDocument"],
    labels: "pd.DataFrame",
    split: "pd.DataFrame",
    leaks: Literal["count", "refuse"] = "count",
) -> dict[str, Any]:
    """Report duplicates of a split corpus.

    Args:
        documents: the stored documents; those outside the split are passed over.
        labels: the labels table.
        split: the split table.
        leaks: ``refuse`` makes a twin across the split an error.

    Returns:
        For ``exact`` and ``masked``: ``train`` and ``test`` (documents beyond the first of equal
        ones on that side), ``test_in_train`` (test documents with a twin in train),
        ``test_in_train_share`` of the test documents, and ``differing_labels`` (those of them with
        a twin in train of another class).

    Raises:
        InputError: `leaks` is ``refuse`` and a test document has a twin in train.
    """
    side = dict(zip(split["id"], split["side"], strict=True))
    label = dict(zip(labels["id"], labels["label"], strict=True))
    alike: dict[str, dict[bytes, list[str]]] = {
        "exact": defaultdict(list),
        "masked": defaultdict(list),
    }
    for document in documents:
        if document.id in side:
            exact, masked = sha256(), sha256()
            for part in document.parts:
                exact.update(part.encode())
                masked.update(mask(part).encode())
            alike["exact"][exact.digest()].append(document.id)
            alike["masked"][masked.digest()].append(document.id)
    if leaks == "refuse":
        _refuse(alike, side)
    return {kind: _count(sets, side, label) for kind, sets in alike.items()}


def _count(
    sets: Mapping[bytes, list[str]], side: Mapping[str, str], label: Mapping[str, str]
) -> dict[str, Any]:
    report = {"train": 0, "test": 0, "test_in_train": 0, "differing_labels": 0}
    for ids in sets.values():
        train = [id for id in ids if side[id] == "train"]
        test = [id for id in ids if side[id] == "test"]
        report["train"] += max(0, len(train) - 1)
        report["test"] += max(0, len(test) - 1)
        if train:
            classes = {label[id] for id in train}
            report["test_in_train"] += len(test)
            report["differing_labels"] += sum(classes != {label[id]} for id in test)
    tests = sum(value == "test" for value in side.values())
    return {**report, "test_in_train_share": report["test_in_train"] / tests if tests else 0.0}


def _refuse(alike: Mapping[str, Mapping[bytes, list[str]]], side: Mapping[str, str]) -> None:
    for kind, sets in alike.items():
        for ids in sets.values():
            if len({side[id] for id in ids}) > 1:
                test = next(id for id in ids if side[id] == "test")
                train = next(id for id in ids if side[id] == "train")
                raise InputError(
                    f"split: test document {test!r} has a twin in train, {train!r} ({kind} text); "
                    "split by group, remove it from the corpus, or count them with `leaks: count`"
                )
