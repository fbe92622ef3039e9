from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from corpora.document import Document, Field
from corpora.selecting import Columns, Labels, Relabel, labelled, select
from corpora.table import Table
from results.errors import InputError

ROWS: list[dict[str, Field]] = [
    {"label": "a", "os": "linux", "n": 3, "run": 1, "at": "10", "side": "train"},
    {"label": "b", "os": "bsd", "n": 4, "run": 1, "at": "9", "side": "test"},
    {"label": None, "os": "linux", "n": 3.0, "run": None, "at": "8", "side": None},
    {"label": "b", "os": None, "n": "3", "run": 2, "at": None, "side": "train"},
]


def chosen(where: Mapping[str, Field | list[Field]]) -> list[str]:
    documents = [Document(str(n), [], fields) for n, fields in enumerate(ROWS)]
    return [document.id for document in select(documents, where)]


def label(rows: list[dict[str, Field]], columns: Columns, relabel: Relabel) -> Labels:
    return labelled([(str(n), fields) for n, fields in enumerate(rows)], columns, relabel)


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({}, ["0", "1", "2", "3"]),
        ({"os": "linux"}, ["0", "2"]),
        ({"os": ["bsd", None]}, ["1", "3"]),
        ({"n": 3}, ["0", "2", "3"]),
        ({"os": "linux", "label": "a"}, ["0"]),
    ],
)
def test_where_keeps_the_documents_whose_fields_have_the_values(
    where: Mapping[str, Field | list[Field]], ids: list[str]
) -> None:
    assert chosen(where) == ids


def test_where_finds_booleans_in_text() -> None:
    documents = [Document("a", [], {"ok": "True"}), Document("b", [], {"ok": False})]

    assert [d.id for d in select(documents, {"ok": True})] == ["a"]
    assert [d.id for d in select(documents, {"ok": False})] == ["b"]


def test_where_with_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"a field 'osx' \(named by `where:`\); did you mean 'os'"):
        chosen({"osx": "linux"})


def test_where_that_keeps_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="`where: {'os': 'mac'}` keeps no document"):
        chosen({"os": "mac"})


def test_labels_come_with_group_time_and_given_side() -> None:
    columns = Columns(group="run", time="at", split_column="side")

    labels = label(ROWS, columns, Relabel())

    frame = labels.frame
    assert list(frame.columns) == ["id", "label", "group", "time", "given"]
    assert frame["id"].tolist() == ["0", "1", "3"] and frame["label"].tolist() == ["a", "b", "b"]
    assert frame["group"].tolist() == ["1", "1", "2"]
    assert frame["time"].tolist()[:2] == [10.0, 9.0] and frame["time"].isna().tolist()[2]
    assert frame["given"].tolist() == ["train", "test", "train"]
    assert (labels.documents, labels.unlabelled, labels.mapped_away) == (4, 1, 0)


def test_columns_that_are_not_named_are_missing() -> None:
    frame = label(ROWS, Columns(), Relabel()).frame

    assert frame[["group", "time", "given"]].isna().all(axis=None)


def test_times_that_are_no_numbers_stay_text() -> None:
    rows = [{"label": x, "at": at} for x, at in (("a", "2026-01-02"), ("b", "7"))]

    assert label(rows, Columns(time="at"), Relabel()).frame["time"].tolist() == ["2026-01-02", "7"]


def test_relabelling_joins_and_drops_before_it_counts() -> None:
    rows: list[dict[str, Field]] = [{"label": x} for x in "aabbcdde"]

    labels = label(rows, Columns(), Relabel(map={"b": "a", "e": None}, min_documents=2))

    assert Counter(labels.frame["label"]) == {"a": 4, "d": 2}
    assert (labels.mapped_away, labels.rare) == (1, {"c": 1})


def test_labels_are_text() -> None:
    frame = label([{"label": True}, {"label": 3}, {"label": ""}], Columns(), Relabel()).frame

    assert frame["label"].tolist() == ["True", "3"]


@pytest.mark.parametrize("setting", ["label", "group", "time", "split_column"])
def test_a_field_that_no_document_has_names_the_nearest(setting: str) -> None:
    with pytest.raises(
        InputError, match=rf"'labl' \(named by `{setting}:`\); did you mean 'label'"
    ):
        label(ROWS, Columns(**{setting: "labl"}), Relabel())


def test_relabelling_a_label_that_does_not_occur_is_refused() -> None:
    with pytest.raises(InputError, match=r"`relabel: map:` names the label 'c'.*Known: a, b"):
        label(ROWS, Columns(), Relabel(map={"c": "a"}))


def test_no_labelled_document_is_refused() -> None:
    with pytest.raises(InputError, match="no document has a label in the field 'label'; name"):
        label([{"label": None}], Columns(), Relabel())


def test_one_class_only_is_refused() -> None:
    message = r"is of the class 'b' \(1 rare classes were dropped by `relabel: min_documents`\)"
    with pytest.raises(InputError, match=message):
        label(ROWS, Columns(), Relabel(min_documents=2))


@pytest.mark.shared_data
def test_linux_kernel_crashes_have_645_documents_of_14_classes(shared_data: Path) -> None:
    table = Table(path=shared_data / "syzkaller_kernel_crashes" / "docs.jsonl.gz")
    rows = [(d.id, d.fields) for d in select(table.documents(), {"os": "linux"})]

    frame = labelled(rows, Columns(), Relabel(min_documents=10)).frame

    assert len(frame) == 645 and frame["label"].nunique() == 14
    assert (frame["label"] == "HANG").sum() == 144


def sampled(share: float, number: int = 2000) -> list[str]:
    documents = [Document(f"d{n}", [], {"even": n % 2 == 0}) for n in range(number)]
    return [document.id for document in select(documents, {}, share)]


def test_a_sample_is_the_share_and_lies_within_every_larger_one() -> None:
    samples = [sampled(share) for share in (0.1, 0.25, 0.7, 1.0)]

    for small, large in pairwise(samples):
        assert set(small) < set(large)
        assert small == [id for id in large if id in set(small)]  # in the order they had
    assert [len(sample) / 2000 for sample in samples] == pytest.approx(
        [0.1, 0.25, 0.7, 1], abs=0.03
    )


def test_a_sample_depends_on_the_ids_alone() -> None:
    assert set(sampled(0.25, 100)) == set(sampled(0.25)) & {f"d{n}" for n in range(100)}


def test_where_and_sample_do_not_look_at_each_other() -> None:
    documents = [Document(f"d{n}", [], {"even": n % 2 == 0}) for n in range(2000)]
    both = [d.id for d in select(documents, {"even": True}, 0.25)]

    assert both == [id for id in sampled(0.25) if int(id[1:]) % 2 == 0]


@pytest.mark.parametrize("share", [0.0, -0.5, 1.01])
def test_a_sample_that_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=f"`sample: {share}` must lie above 0 and be at most 1"):
        sampled(share)


def test_a_sample_without_any_document_is_refused() -> None:
    with pytest.raises(InputError, match=r"`sample: 1e-06` keeps none of 9 documents; raise it"):
        sampled(1e-6, 9)
