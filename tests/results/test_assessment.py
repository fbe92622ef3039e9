from dataclasses import replace

import pytest

from results.assessment import assess
from results.errors import InputError
from results.measures import NAMES
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


def test_every_ok_verdict_has_every_measure_or_its_reason(judged) -> None:
    for verdict in (v for e in judged.entries for v in e.verdicts):
        if (cell := verdict.record.cell) is None:
            assert not verdict.measures and not verdict.per_class
            continue
        assert tuple(verdict.measures) == NAMES
        assert tuple(verdict.per_class) == tuple(cell.classes)
        of_classes = (one for parts in verdict.per_class.values() for one in parts.values())
        for one in (*verdict.measures.values(), *of_classes):
            assert (one.value is None) == bool(one.reason)
            if one.value is not None and one.interval is not None:
                assert one.interval.low <= one.value <= one.interval.high


def test_measures_are_the_recorded_scores(judged) -> None:
    for verdict in (v for e in judged.entries for v in e.verdicts if v.record.cell):
        scores = verdict.record.cell.scores
        for name in ("accuracy", "macro_f1", "weighted_f1"):
            assert verdict.measures[name].value == pytest.approx(getattr(scores, name))
        for name, parts in verdict.per_class.items():
            for part, one in parts.items():
                recorded = getattr(scores.per_class[name], part)
                assert (one.value or 0.0) == pytest.approx(recorded)


def test_gains_have_a_bootstrap_p_adjusted_over_the_same_family(judged) -> None:
    verdicts = [v for e in judged.entries for v in e.verdicts if v.paired]
    ps = [v.paired.gain_p for v in verdicts]
    assert all(p * 12_001 == pytest.approx(round(p * 12_001)) for p in ps)  # 20 * 30 / 0.05 draws
    assert [v.gain_p_holm for v in verdicts] == holm(ps)
    assert not any(v.unresolvable for v in verdicts)
    for verdict in verdicts:
        interval = verdict.paired.gain_interval
        if verdict.paired.gain_p < 0.02:
            assert not interval.low <= 0 <= interval.high


def test_a_family_too_large_for_the_draws_says_so(invent, sketch) -> None:
    many = tuple(sketch("matrix", f"m{i}", "xgboost", 0.7) for i in range(51))
    base = sketch("trivial", "tfidf-word", "linear_svc", 0.6)
    results = assess(invent((*many, base), seeds=(1,)))
    verdicts = [e.verdicts[0] for e in results.entries if e.section == "matrix"]
    assert {v.unresolvable for v in verdicts} == {
        "unresolvable: a family of 51 needs 20,400 draws, at most 20,000 are made"
    }
    assert {(v.paired.gain_p, v.gain_p_holm) for v in verdicts} == {(None, None)}
    assert all(v.p_holm is not None for v in verdicts)
    fewer = assess(invent((*many[:50], base), seeds=(1,)))
    assert fewer.entries[0].verdicts[0].paired.gain_p is not None
    for field in ("gain", "gain_interval"):  # do not depend on who else is compared
        pair = [getattr(r.entries[0].verdicts[0].paired, field) for r in (results, fewer)]
        assert pair[0] == pair[1]


def moved(run, name: str, **changes):
    """The run with one record's data from elsewhere."""
    records = [
        r.model_copy(update={"provenance": r.provenance.model_copy(update=changes)})
        if r.name == name
        else r
        for r in run.records
    ]
    return replace(run, records=records)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"corpus_digest": "other"}, "other corpus than minilm/random_forest/1"),
        ({"split_hash": "other"}, "other split than minilm/random_forest/1"),
        ({}, "other test documents than minilm/random_forest/1"),
    ],
)
def test_a_cell_on_other_data_is_marked_and_compared_with_nothing(
    invent, changes: dict[str, str], reason: str
) -> None:
    run, name = invent(seeds=(1,)), "minilm-adapted/xgboost/1"
    if not changes:
        run.frames[name] = run.frames[name].iloc[1:]
    results = assess(moved(run, name, **changes))
    entries = {entry.name: entry for entry in results.entries}
    odd, other = entries["minilm-adapted/xgboost"], entries["minilm/xgboost"]
    assert {e.differs for e in entries.values()} == {None, reason}
    assert odd.differs == reason
    assert odd.verdicts[0].paired is None and odd.verdicts[0].unpaired
    assert results.compare(odd, other) is None
    assert odd.name not in results.best_of([odd, other, entries["minilm/decision_tree"]])
    assert odd.verdicts[0].measures["accuracy"].value is not None


