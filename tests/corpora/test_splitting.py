from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.selecting import Columns, Relabel, labelled
from corpora.splitting import Splitting, folds, holdout, split, split_hash
from corpora.table import Table
from results.errors import InputError

Build = Callable[..., pd.DataFrame]
MANY = ["a"] * 60 + ["b"] * 30 + ["c"] * 10


def test_set(labels: pd.DataFrame, rule: Splitting, seed: int = 0) -> set[str]:
    frame = split(labels, rule, seed)
    assert frame["id"].tolist() == labels["id"].tolist()
    assert set(frame["side"]) == {"train", "test"}
    return set(frame["id"][frame["side"] == "test"])


test_set.__test__ = False  # type: ignore[attr-defined]  # a helper, whatever its name


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_stratified_split_takes_the_share_of_every_class(
    label_table: Build, share: float
) -> None:
    labels = label_table(MANY)

    chosen = test_set(labels, Splitting(test_share=share))

    counts = labels[labels["id"].isin(chosen)]["label"].value_counts()
    assert counts.to_dict() == {"a": 60 * share, "b": 30 * share, "c": 10 * share}


@pytest.mark.parametrize("by", ["stratified", "random", "group"])
def test_a_split_depends_on_seed_and_documents_but_not_on_their_order(
    label_table: Build, by: str
) -> None:
    labels = label_table(MANY, group=[f"g{n // 2}" for n in range(100)])
    rule = Splitting(by=by)  # type: ignore[arg-type]  # the parameter is one of them

    chosen = test_set(labels, rule, 1)

    assert chosen == test_set(labels, rule, 1)
    assert chosen == test_set(labels.sample(frac=1, random_state=5), rule, 1)
    assert chosen != test_set(labels, rule, 2)


def test_a_seed_of_the_rule_fixes_the_test_set_for_all_runs(label_table: Build) -> None:
    labels = label_table(MANY)

    assert test_set(labels, Splitting(seed=7), 1) == test_set(labels, Splitting(seed=7), 2)


def test_no_group_is_on_both_sides(label_table: Build) -> None:
    groups = [f"g{n % 20}" for n in range(100)]
    labels = label_table(["a", "b"] * 50, group=groups)

    chosen = test_set(labels, Splitting(by="group"))

    sides = labels.assign(test=labels["id"].isin(chosen)).groupby("group")["test"].nunique()
    assert (sides == 1).all()
    assert len(chosen) == 30


def test_a_class_with_few_groups_is_on_both_sides_whatever_the_seed(label_table: Build) -> None:
    labels = label_table(MANY, group=[f"g{n // 2}" for n in range(100)])

    for seed in range(20):
        chosen = labels[labels["id"].isin(test_set(labels, Splitting(by="group"), seed))]
        assert 2 <= (chosen["label"] == "c").sum() <= 4


def test_fewer_groups_than_folds_can_be_split(label_table: Build) -> None:
    labels = label_table(["a", "b"] * 8, group=[f"g{n // 4}" for n in range(16)])

    assert len(test_set(labels, Splitting(by="group"))) == 4


def test_the_latest_documents_are_the_test_set_and_equal_times_stay_together(
    label_table: Build,
) -> None:
    labels = label_table(["a", "b"] * 5, time=[1, 1, 2, 3, 4, 5, 6, 6, 6, 6])

    assert test_set(labels, Splitting(by="time")) == {"d0006", "d0007", "d0008", "d0009"}


def test_times_may_be_iso_text(label_table: Build) -> None:
    days = [f"2026-01-{day:02d}" for day in (9, 10, 1, 2, 3, 4)]

    assert test_set(label_table(["a", "b"] * 3, time=list(days)), Splitting(by="time")) == {
        "d0000",
        "d0001",
    }


def test_one_time_only_is_refused(label_table: Build) -> None:
    with pytest.raises(InputError, match="all documents have the time 5"):
        split(label_table(["a", "b"] * 2, time=[5] * 4), Splitting(by="time"), 0)


def test_a_given_split_is_taken_as_it_is(label_table: Build) -> None:
    labels = label_table(["a", "b"] * 2, given=["train", "train", "test", "test"])

    assert test_set(labels, Splitting(by="column")) == {"d0002", "d0003"}


