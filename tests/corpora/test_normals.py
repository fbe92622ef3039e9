"""Normal documents to learn from, and labelled ones to choose thresholds on."""

from collections.abc import Callable

import pandas as pd
import pytest

from corpora.normals import Normals, divide
from results.errors import InputError

KINDS = ["fine"] * 40 + ["disk"] * 6 + ["net"] * 4


def _sides(labels: pd.DataFrame) -> pd.DataFrame:
    """Every fifth document is a test document."""
    side = ["test" if number % 5 == 0 else "train" for number in range(len(labels))]
    return labels[["id"]].assign(side=side)


def _divided(labels: pd.DataFrame, **changes: object) -> Normals:
    settings = {"normal": "fine", "validation_share": 0.25, "grouped": False, **changes}
    return divide(labels, _sides(labels), **settings)  # type: ignore[arg-type]  # kept short


def test_nothing_but_normal_train_documents_is_learnt_from(
    label_table: Callable[..., pd.DataFrame],
) -> None:
    labels = label_table(KINDS)
    found = _divided(labels)
    label = labels.set_index("id")["label"]
    train = set(_sides(labels).query("side == 'train'")["id"])
    assert set(label[found.fit]) == {"fine"}
    assert {*found.fit, *found.valid} == train and not {*found.fit} & {*found.valid}
    assert (label[found.valid] != "fine").sum() == 8, "every train anomaly"
    assert (label[found.valid] == "fine").sum() == 8, "a quarter of 32"


def test_the_order_of_rows_and_the_test_side_do_not_matter(
    label_table: Callable[..., pd.DataFrame],
) -> None:
    labels = label_table(KINDS)
    shuffled = labels.sample(frac=1, random_state=1)
    relabelled = labels.assign(
        label=labels["label"].where(_sides(labels)["side"] == "train", "elsewhere")
    )
    first = _divided(labels)
    sides = _sides(labels)
    again = divide(shuffled, sides, normal="fine", validation_share=0.25, grouped=False)
    assert first == again == _divided(relabelled)


def test_groups_stay_whole_where_the_split_keeps_them(
    label_table: Callable[..., pd.DataFrame],
) -> None:
    groups: list[object] = [f"g{number // 5}" for number in range(len(KINDS))]
    labels = label_table(KINDS, group=groups)
    found = _divided(labels, grouped=True)
    group = labels.set_index("id")
    held = group.loc[found.valid].query("label == 'fine'")["group"]
    assert set(held) and not set(held) & set(group.loc[found.fit, "group"])


@pytest.mark.parametrize(
    ("labels", "normal", "message"),
    [
        (KINDS, "fin", r"`normal: fin` is no class of this corpus; .*'fine'"),
        (["fine"] * 20, "fine", "the train side has no anomalies; a threshold"),
        (["fine"] + ["disk"] * 20, "fine", "no documents of the class 'fine'"),
        (["disk"] * 8 + ["fine"], "fine", "no validation part can be held out of 1"),
    ],
)
def test_a_side_that_lacks_one_kind_is_refused(
    label_table: Callable[..., pd.DataFrame], labels: list[str], normal: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        _divided(label_table(labels), normal=normal)
