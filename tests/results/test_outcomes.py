from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from results.errors import InputError
from results.outcomes import Outcomes, Reader


def with_scores(frame: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Scores as a job writes them: one float32 column per class."""
    rng = np.random.default_rng(1)
    columns = {
        f"score:{name}": (rng.random(len(frame)) + (frame["label"] == name)).astype(np.float32)
        for name in classes
    }
    return frame.assign(**columns)


@pytest.fixture
def scored(small):
    frames = {name: with_scores(frame, ["good", "bad"]) for name, frame in small.frames.items()}
    return replace(small, frames=frames)


def read(run, place: int = 0) -> Outcomes:
    return Reader(run).read(run.records[place])


def changed(run, frame: pd.DataFrame):
    return replace(run, frames={**run.frames, run.records[0].name: frame})


def test_cells_on_the_same_documents_share_them(scored) -> None:
    reader = Reader(scored)
    first, second = (reader.read(record) for record in scored.records[:2])
    assert first.documents is second.documents


def test_the_order_of_the_rows_does_not_matter(scored) -> None:
    frame = scored.frames[scored.records[0].name]
    reader = Reader(changed(scored, frame.sample(frac=1, random_state=3)))
    shuffled, other = (reader.read(record) for record in scored.records[:2])
    straight = read(scored)
    assert shuffled.documents is other.documents
    assert list(shuffled.documents.ids) == sorted(frame["id"])
    np.testing.assert_array_equal(shuffled.predicted, straight.predicted)
    assert shuffled.ranking is not None and straight.ranking is not None
    np.testing.assert_allclose(shuffled.ranking.pr_pull, straight.ranking.pr_pull, atol=1e-9)


def test_other_ids_or_labels_are_other_documents(scored) -> None:
    frame = scored.frames[scored.records[0].name]
    turned = frame.assign(label=frame["label"].map({"good": "bad", "bad": "good"}))
    base = read(scored).documents
    fewer, others = (read(changed(scored, one)).documents for one in (frame.iloc[1:], turned))
    assert fewer.ids_key != base.ids_key
    assert others.ids_key == base.ids_key and others.key != base.key


def test_the_ranking_is_scikit_learns(scored) -> None:
    frame, ranking = scored.frames[scored.records[0].name], read(scored).ranking
    truth = np.array([frame["label"] == name for name in ("good", "bad")]).T
    scores = frame[["score:good", "score:bad"]]
    assert ranking is not None
    assert ranking.roc_auc == pytest.approx(roc_auc_score(truth, scores, average="macro"))
    expected = average_precision_score(truth, scores, average="macro")
    assert ranking.pr_auc == pytest.approx(expected)


def test_what_cannot_be_ranked_says_why(scored, small) -> None:
    frame = scored.frames[scored.records[0].name]
    infinite = frame.assign(**{"score:bad": np.float32(np.inf)})
    missing = frame.assign(**{"score:good": np.float32(np.nan)})
    one_sided = frame[frame["label"] == "good"]
    for run, reason in (
        (small, "predictions without scores"),
        (changed(scored, infinite), "scores are not finite"),
        (changed(scored, missing), "scores are not finite"),
        (changed(scored, one_sided), "class 'bad' has no test document"),
    ):
        found = read(run)
        assert (found.ranking, found.unranked) == (None, reason)


def test_one_class_alone_is_not_ranked(invent, sketch) -> None:
    run = invent((sketch("matrix", "m", "xgboost", 0.8),), seeds=(1,), classes=["only"])
    frames = {name: with_scores(frame, ["only"]) for name, frame in run.frames.items()}
    assert read(replace(run, frames=frames)).unranked == "only one class"


def test_a_class_that_the_cell_does_not_know_is_refused(scored) -> None:
    frame = scored.frames[scored.records[0].name]
    strange = frame.assign(predicted=["<ugly>", *frame["predicted"].iloc[1:]])
    with pytest.raises(InputError, match=r"class '<ugly>' that its cell does not know; compute"):
        read(changed(scored, strange))


def test_groups_are_looked_up_once_for_each_split(invent) -> None:
    run = invent(grouped=True, seeds=(1,))
    asked = []

    class Counting(type(run)):
        def groups(self, record):
            asked.append(record.name)
            return super().groups(record)

    counting = Counting(**vars(run))
    shared = run.records[0].artifacts
    reader = Reader(counting)
    for record in counting.records[:2]:
        read_one = reader.read(record.model_copy(update={"artifacts": shared}))
        assert read_one.documents.groups is not None
        assert len(read_one.documents.groups) == len(read_one.documents.ids)
    assert len(asked) == 1
