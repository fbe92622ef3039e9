from dataclasses import replace

import pytest

from results.assessment import assess
from results.errors import InputError
from results.statistics import holm


def test_entries_keep_the_plan_order_and_gather_seeds(judged) -> None:
    results = judged
    assert [e.model for e in results.entries][:2] == ["minilm", "minilm"]
    assert all([v.record.seed for v in e.verdicts] == [1, 2, 3] for e in results.entries)
    assert results.seeds == [1, 2, 3]


def test_marks_of_all_records_stand_in_front_others_with_their_entry(judged) -> None:
    results = judged
    assert results.marks == ("synthetic data",)
    adapted = next(e for e in results.entries if e.model == "minilm-adapted")
    assert "transductive adaptation" in adapted.marks


def test_baseline_is_the_linear_trivial_row_best_in_cross_validation(judged) -> None:
    results = judged
    assert results.baseline == ("tfidf-word", "linear_svc")  # 0.79 on train against 0.77


def test_suite_may_name_another_baseline(run) -> None:
    named = replace(run, meta={**run.meta, "report": {"baseline": "majority/majority"}})
    assert assess(named).baseline == ("majority", "majority")


def test_unknown_baseline_is_refused_with_the_nearest_name(run) -> None:
    named = replace(run, meta={**run.meta, "report": {"baseline": "majorty/majority"}})
    with pytest.raises(InputError, match=r"report\.baseline.*did you mean 'majority/majority'"):
        assess(named)


def test_p_values_are_adjusted_over_all_comparisons_of_the_run(judged) -> None:
    verdicts = [v for e in judged.entries for v in e.verdicts if v.paired]
    assert len(verdicts) == 3 * 10
    assert [v.p_holm for v in verdicts] == holm([v.paired.p for v in verdicts])


def test_every_verdict_without_a_comparison_says_why(judged) -> None:
    reasons = {
        v.record.name: v.unpaired for e in judged.entries for v in e.verdicts if not v.paired
    }
    assert reasons["tfidf-word/linear_svc/1"] == "the baseline itself"
    assert reasons["minilm-adapted/random_forest-tuned/2"] == "the cell is blocked"
    assert all(reasons.values())


def test_gain_is_the_difference_of_the_recorded_macro_f1(judged, run) -> None:
    scores = {r.name: r.cell.scores.macro_f1 for r in run.records if r.cell}
    for entry in judged.entries:
        for verdict in entry.verdicts:
            if verdict.paired:
                base = scores[f"tfidf-word/linear_svc/{verdict.record.seed}"]
                expected = scores[verdict.record.name] - base
                assert verdict.paired.gain == pytest.approx(expected)


def test_intervals_hold_the_recorded_scores(judged) -> None:
    for entry in judged.entries:
        for verdict in entry.verdicts:
            if cell := verdict.record.cell:
                assert verdict.accuracy.low <= cell.scores.accuracy <= verdict.accuracy.high
                assert verdict.macro_f1.low < cell.scores.macro_f1 < verdict.macro_f1.high


def test_order_of_prediction_rows_does_not_matter(judged, run) -> None:
    shuffled = {name: frame.sample(frac=1, random_state=1) for name, frame in run.frames.items()}
    assert assess(replace(run, frames=shuffled)) == judged


def test_grouped_documents_are_drawn_by_group(invent) -> None:
    plain, grouped = assess(invent()), assess(invent(grouped=True))
    assert grouped.grouped and not plain.grouped
    assert plain.entries[0].verdicts[0].accuracy != grouped.entries[0].verdicts[0].accuracy


def test_cells_on_other_documents_are_not_compared(run) -> None:
    name = "minilm/xgboost/1"
    frames = {**run.frames, name: run.frames[name].iloc[1:]}
    verdicts = {v.record.name: v for e in assess(replace(run, frames=frames)).entries
                for v in e.verdicts}  # fmt: skip
    assert verdicts[name].unpaired == "other test documents than the baseline's"