def test_a_given_side_of_another_name_is_refused(label_table: Build) -> None:
    labels = label_table(["a", "b"] * 2, given=["train", "dev", "test", "test"])

    with pytest.raises(InputError, match="holds 'dev'; it may only hold 'train' and 'test'"):
        split(labels, Splitting(by="column"), 0)


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("group", r"by group, but 4 of 4 documents have no group \(the first: 'd0000'\).*`group:`"),
        ("time", "4 documents have no time .* name the field with `time:`"),
        ("column", "4 documents have no given .* name the field with `split_column:`"),
    ],
)
def test_what_the_rule_needs_must_be_there(label_table: Build, by: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        split(label_table(["a", "b"] * 2), Splitting(by=by), 0)  # type: ignore[arg-type]


def test_a_class_with_one_document_is_refused(label_table: Build) -> None:
    message = r"class 'c' has 1 document\(s\), too few .*`relabel: {min_documents: 4}`"
    with pytest.raises(InputError, match=message):
        split(label_table(["a"] * 50 + ["b"] * 50 + ["c"]), Splitting(), 0)


def test_a_class_that_misses_a_side_is_refused(label_table: Build) -> None:
    labels = label_table(["a", "b", "b", "a"], given=["train", "train", "train", "test"])

    message = r"class 'b' has 2 document\(s\), none of them on the test side of a split by column"
    with pytest.raises(InputError, match=message):
        split(labels, Splitting(by="column"), 0)


def test_a_class_with_one_group_is_refused(label_table: Build) -> None:
    labels = label_table(["a"] * 6 + ["b"] * 3, group=list("uuvvwwxxx"))

    with pytest.raises(InputError, match=r"class 'b' has 1 group\(s\), too few"):
        split(labels, Splitting(by="group"), 0)


def test_more_classes_than_test_documents_is_refused(label_table: Build) -> None:
    with pytest.raises(InputError, match=r"too few to be in train and in test"):
        split(label_table(["a", "a", "b", "b", "c", "c"]), Splitting(), 0)


def test_one_class_only_is_refused(label_table: Build) -> None:
    with pytest.raises(InputError, match="every document is of the class 'a'"):
        split(label_table(["a"] * 10), Splitting(), 0)


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_a_share_that_empties_a_side_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=rf"`test_share: {share}` must lie between 0 and 1"):
        Splitting(test_share=share)


def test_the_split_hash_says_who_is_where_in_whatever_order() -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "side": ["train", "test"]})

    assert split_hash(frame) == split_hash(frame[::-1])
    assert split_hash(frame) != split_hash(frame.assign(side=["test", "train"]))
    assert len(split_hash(frame)) == 64


@given(st.lists(st.sampled_from("aaab"), min_size=2, max_size=40), st.integers(0, 9))
def test_a_holdout_leaves_every_class_in_training(classes: list[str], seed: int) -> None:
    labels = np.array(classes)

    try:
        held = holdout(labels, None, 0.2, seed)
    except InputError:
        assert len(classes) <= 5  # too little to hold anything out
        return

    assert held.any() and set(labels[~held]) == set(labels)
    assert np.array_equal(held, holdout(labels, None, 0.2, seed))


def test_a_holdout_has_its_share_and_tears_no_group() -> None:
    labels, groups = np.array(["a", "b"] * 50), np.array([f"g{n // 5}" for n in range(100)])

    held = holdout(labels, groups, 0.2, 0)

    assert held.sum() == 20
    assert set(groups[held]).isdisjoint(groups[~held])


def test_nothing_to_hold_out_is_refused() -> None:
    with pytest.raises(InputError, match="no validation part can be held out of 2"):
        holdout(np.array(["a", "b"]), None, 0.2, 0)


@pytest.mark.parametrize("grouped", [False, True])
def test_folds_cover_every_document_once_and_tear_no_group(grouped: bool) -> None:
    labels, groups = np.array(["a", "b"] * 50), np.array([f"g{n // 5}" for n in range(100)])

    rounds = folds(labels, groups if grouped else None, 5, 0)

    assert sorted(np.concatenate([fold.valid for fold in rounds])) == list(range(100))
    for fold in rounds:
        assert set(fold.train).isdisjoint(fold.valid) and len(fold.train) + len(fold.valid) == 100
        if grouped:
            assert set(groups[fold.train]).isdisjoint(groups[fold.valid])


def test_a_class_with_fewer_documents_or_groups_than_folds_is_refused() -> None:
    labels = np.array(["a"] * 10 + ["b"] * 4)

    message = r"class 'b' has 4 training document\(s\), fewer than the 5 folds; .*min_documents: 10"
    with pytest.raises(InputError, match=message):
        folds(labels, None, 5, 0)
    with pytest.raises(InputError, match=r"class 'b' has 2 training group\(s\)"):
        folds(labels, np.array([f"g{n // 2}" for n in range(14)]), 5, 0)


@pytest.mark.shared_data
@pytest.mark.parametrize("seed", range(5))
def test_hadoop_runs_are_never_torn_apart(shared_data: Path, seed: int) -> None:
    table = Table(path=shared_data / "hadoop_runs" / "containers.jsonl.gz")
    rows = [(document.id, document.fields) for document in table.documents()]
    labels = labelled(rows, Columns(group="group"), Relabel()).frame

    chosen = labels["id"].isin(test_set(labels, Splitting(by="group"), seed))

    assert set(labels["group"][chosen]).isdisjoint(labels["group"][~chosen])
    assert set(labels["label"][chosen]) == set(labels["label"])
    assert 0.2 < chosen.mean() < 0.4
    train = labels[~chosen]
    assert len(folds(train["label"].to_numpy(), train["group"].to_numpy(), 5, seed)) == 5
