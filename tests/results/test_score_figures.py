import pytest

from results.assessment import assess
from results.drawing import svg
from results.score_figures import scores


def words(drawn) -> list[str]:
    return [text.get_text() for text in drawn.figure.findobj(lambda a: hasattr(a, "get_text"))]


def rows(drawn) -> list[str]:
    return [label.get_text() for label in drawn.figure.axes[0].get_yticklabels()]


def test_entries_stand_best_first_and_those_without_a_score_last(judged) -> None:
    (drawn,) = scores(judged)
    known = [e for e in judged.entries if e.cells]
    best = max(known, key=lambda entry: entry.macro_f1.mean)
    assert rows(drawn)[0].startswith(best.classifier)
    assert rows(drawn)[-1] == "odd_$name^{\\x} + Decision tree"
    assert {"failed", "blocked", "SYNTHETIC DATA"} <= set(words(drawn))
    assert len(rows(drawn)) == len(judged.entries)


def test_a_row_shows_its_mean_and_its_range_over_seeds(judged) -> None:
    (drawn,) = scores(judged)
    entry = next(e for e in judged.entries if (e.model, e.classifier) == ("minilm", "xgboost"))
    values = [cell.scores.macro_f1 for cell in entry.cells]
    place = rows(drawn).index("minilm + XGBoost")
    bar, dot = [
        line
        for line in drawn.figure.axes[0].lines
        if list(line.get_ydata()) in ([place] * 2, [place])
    ]
    assert list(bar.get_xdata()) == pytest.approx([min(values), max(values)])
    assert list(dot.get_xdata()) == pytest.approx([entry.macro_f1.mean])
    told = f"{entry.macro_f1.mean:.3f} [{min(values):.3f}, {max(values):.3f}]"
    assert told in words(drawn)


def test_the_baseline_is_a_line_and_caveats_have_a_sign(judged) -> None:
    (drawn,) = scores(judged)
    assert judged.baseline == ("tfidf-word", "linear_svc")
    baseline = next(e for e in judged.entries if e.model == "tfidf-word")
    (line,) = [one for one in drawn.figure.axes[0].lines if one.get_linestyle() == ":"]
    assert line.get_xdata()[0] == pytest.approx(baseline.macro_f1.mean)
    assert "the dotted line is the baseline, tfidf-word + linear_svc" in drawn.caption
    assert "(1) transductive adaptation" in drawn.caption
    assert "minilm-adapted + XGBoost (1)" in rows(drawn)


def test_every_score_is_told_where_one_points(judged) -> None:
    (drawn,) = scores(judged)
    assert svg(drawn).count("<title>") == sum(bool(e.cells) for e in judged.entries)


def test_one_seed_has_its_interval_and_a_lost_seed_makes_a_row_hollow(invent, sketch) -> None:
    alone = assess(invent((sketch("matrix", "m", "c", 0.7),), seeds=(1,), classes=["a", "b"]))
    (drawn,) = scores(alone)
    assert "95 % bootstrap intervals" in drawn.caption and "Hollow" not in drawn.caption
    run = invent((sketch("matrix", "m", "c", 0.7),), seeds=(1, 2), classes=["a", "b"])
    lost = {"cell": None, "status": "failed", "reason": "no memory"}
    run.records[0] = run.records[0].model_copy(update=lost)
    (drawn,) = scores(assess(run))
    assert "Hollow: some seeds have no score" in drawn.caption


def test_of_very_many_entries_one_stands_for_each_model(invent, sketch, monkeypatch) -> None:
    monkeypatch.setattr("results.score_figures.MOST", 3)
    cells = [sketch("matrix", m, c, 0.7) for m in ("m", "n") for c in ("xgboost", "linear_svc")]
    (drawn,) = scores(assess(invent(tuple(cells), seeds=(1,), classes=["a", "b"])))
    assert len(rows(drawn)) == 2
    assert "Of 4 entries one stands for each model" in drawn.caption


def test_where_nothing_has_a_score_nothing_is_drawn(invent, sketch) -> None:
    assert scores(assess(invent((sketch("matrix", "m", "c", reason="no memory"),)))) == []
