import numpy as np
import pytest

from results.assessment import assess
from results.drawing import svg
from results.figures import accuracy_cost, collect, confusion, confusion_counts, pareto


def words(drawn) -> list[str]:
    return [text.get_text() for text in drawn.figure.findobj(lambda a: hasattr(a, "get_text"))]


def test_every_figure_with_data_is_drawn(run, judged) -> None:
    names = [d.name for d in collect(run, judged, run.cards["corpus"], run.cards["split"])]
    assert names[:2] == ["accuracy-cost", "scores"]
    kinds = {
        "confusion": len(judged.chosen), "study": 4, "curves": 1, "char-lm": 1, "adaptation": 1,
        "map": 2,
    }  # fmt: skip
    for kind, number in kinds.items():
        assert sum(name.startswith(f"{kind}-") for name in names) == number
    assert names[-2:] == ["lengths", "classes"]
    assert len(names) == len(set(names))


def test_without_cards_and_without_success_nothing_is_drawn(invent, sketch) -> None:
    run = invent((sketch("matrix", "m", "xgboost", reason="no memory"),))
    assert collect(run, assess(run), None, None) == []


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([(1, 0.5), (2, 0.4), (3, 0.6)], [0, 2]),
        ([(2, 0.9), (1, 0.9)], [1]),
        ([(1, 0.5), (1, 0.7)], [1]),
        ([], []),
    ],
)
def test_pareto_front(points, front) -> None:
    assert pareto(points) == front


def test_pareto_front_against_brute_force() -> None:
    rng = np.random.default_rng(0)
    points = [tuple(map(float, p)) for p in rng.integers(0, 8, (40, 2))]
    kept = {points[i] for i in pareto(points)}
    expected = {
        p for p in points
        if not any(q != p and q[0] <= p[0] and q[1] >= p[1] for q in points)
    }  # fmt: skip
    assert kept == expected


def test_cost_plot_names_every_model_marks_and_tells_every_cell(judged) -> None:
    drawn = accuracy_cost(judged)
    shown = words(drawn)
    assert "minilm-adapted\ntransductive adaptation" in shown
    assert "SYNTHETIC DATA" in shown
    ok = [e for e in judged.entries if e.cells]
    assert len(drawn.tips) == len(ok)
    assert svg(drawn).count("<title>") == len(ok)


def test_confusion_matrix_sums_its_seeds_and_carries_its_marks(judged) -> None:
    entry = next(e for e in judged.entries if e.model == "minilm-adapted" and e.cells)
    counts = confusion_counts(entry)
    assert counts.sum() == sum(c.test_documents for c in entry.cells)
    drawn = confusion(entry, judged.marks)
    assert "SYNTHETIC DATA; TRANSDUCTIVE ADAPTATION" in words(drawn)
    assert str(counts[0, 0]) in words(drawn)
    assert "summed over 3 seeds" in drawn.caption


def overlapping(texts) -> list[tuple[str, str]]:
    """List the pairs of texts that lie on each other; turned ones are left to the eye."""
    found = [
        (text.get_text(), text.get_window_extent())
        for text in texts
        if text.get_text() and text.get_visible() and not text.get_rotation() % 90
    ]
    pairs = [
        (a, b)
        for i, (a, box) in enumerate(found)
        for b, other in found[i + 1 :]
        if box.x0 + 1 < other.x1 and other.x0 + 1 < box.x1 and box.y0 + 1 < other.y1
        and other.y0 + 1 < box.y1
    ]  # fmt: skip
    return pairs


@pytest.fixture
def crowded(invent, sketch, monkeypatch):
    """20 models and 30 classes with names of 60 characters, one of the models failed."""
    names = [f"class-{i:02d}-" + "of-a-log-" * 6 for i in range(30)]
    monkeypatch.setitem(invent.__globals__, "SHARES", [1 / (i + 1) for i in range(30)])
    models = [f"model-{'a-long-name-' * 4}{i:06d}" for i in range(20)]
    sketches = [
        sketch("matrix", model, "xgboost", 0.3 + 0.03 * i, cell_s=1.0 + i)
        for i, model in enumerate(models[:-1])
    ]
    sketches.append(sketch("matrix", models[-1], "xgboost", reason="no memory"))
    sketches.append(sketch("trivial", "tfidf-word", "linear_svc", 0.5, cell_s=0.1))
    run = invent(tuple(sketches), seeds=(1,), classes=names)
    run.cards["split"] = {"classes": {side: dict.fromkeys(names, 99) for side in ("train", "test")}}
    return run


def test_many_and_long_names_neither_overlap_nor_widen_a_figure(crowded) -> None:
    drawn = collect(crowded, assess(crowded), crowded.cards["corpus"], crowded.cards["split"])
    for one in [d for d in drawn if not d.name.startswith("confusion-")] + drawn[2:3]:
        one.figure.canvas.draw()
        assert one.frame.width < 7.8, one.name
        for axes in one.figure.axes:
            assert overlapping([*axes.get_xticklabels(), *axes.get_yticklabels()]) == [], one.name
            assert overlapping(axes.texts) == [], one.name


def test_numbers_of_the_front_keep_clear_of_each_other(invent, sketch) -> None:
    near = [
        sketch("matrix", f"m{i}", "c", 0.5 + i / 100, cell_s=100 + i, embed_s=0.0) for i in range(4)
    ]
    drawn = accuracy_cost(assess(invent(tuple(near), seeds=(1,), classes=["a", "b"])))
    drawn.figure.canvas.draw()
    assert overlapping(drawn.figure.axes[0].texts) == []