def test_a_baseline_on_other_data_is_compared_with_nothing(invent) -> None:
    results = assess(moved(invent(seeds=(1,)), "tfidf-word/linear_svc/1", split_hash="other"))
    assert results.baseline == ("tfidf-word", "linear_svc")
    assert {v.unpaired for e in results.entries for v in e.verdicts if v.record.cell} == {
        "the baseline has other split than minilm/random_forest/1", "the baseline itself",
    }  # fmt: skip


def test_an_entry_has_an_interval_over_documents_beside_its_spread_over_seeds(judged) -> None:
    for entry in judged.entries:
        overall = judged.overall(entry)
        if not entry.cells:
            assert overall == {}
            continue
        for name, spread in (("accuracy", entry.accuracy), ("macro_f1", entry.macro_f1)):
            assert overall[name].value == pytest.approx(spread.mean)
            interval = overall[name].interval
            assert interval.low < spread.mean < interval.high
            seeds = [getattr(v, name) for v in entry.verdicts]
            # as the same documents are tested under all seeds, no sharper than independent ones
            widths = [one.high - one.low for one in seeds]
            assert min(widths) / 3**0.5 / 1.2 < interval.high - interval.low < max(widths)


def test_one_seed_has_the_interval_of_its_cell(invent) -> None:
    results = assess(invent(seeds=(1,)))
    entry = results.entries[0]
    assert results.overall(entry)["macro_f1"] == entry.verdicts[0].measures["macro_f1"]


def test_entries_are_compared_over_the_seeds_that_both_have(run, judged) -> None:
    records = [
        r.model_copy(update={"cell": None, "status": "failed", "reason": "no memory"})
        if r.name == "minilm/xgboost/2"
        else r
        for r in run.records
    ]
    entries = {e.name: e for e in judged.entries}
    full = judged.compare(entries["minilm/xgboost"], entries["minilm/decision_tree"])
    assert full.seeds == 3
    partly = assess(replace(run, records=records))
    entries = {e.name: e for e in partly.entries}
    found = partly.compare(entries["minilm/xgboost"], entries["minilm/decision_tree"])
    assert found.seeds == 2
    failed = next(e for e in judged.entries if not e.cells)
    assert judged.compare(failed, judged.entries[0]) is None


def test_the_best_are_the_best_and_what_is_not_separable_from_it(judged) -> None:
    entries = [e for e in judged.entries if e.cells]
    best = max(entries, key=lambda e: e.macro_f1.mean)
    names = judged.best_of(judged.entries)
    assert best.name in names and len(names) < len(entries)
    for entry in entries:
        interval = judged.compare(best, entry).gain_interval
        assert (entry.name in names) == (interval.low <= 0 <= interval.high)
    assert "majority/majority" not in judged.best_of(entries, "accuracy")


def test_ties_are_best_together_and_one_alone_is_no_contest(invent, sketch) -> None:
    run = invent(tuple(sketch("matrix", "m", name, 0.7) for name in ("a", "b")), seeds=(1,))
    run.frames["m/b/1"] = run.frames["m/a/1"]
    run.records[1] = run.records[1].model_copy(update={"cell": run.records[0].cell})
    results = assess(run)
    for score in ("accuracy", "macro_f1"):
        assert results.best_of(results.entries, score) == {"m/a", "m/b"}
        assert results.best_of(results.entries[:1], score) == frozenset()


def test_significance_compares_what_stands_for_each_model(judged) -> None:
    found = judged.significance()
    assert list(found.entries) == judged.chosen and found.left_out == 0
    num = len(found.entries)
    assert len(found.comparisons) == num * (num - 1) / 2
    ps = [one.p for one in found.comparisons.values()]
    assert list(found.p_holm.values()) == holm(ps)
    assert found.at(0, 1).gain == -found.at(1, 0).gain
    assert found.at(2, 2) is None


def test_significance_keeps_to_twenty_models_and_says_how_many_are_left(invent, sketch) -> None:
    many = tuple(sketch("matrix", f"m{i}", "xgboost", 0.7) for i in range(23))
    found = assess(invent(many, seeds=(1,))).significance()
    assert (len(found.entries), found.left_out) == (20, 3)


def test_detectors_and_classifiers_of_other_classes_are_not_compared(invent, sketch) -> None:
    pair = tuple(sketch("matrix", name, "xgboost", 0.8) for name in ("a", "b"))
    run = invent(pair, seeds=(1,), classes=["good", "bad"])
    other = invent(pair, seeds=(1,), classes=["anomaly", "normal"])
    run.records[1], run.frames["b/xgboost/1"] = other.records[1], other.frames["b/xgboost/1"]
    results = assess(run)
    assert results.compare(*results.entries) is None
    assert results.entries[1].differs is None
