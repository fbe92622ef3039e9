from results.assessment import assess
from results.grid import DASH
from results.tables import intervals, quality


def cells_of(table, block: int = 0) -> dict[str, list[str]]:
    return {
        row.values[0].text: [v.text for v in row.values[1:]] for row in table.blocks[block].rows
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
    adapted = table.blocks[0].rows[1].values
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


def test_long_table_has_every_record_and_a_mean_where_seeds_are_several(judged, run) -> None:
    table = intervals(judged)
    names = [tuple(v.text for v in row.values[:3]) for row in table.rows]
    planned = [(r.model, r.classifier, str(r.seed)) for r in run.records if not r.study]
    assert [n for n in names if not n[2].startswith("mean")] == planned
    assert names.count(("minilm", "xgboost", "mean of 3")) == 1
    assert all(len(row.values) == len(table.columns) for row in table.rows)
    for row in table.rows:
        for value, column in zip(row.values, table.columns, strict=True):
            assert len(value.raw) == len(column.fields)


def test_one_seed_needs_no_mean(small) -> None:
    seeds = {row.values[2].text for row in intervals(assess(small)).rows}
    assert seeds == {"7"}


def test_the_caption_names_the_baseline_and_warns_of_groups(judged, invent) -> None:
    assert "tfidf-word + linear_svc" in intervals(judged).caption
    assert "not independent" not in intervals(judged).caption
    grouped = intervals(assess(invent(grouped=True))).caption
    assert "over groups of documents" in grouped and "not independent" in grouped


def test_trivial_rows_alone_make_a_table(invent, sketch) -> None:
    table = quality(assess(invent((sketch("trivial", "majority", "majority", 0.1),))))
    assert [row.values[0].text for row in table.rows] == ["majority"]
    assert [column.title for column in table.columns] == ["Model", "Accuracy (macro-F1)"]
