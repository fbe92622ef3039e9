import pandas as pd
import pytest

from corpora.duplicates import duplicates
from corpora.storage import StoredDocument
from results.errors import InputError

TEXTS = {  # id: side, label, text
    "a": ("train", "x", "error 1\n"),
    "b": ("train", "x", "error 1\n"),
    "c": ("train", "y", "other\n"),
    "d": ("test", "x", "error 1\n"),
    "e": ("test", "y", "error 2\n"),
    "f": ("test", "y", "error 2\n"),
    "g": ("test", "y", "alone\n"),
    "unlabelled": (None, None, "alone\n"),
}
DOCUMENTS = [StoredDocument(id, None, (text,)) for id, (_, _, text) in TEXTS.items()]
ROWS = [(id, side, label) for id, (side, label, _) in TEXTS.items() if side]
SPLIT = pd.DataFrame(ROWS, columns=["id", "side", "label"])


def test_twins_are_counted_inside_and_across_exactly_and_masked() -> None:
    report = duplicates(DOCUMENTS, SPLIT[["id", "label"]], SPLIT[["id", "side"]])

    assert report["exact"] == {
        "train": 1,
        "test": 1,
        "test_in_train": 1,
        "test_in_train_share": 0.25,
        "differing_labels": 0,
    }
    assert report["masked"] == {
        "train": 1,
        "test": 2,
        "test_in_train": 3,
        "test_in_train_share": 0.75,
        "differing_labels": 2,
    }


def test_where_the_parts_are_cut_makes_no_difference() -> None:
    documents = [StoredDocument("a", None, ("x 1\n", "y")), StoredDocument("b", None, ("x 1\ny",))]
    split = pd.DataFrame({"id": ["a", "b"], "side": ["train", "test"], "label": ["u", "u"]})

    report = duplicates(documents, split, split)

    assert report["exact"]["test_in_train"] == report["masked"]["test_in_train"] == 1


def test_a_twin_of_another_class_counts_beside_one_of_the_same() -> None:
    documents = [StoredDocument(id, None, ("same",)) for id in "abc"]
    split = pd.DataFrame({"id": list("abc"), "side": ["train", "train", "test"]})

    report = duplicates(documents, split.assign(label=["x", "y", "x"]), split)

    assert report["exact"]["differing_labels"] == 1


def test_leaks_are_refused_on_request() -> None:
    with pytest.raises(InputError, match=r"'d' has a twin in train, 'a' \(exact text\).*`leaks:"):
        duplicates(DOCUMENTS, SPLIT, SPLIT, "refuse")

    apart = SPLIT[~SPLIT["id"].isin(["d", "e", "f"])]
    assert duplicates(DOCUMENTS, apart, apart, "refuse")["masked"]["test_in_train"] == 0


def test_a_masked_leak_alone_is_refused_too() -> None:
    apart = SPLIT[~SPLIT["id"].isin(["d"])]

    with pytest.raises(InputError, match=r"'e' has a twin in train, 'a' \(masked text\)"):
        duplicates(DOCUMENTS, apart, apart, "refuse")