def test_digest_follows_results_and_nothing_else(judged, run, invent) -> None:
    first = judged.digest
    later = [
        r.model_copy(update={"provenance": r.provenance.model_copy(update={"hardware": "other"}),
                             "costs": {}})
        for r in run.records
    ]  # fmt: skip
    assert assess(replace(run, records=later)).digest == first
    assert assess(invent(seeds=(1, 2))).digest != first


@pytest.mark.parametrize(
    ("cv", "chosen"),
    [
        ((0.1, 0.7), "xgboost"),  # by cross-validation
        ((None, 0.1), "xgboost"),  # the only one that was cross-validated
        ((None, None), "decision_tree"),  # the first that the suite names
    ],
)
def test_one_entry_per_model_is_chosen_without_a_look_at_test(
    invent, sketch, cv: tuple[float | None, float | None], chosen: str
) -> None:
    lucky = sketch("matrix", "m", "decision_tree", 0.8 if chosen == "decision_tree" else 0.9)
    solid = sketch("matrix", "m", "xgboost", 0.9 if chosen == "decision_tree" else 0.8)
    run = invent((lucky, solid), seeds=(1,))
    cells = [
        r.cell.model_copy(update={"cv_macro_f1": value})
        for r, value in zip(run.records, cv, strict=True)
    ]
    records = [r.model_copy(update={"cell": c}) for r, c in zip(run.records, cells, strict=True)]
    assert [e.classifier for e in assess(replace(run, records=records)).chosen] == [chosen]


def test_a_run_without_any_success_can_be_judged(invent, sketch) -> None:
    results = assess(invent((sketch("matrix", "m", "xgboost", reason="no memory"),)))
    assert results.baseline is None
    assert results.baseline_reason == "no linear trivial row succeeded"
    assert results.chosen == []


def test_studies_are_no_part_of_what_is_compared(judged, run) -> None:
    alone = [record for record in run.records if record.study is None]
    without = assess(replace(run, records=alone))
    assert without.entries == judged.entries
    assert without.baseline == judged.baseline and without.chosen == judged.chosen
    assert without.studies == () and without.digest != judged.digest


def test_a_study_has_its_rows_and_points_over_seeds(judged) -> None:
    study = judged.studies[0]
    assert study.name == "context" and study.keys == ["context", "padding"]
    points = study.rows["residual_cnn"]
    assert [tuple(point.vary.values()) for point in points] == [
        (1000, "paper"), (5000, "paper"), (50_000, "paper"),
        (1000, "masked"), (5000, "masked"), (50_000, "masked"),
    ]  # fmt: skip
    assert [len(point.entry.cells) for point in points] == [3, 3, 3, 3, 3, 0]
    assert len(points[-1].entry.broken) == 3


def test_true_and_one_are_different_settings(invent, point) -> None:
    sketches = (point("s", "cnn", 0.7, x=True), point("s", "cnn", 0.7, x=1))
    assert len(assess(invent(sketches)).studies[0].points) == 2


def test_one_setting_has_the_same_interval_in_two_studies(invent, point) -> None:
    sketches = (point("a", "cnn", 0.7, x=1), point("b", "cnn", 0.7, x=1))
    run = invent(sketches, seeds=(7,))
    first, second = run.records
    run.frames[second.name] = run.frames[first.name]
    run.records[1] = second.model_copy(update={"cell": first.cell})
    a, b = (study.points[0].entry.verdicts[0] for study in assess(run).studies)
    assert (a.accuracy, a.macro_f1) == (b.accuracy, b.macro_f1)


def test_the_digest_covers_studies(invent, point) -> None:
    run = invent((point("a", "cnn", 0.7, x=1),))
    other = [
        r.model_copy(update={"study": r.study.model_copy(update={"vary": {"x": 2}})})
        for r in run.records
    ]
    assert assess(run).digest != assess(replace(run, records=other)).digest


def test_each_reference_stands_for_itself(invent, sketch) -> None:
    pair = tuple(sketch("reference", "reference", name, 0.8) for name in ("cnn", "bilstm"))
    assert [entry.classifier for entry in assess(invent(pair)).chosen] == ["cnn", "bilstm"]
