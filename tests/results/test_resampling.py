import numpy as np
import pytest
from invented_outcomes import NAMES, documents, outcomes

from results import resampling
from results.outcomes import Documents
from results.resampling import Draws, batches


def all_draws(draws: Draws, count: int = 300) -> np.ndarray:
    return np.concatenate([weights for _, weights in draws.chunks(count)])


def test_every_draw_keeps_the_size_of_every_class() -> None:
    on = documents(200, k=4)
    draws = Draws.over([on])
    weights = all_draws(draws)[:, draws.places[on.key]]
    for c in range(4):
        assert (weights[:, on.label == c].sum(axis=1) == np.sum(on.label == c)).all()


def test_documents_of_a_class_are_drawn_evenly_and_apart() -> None:
    on = documents(40, k=2)
    weights = all_draws(Draws.over([on]), 20_000)
    assert weights.mean(axis=0) == pytest.approx(1, abs=0.04)
    size = np.bincount(on.label)[0]
    expected = 1 - 1 / size  # of the multinomial distribution, as its covariance is -1 / size
    assert weights[:, :size].var(axis=0).mean() == pytest.approx(expected, abs=0.02)
    covariance = np.cov(weights[:, :size].T)
    assert covariance[~np.eye(size, dtype=bool)].mean() == pytest.approx(-1 / size, abs=0.005)


def test_whole_groups_are_drawn() -> None:
    on = documents(60, groups=6)
    draws = Draws.over([on])
    assert draws.units == 6
    weights = all_draws(draws)
    assert (weights.sum(axis=1) == 6).all()
    for group in set(on.groups or ()):
        assert len({*draws.places[on.key][np.array(on.groups) == group]}) == 1


def test_draws_follow_from_the_documents_alone() -> None:
    """Two runs share draws; the order of their classes and how many are made do not matter."""
    on = documents(50)
    again = Documents.of(on.ids, NAMES[2::-1], (2 - on.label).astype(np.int16))
    ours, theirs = Draws.over([on]), Draws.over([again])
    np.testing.assert_array_equal(
        all_draws(ours)[:, ours.places[on.key]], all_draws(theirs)[:, theirs.places[again.key]]
    )
    np.testing.assert_array_equal(all_draws(ours), all_draws(ours, 700)[:300])
    renamed = tuple(f"x{name}" for name in on.ids)
    other = Draws.over([Documents.of(renamed, on.classes, on.label)])
    assert not np.array_equal(all_draws(ours), all_draws(other))


def test_draws_in_chunks_are_the_draws_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for on in (documents(50), documents(50, groups=9)):
        whole = all_draws(Draws.over([on]))
        with monkeypatch.context() as patched:
            patched.setattr(resampling, "_WEIGHTS", 1000)
            np.testing.assert_array_equal(all_draws(Draws.over([on])), whole)


def test_a_document_of_several_seeds_is_one_unit() -> None:
    first, second = documents(100), documents(100, first=50)
    draws = Draws.over([first, second])
    assert draws.units == 150
    common = sorted(set(first.ids) & set(second.ids))
    places = [
        dict(zip(one.ids, draws.places[one.key].tolist(), strict=True)) for one in (first, second)
    ]
    assert len(common) == 50 and [places[0][name] for name in common] == [
        places[1][name] for name in common
    ]


@pytest.mark.parametrize("groups", [None, 20])
def test_counts_are_those_of_documents_drawn_one_by_one(groups: int | None) -> None:
    on = documents(120, groups=groups)
    cells = [outcomes(on, seed=seed) for seed in (1, 2)]
    draws = Draws.over([on])
    (batch,) = batches(draws, cells, 25)
    weights = all_draws(draws, 25)[:, draws.places[on.key]]
    for i, cell in enumerate(cells):
        for c in range(3):
            in_class, said = on.label == c, cell.predicted == c
            np.testing.assert_array_equal(batch.drawn.said[c, i], weights @ said)
            np.testing.assert_array_equal(batch.drawn.hits[c, i], weights @ (said & in_class))
            np.testing.assert_array_equal(batch.drawn.support[c, 0], weights @ in_class)
            assert batch.observed.hits[c, i] == np.sum(said & in_class)


def test_cells_in_batches_are_the_cells_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    on = documents(40)
    cells = [outcomes(on, seed=seed, ranked=True) for seed in range(5)]
    draws = Draws.over([on])
    (whole,) = batches(draws, cells, 30, ranked=True)
    monkeypatch.setattr(resampling, "_COUNTS", 2 * 2 * 3 * 70)  # two cells
    parts = list(batches(draws, cells, 30, ranked=True))
    assert [len(part.outcomes) for part in parts] == [2, 2, 1]
    hits = np.concatenate([part.drawn.hits for part in parts], axis=1)
    np.testing.assert_array_equal(hits, whole.drawn.hits)
    pulls = np.concatenate([part.pulls for part in parts], axis=1)
    np.testing.assert_allclose(pulls, whole.pulls, atol=1e-12)
