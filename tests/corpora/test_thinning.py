"""A thinned train side: nested, stratified, whole groups, and the test side as it was."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.thinning import UNUSED, thinned
from results.errors import InputError

SHARES = st.floats(0.01, 1.0)
TABLES = st.lists(
    st.tuples(st.sampled_from("aaabbc"), st.integers(0, 8), st.booleans()), min_size=1, max_size=60
)


def _tables(rows: list[tuple[str, int, bool]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    ids = [f"d{number:03d}" for number in range(len(rows))]
    labels = pd.DataFrame(
        {
            "id": ids,
            "label": [label for label, _, _ in rows],
            "group": [f"g{group}" for _, group, _ in rows],
        }
    )
    sides = ["test" if is_test else "train" for _, _, is_test in rows]
    return labels, pd.DataFrame({"id": ids, "side": sides})


def _train(
    labels: pd.DataFrame, sides: pd.DataFrame, share: float, *, grouped: bool = False, seed: int = 0
) -> set[str]:
    found = thinned(labels, sides, share, seed=seed, grouped=grouped)
    return set(found.loc[found["side"] == "train", "id"])


@given(TABLES, SHARES, SHARES, st.booleans(), st.integers(0, 5))
def test_smaller_lies_within_larger_and_no_class_is_lost(
    rows: list[tuple[str, int, bool]], one: float, other: float, grouped: bool, seed: int
) -> None:
    labels, sides = _tables(rows)
    label = labels.set_index("id")["label"]
    less, more = sorted((one, other))
    small = _train(labels, sides, less, grouped=grouped, seed=seed)
    large = _train(labels, sides, more, grouped=grouped, seed=seed)
    whole = set(sides.loc[sides["side"] == "train", "id"])
    assert small <= large <= whole == _train(labels, sides, 1.0, grouped=grouped, seed=seed)
    assert set(label[list(small)]) == set(label[list(whole)])


@given(TABLES, SHARES, st.booleans(), st.integers(0, 5))
def test_only_train_documents_go_and_the_order_of_the_rows_decides_nothing(
    rows: list[tuple[str, int, bool]], share: float, grouped: bool, seed: int
) -> None:
    labels, sides = _tables(rows)
    found = thinned(labels, sides, share, seed=seed, grouped=grouped)
    assert list(found["id"]) == list(sides["id"])
    changed = found["side"] != sides["side"]
    assert set(found["side"][changed]) <= {UNUSED} and set(sides["side"][changed]) <= {"train"}
    shuffled = thinned(labels[::-1], sides[::-1], share, seed=seed, grouped=grouped)
    assert shuffled[::-1].equals(found)


@given(TABLES, SHARES, st.integers(0, 5))
def test_every_class_keeps_its_share(
    rows: list[tuple[str, int, bool]], share: float, seed: int
) -> None:
    labels, sides = _tables(rows)
    label = labels.set_index("id")["label"]
    whole = label[list(sides.loc[sides["side"] == "train", "id"])].value_counts()
    kept = label[list(_train(labels, sides, share, seed=seed))].value_counts()
    for name, count in whole.items():
        assert kept[name] >= 1 and abs(kept[name] - share * count) <= max(0.5, 1 - share * count)


@given(TABLES, SHARES, st.integers(0, 5))
def test_groups_stay_whole_where_the_split_keeps_them_whole(
    rows: list[tuple[str, int, bool]], share: float, seed: int
) -> None:
    labels, sides = _tables(rows)
    train = labels[sides["side"] == "train"]
    kept = train["id"].isin(_train(labels, sides, share, grouped=True, seed=seed))
    assert kept.groupby(train["group"]).nunique().max() in (1, np.nan) or train.empty


def test_groups_of_equal_size_are_thinned_to_the_share() -> None:
    labels, sides = _tables([("ab"[group % 2], group, False) for group in range(20)] * 5)
    kept = _train(labels, sides, 0.3, grouped=True)
    assert labels[labels["id"].isin(kept)]["label"].value_counts().to_dict() == {"a": 15, "b": 15}


def test_the_seed_decides() -> None:
    labels, sides = _tables([("ab"[number % 2], 0, False) for number in range(40)])
    chosen = [_train(labels, sides, 0.5, seed=seed) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_an_impossible_share_is_refused(share: float) -> None:
    labels, sides = _tables([("a", 0, False), ("b", 0, False)])
    with pytest.raises(InputError, match=f"`train_share: {share}` must lie above 0 and be at most"):
        thinned(labels, sides, share, seed=0, grouped=False)
