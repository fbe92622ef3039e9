from dataclasses import replace

from results.assessment import assess
from results.curve_figures import adaptation, training


def lines_of(axes) -> dict[str, list[float]]:
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines}


def test_a_network_shows_losses_and_validation_scores_by_epoch(run, judged) -> None:
    (drawn,) = training(run, judged)
    loss, scores = drawn.figure.axes
    assert lines_of(loss)["train"] == [1.4, 0.8, 0.5]
    assert lines_of(loss)["validation"] == [1.9, 1.5, 0.9, 1.0]
    assert lines_of(scores)["accuracy"] == [0.2, 0.6, 0.8, 0.79]
    assert lines_of(scores)["macro-F1"] == [0.1, 0.4, 0.7, 0.69]
    assert "micro-averaged F1 equals the accuracy" in drawn.caption
    assert "one line for each of 3 seeds" in drawn.caption


def test_the_kept_epoch_is_marked_where_it_is_known(run, judged) -> None:
    (known,) = training(run, judged)
    assert 2.0 in {line.get_xdata()[0] for line in known.figure.axes[0].lines[-1:]}
    assert "Dotted" in known.caption
    (unknown,) = training(replace(run, cards={}), judged)
    assert "Dotted" not in unknown.caption


def test_a_network_hides_behind_no_better_classifier_of_its_model(invent, sketch) -> None:
    run = invent((
        sketch("matrix", "m", "xgboost", 0.9), sketch("matrix", "m", "embedding_cnn", 0.6),
    ))  # fmt: skip
    curves = invent((sketch("reference", "r", "r", 0.6),)).records[0].cell.curves
    run.records = [
        r.model_copy(update={"cell": r.cell.model_copy(update={"curves": curves})})
        if r.classifier == "embedding_cnn" else r
        for r in run.records
    ]  # fmt: skip
    assert [d.name for d in training(run, assess(run))] == ["curves-m.embedding_cnn"]


def test_a_curve_without_scores_has_one_panel(invent, sketch) -> None:
    run = invent((sketch("reference", "r", "r", 0.6),), seeds=(1,))
    cell = run.records[0].cell
    run.records[0] = run.records[0].model_copy(
        update={"cell": cell.model_copy(update={"curves": cell.curves[:1]})}
    )
    (drawn,) = training(run, assess(run))
    assert [axes.get_ylabel() for axes in drawn.figure.axes] == ["loss"]


def test_adapted_and_character_models_are_drawn_once(run, judged) -> None:
    drawn = {one.name: one for one in adaptation(run, judged)}
    assert list(drawn) == ["adaptation-minilm-adapted", "char-lm-residual_cnn"]
    assert "each of 3 seeds" in drawn["adaptation-minilm-adapted"].caption
    adapted = lines_of(drawn["adaptation-minilm-adapted"].figure.axes[0])
    assert adapted["held out"] == [4.7, 3.6, 3.3]
    assert adapted["unigram model"] == [4.1, 4.1]
    assert "unigram model" not in lines_of(drawn["char-lm-residual_cnn"].figure.axes[0])


def test_without_cards_nothing_is_drawn(run, judged) -> None:
    assert adaptation(replace(run, cards={}), judged) == []


def test_a_character_model_of_a_study_alone_is_drawn_too(invent, point) -> None:
    sketches = [replace(point("s", "cnn", 0.7, char_lm=x), char_lm_s=x or None) for x in (1, 0)]
    run = invent(tuple(sketches))
    assert [one.name[:10] for one in adaptation(run, assess(run))] == ["char-lm-s-"]
