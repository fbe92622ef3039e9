import numpy as np
import pytest

from results.assessment import assess
from results.drawing import save
from results.map_figures import maps, project


@pytest.fixture
def mapped(small, tmp_path, write_vectors):
    """`small`, with vectors."""
    frame = next(iter(small.frames.values()))
    renamed = frame.assign(label=frame["label"].map({"good": "Pass", "bad": "50%"}))
    write_vectors(tmp_path, renamed)
    small.folders["vectors"] = tmp_path
    yield small
    small.folders.clear()


def test_each_embedded_model_has_a_map_of_its_test_documents(mapped) -> None:
    (drawn,) = maps(mapped, assess(mapped))
    assert drawn.name == "map-minilm"
    assert "Vectors of 200 test documents by minilm, seed 7" in drawn.caption
    lines = {line.get_label(): len(line.get_xdata()) for line in drawn.figure.axes[0].lines}
    counts = next(iter(mapped.frames.values()))["label"].value_counts()
    assert lines == {"good": counts["good"], "bad": counts["bad"]}


def test_each_document_stands_with_its_own_class(mapped) -> None:
    (drawn,) = maps(mapped, assess(mapped))
    good, bad = (np.array(line.get_data()).T for line in drawn.figure.axes[0].lines)
    places, classes = np.concatenate([good, bad]), np.repeat([0, 1], [len(good), len(bad)])
    nearest = np.argsort(((places[:, None] - places) ** 2).sum(-1), axis=1)[:, 1]
    assert np.mean(classes[nearest] == classes) > 0.95


def test_equal_vectors_give_equal_bytes(mapped, tmp_path) -> None:
    first, second = (
        save(maps(mapped, assess(mapped))[0], tmp_path / name) for name in ("a", "b")
    )  # fmt: skip
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_many_documents_are_sampled_and_the_caption_says_so(mapped, monkeypatch) -> None:
    monkeypatch.setattr("results.map_figures.MAX_DOCUMENTS", 50)
    (drawn,) = maps(mapped, assess(mapped))
    assert "Vectors of 50 of 200 test documents" in drawn.caption


def test_sparse_and_missing_vectors_have_no_map(small) -> None:
    assert maps(small, assess(small)) == []


def test_vectors_that_hardly_differ_have_no_map(mapped) -> None:
    for path in mapped.folders["vectors"].glob("*.npy"):
        np.save(path, np.ones_like(np.load(path)), allow_pickle=False)
    assert maps(mapped, assess(mapped)) == []


def test_groups_apart_stay_apart() -> None:
    rng = np.random.default_rng(0)
    places = project(np.concatenate([rng.normal(size=(30, 5)), 20 + rng.normal(size=(30, 5))]))
    near = np.argsort(((places[:, None] - places) ** 2).sum(-1), axis=1)[:, 1:6]
    assert ((near < 30) == (np.arange(60) < 30)[:, None]).mean() > 0.95
