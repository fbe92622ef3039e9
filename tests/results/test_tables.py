import numpy as np

from results.assessment import assess
from results.grid import DASH
from results.tables import headline_entry, quality


def cells_of(table, block: int = 0) -> dict[str, list[str]]:
    return {
        row.values[0].text: [v.text for v in row.values[1:]]
        for row in table.blocks[block].rows
        if not row.follows
    }


def test_table_two_has_models_as_rows_and_classifiers_as_columns(judged) -> None:
    table = quality(judged)
    assert [(c.group, c.title) for c in table.columns] == [
        ("", "Model"),
        ("Random forest", "default"),
        ("Random forest", "tuned"),
        ("", "Decision tree"),
        ("", "XGBoost"),
    ]
    assert list(cells_of(table)) == ["minilm", "minilm-adapted", r"odd_$name^{\x}"]
    assert [block.title for block in table.blocks] == [
        "Models and classifiers", "Reference networks", "Trivial rows",
    ]  # fmt: skip


def test_a_cell_shows_the_mean_over_seeds_in_percent_and_three_decimals(judged, run) -> None:
    scores = [r.cell.scores for r in run.records if r.name.startswith("minilm/xgboost/")]
    accuracy = sum(s.accuracy for s in scores) / 3
    macro_f1 = sum(s.macro_f1 for s in scores) / 3
    shown = cells_of(quality(judged))["minilm"][3]
    assert shown == f"{100 * accuracy:.1f} ({macro_f1:.3f})"


def test_bold_marks_the_best_of_each_column_with_rivals(judged) -> None:
    table = quality(judged)
    bold = {
        (row.values[0].text, i): [p.bold for p in value.pieces]
        for row in table.blocks[0].rows
        for i, value in enumerate(row.values)
        if any(p.bold for p in value.pieces)
    }
    both = [True, False, True, False]  # accuracy and macro-F1, each with its bracket
    assert bold == {("minilm-adapted", 1): both, ("minilm-adapted", 4): both}


def test_bold_is_what_cannot_be_separated_from_the_best(invent, sketch) -> None:
    skills = {"best": 0.9, "near": 0.89, "far": 0.4}
    run = invent(tuple(sketch("matrix", name, "xgboost", skill) for name, skill in skills.items()))
    table = quality(assess(run))
    bold = {
        row.values[0].text: [p.bold for p in row.values[1].pieces][::2]
        for row in table.rows
        if not row.follows
    }
    assert bold == {"best": [True, True], "near": [True, True], "far": [False, False]}
    assert "Bold: the best of its column and all that cannot be separated from it" in table.caption


def test_below_a_model_stands_the_deviation_of_its_scores(judged, run) -> None:
    table = quality(judged)
    model, below = table.blocks[0].rows[:2]
    scores = [r.cell.scores for r in run.records if r.name.startswith("minilm/xgboost/")]
    deviation = np.std([s.accuracy for s in scores], ddof=1)
    assert below.follows and not model.follows
    assert below.values[0].text == "± sd"
    assert below.values[4].text.startswith(f"±{100 * deviation:.1f} (±0.")
    assert "±: standard deviation over the 3 seeds." in table.caption


def test_with_one_seed_it_is_half_the_interval(small) -> None:
    results = assess(small)
    table = quality(results)
    interval = results.section("matrix")[0].verdicts[0].accuracy
    assert (
        table.rows[1]
        .values[1]
        .text.startswith(f"±{100 * (interval.high - interval.low) / 2:.1f} (")
    )
    assert "±: half the width of the 95 % bootstrap interval over documents" in table.caption


def test_an_entry_tested_on_other_documents_says_so_and_is_never_bold(invent, sketch) -> None:
    run = invent(tuple(sketch("matrix", name, "xgboost", 0.7) for name in "abc"), seeds=(1,))
    other = run.records[1].provenance.model_copy(update={"split_hash": "b2" * 32})
    run.records[1] = run.records[1].model_copy(update={"provenance": other})
    value = quality(assess(run)).rows[2].values[1]
    assert value.notes == ("seed 1: other split than a/xgboost/1",)
    assert not any(piece.bold for piece in value.pieces)


def test_the_headline_is_chosen_by_cross_validation(invent, sketch) -> None:
    run = invent((sketch("matrix", "m", "xgboost", 0.6), sketch("matrix", "n", "xgboost", 0.9)))
    assert headline_entry(assess(run)).model == "n"
    assert headline_entry(assess(invent((sketch("trivial", "majority", "majority", 0.1),)))) is None


def test_nothing_is_put_in_front_where_only_the_test_could_choose(invent, sketch) -> None:
    one, other = (
        sketch("reference", name, name, skill) for name, skill in (("a", 0.5), ("b", 0.9))
    )
    assert headline_entry(assess(invent((one, other)))) is None
    assert headline_entry(assess(invent((one,)))).model == "a"


def test_pruned_models_and_detectors_each_stand_for_themselves(invent, sketch) -> None:
    levels = [sketch("compress", "m", f"pruned-{level}", 0.7) for level in (50, 90)]
    assert [entry.classifier for entry in assess(invent(levels)).chosen] == [
        "pruned-50",
        "pruned-90",
    ]


def test_without_a_rival_nothing_is_bold(invent, sketch) -> None:
    table = quality(assess(invent((sketch("matrix", "m", "xgboost", 0.8),))))
    assert not any(piece.bold for row in table.rows for v in row.values for piece in v.pieces)


def test_failed_blocked_and_missing_cells_carry_their_reasons(judged) -> None:
    table = quality(judged)
    rows = {row.values[0].text: row.values for row in table.blocks[0].rows}
    blocked, failed = rows["minilm-adapted"][2], rows[r"odd_$name^{\x}"][3]
    assert (blocked.text, blocked.notes) == (
        "blocked",
        ("blocked: adapt of minilm-adapted failed",),
    )
    assert failed.text == "failed"
    assert failed.notes[0].startswith("failed: OSError: weights.bin")
    assert rows[r"odd_$name^{\x}"][1].text == DASH
    assert rows[r"odd_$name^{\x}"][1].notes == ("not part of the suite's plan",)


def test_a_mark_of_a_whole_row_stands_at_its_model_and_a_common_one_above(judged) -> None:
    table = quality(judged)
    assert table.marks == ("synthetic data",)
    adapted = table.blocks[0].rows[2].values
    assert adapted[0].notes == ("transductive adaptation",)
    assert adapted[1].notes == ()
    assert "synthetic data" not in table.footnotes


def test_footnotes_are_lettered_in_order(judged) -> None:
    assert list(quality(judged).footnotes.values()) == ["a", "b", "c", "d"]


def test_some_seeds_failing_is_told(invent, sketch) -> None:
    run = invent((sketch("matrix", "m", "xgboost", 0.8),))
    broken = run.records[1].model_copy(
        update={"cell": None, "status": "failed", "reason": "no memory"}
    )
    run.records[1] = broken
    value = quality(assess(run)).rows[0].values[1]
    assert value.notes == ("mean over 2 of 3 seeds; failed: no memory",)


def test_trivial_rows_alone_make_a_table(invent, sketch) -> None:
    table = quality(assess(invent((sketch("trivial", "majority", "majority", 0.1),))))
    assert [row.values[0].text for row in table.rows] == ["majority"]
    assert [column.title for column in table.columns] == ["Model", "Accuracy (macro-F1)"]
