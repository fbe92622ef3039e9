import numpy as np
import pytest

from results.assessment import assess
from results.drawing import svg
from results.figures import (
    accuracy_cost,
    class_counts,
    class_distribution,
    collect,
    confusion,
    confusion_counts,
    length_histogram,
    pareto,
)


def words(drawn) -> list[str]:
    return [text.get_text() for text in drawn.figure.findobj(lambda a: hasattr(a, "get_text"))]


def test_every_figure_with_data_is_drawn(run, judged) -> None:
    names = [d.name for d in collect(run, judged, run.cards["corpus"], run.cards["split"])]
    assert names[0] == "accuracy-cost"
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


def test_class_counts_are_turned_round() -> None:
    card = {"classes": {"test": {"a": 1}, "train": {"a": 3, "b": 2}}}
    assert class_counts(card) == {"a": {"test": 1, "train": 3}, "b": {"test": 0, "train": 2}}


def test_data_figures_show_their_numbers(run) -> None:
    classes = class_distribution(class_counts(run.cards["split"]), ["synthetic data"])
    assert {"Pass", "334 = 100 + 234", "SYNTHETIC DATA"} <= set(words(classes))
    lengths = length_histogram(run.cards["corpus"]["lengths"], ["synthetic data"])
    assert {"before", "after", "SYNTHETIC DATA"} <= set(words(lengths))
