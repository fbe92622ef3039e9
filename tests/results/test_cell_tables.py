import csv
import io

import numpy as np
import pytest

from results.assessment import assess
from results.cell_tables import cells, further
from results.measures import NAMES
from results.plain import to_csv


def csv_of(results) -> dict[tuple[str, str], dict[str, str]]:
    rows = csv.DictReader(io.StringIO(to_csv(cells(results)), newline=""))
    return {(f"{row['model']}/{row['classifier']}", row["seed"]): row for row in rows}


def test_long_table_has_every_record_and_a_mean_where_seeds_are_several(judged, run) -> None:
    table = cells(judged)
    names = [tuple(v.text for v in row.values[:3]) for row in table.rows]
    planned = [(r.model, r.classifier, str(r.seed)) for r in run.records if not r.study]
    assert [n for n in names if not n[2].startswith("mean")] == planned
    assert names.count(("minilm", "xgboost", "mean of 3")) == 1
    assert all(len(row.values) == len(table.columns) for row in table.rows)
    for row in table.rows:
        for value, column in zip(row.values, table.columns, strict=True):
            assert len(value.raw) == len(column.fields)


def test_one_seed_needs_no_mean(small) -> None:
    seeds = {row.values[2].text for row in cells(assess(small)).rows}
    assert seeds == {"7"}


def test_the_caption_names_the_baseline_and_warns_of_groups(judged, invent) -> None:
    assert "tfidf-word + linear_svc" in cells(judged).caption
    assert "not independent" not in cells(judged).caption
    grouped = cells(assess(invent(grouped=True))).caption
    assert "over groups of documents" in grouped and "not independent" in grouped


def test_the_csv_has_every_measure_with_its_interval_or_its_reason(with_scores) -> None:
    results = assess(with_scores)
    row = csv_of(results)["minilm/xgboost", "7"]
    (verdict,) = next(e for e in results.entries if e.classifier == "xgboost").verdicts
    for name in NAMES:
        found = verdict.measures[name]
        assert float(row[name]) == pytest.approx(found.value, abs=1e-6)
        assert float(row[f"{name}_low"]) == pytest.approx(found.interval.low, abs=1e-6)
    assert row["roc_auc_reason"] == ""


def test_without_scores_the_areas_have_a_reason(small) -> None:
    row = csv_of(assess(small))["minilm/xgboost", "7"]
    assert row["roc_auc"] == row["pr_auc_low"] == ""
    assert row["pr_auc_reason"] == "predictions without scores"


def test_a_mean_has_the_deviation_and_the_interval_of_sampling_apart(judged) -> None:
    entry = next(e for e in judged.entries if e.name == "minilm/xgboost")
    row = csv_of(judged)["minilm/xgboost", "mean of 3"]
    assert float(row["accuracy_sd"]) == pytest.approx(entry.accuracy.sd, abs=1e-6)
    interval = judged.overall(entry)["accuracy"].interval
    assert float(row["accuracy_low"]) == pytest.approx(interval.low, abs=1e-6)
    shown = next(r for r in cells(judged).rows if r.values[2].text == "mean of 3")
    assert "±" in shown.values[6].text and "[" in shown.values[6].text


def test_the_gain_has_a_bootstrap_p_beside_mcnemars(small) -> None:
    results = assess(small)
    row = csv_of(results)["minilm/xgboost", "7"]
    (verdict,) = next(e for e in results.entries if e.classifier == "xgboost").verdicts
    assert float(row["gain_p"]) == pytest.approx(verdict.paired.gain_p, abs=1e-6)
    assert float(row["gain_p_holm"]) == pytest.approx(verdict.gain_p_holm, abs=1e-6)
    assert float(row["accuracy_gain"]) == pytest.approx(verdict.paired.accuracy_gain, abs=1e-6)


def test_a_family_too_large_for_the_draws_says_so(invent, sketch) -> None:
    many = (sketch("matrix", f"m{i}", "xgboost", 0.7) for i in range(51))
    base = sketch("trivial", "tfidf-word", "linear_svc", 0.6)
    table = cells(assess(invent((*many, base), seeds=(1,), classes=["a", "b"])))
    (note,) = table.footnotes
    assert note == "unresolvable: a family of 51 needs 20,400 draws, at most 20,000 are made"
    value = table.rows[0].values[11]
    assert (value.text, value.raw[2]) == ("–", note)


def test_a_cell_tested_on_other_documents_is_marked(invent, sketch) -> None:
    run = invent(tuple(sketch("matrix", name, "xgboost", 0.7) for name in "ab"), seeds=(1,))
    other = run.records[1].provenance.model_copy(update={"corpus_digest": "d0" * 32})
    run.records[1] = run.records[1].model_copy(update={"provenance": other})
    table = cells(assess(run))
    assert list(table.footnotes) == ["other corpus than a/xgboost/1"]
    assert csv_of(assess(run))["b/xgboost", "1"]["differs"] == "other corpus than a/xgboost/1"


def test_further_measures_stand_by_entry_with_their_intervals(with_scores) -> None:
    table = further(assess(with_scores))
    assert [column.title for column in table.columns] == [
        "Model", "Classifier", "Weighted F1", "MCC", "ROC-AUC", "PR-AUC",
    ]  # fmt: skip
    row = next(row for row in table.rows if row.values[1].text == "XGBoost")
    assert all("[" in value.text for value in row.values[2:])
    assert "95 % bootstrap intervals" in table.caption


def test_further_measures_over_seeds_have_a_deviation(judged, run) -> None:
    table = further(judged)
    row = next(r for r in table.rows if r.values[0].text == "minilm")
    scores = [r.cell.scores for r in run.records if r.name.startswith("minilm/random_forest/")]
    mean = np.mean([one.weighted_f1 for one in scores])
    assert row.values[2].text.startswith(f"{mean:.3f} ± ")
    assert row.values[4].notes == ("predictions without scores",)


def test_an_entry_that_failed_is_shown_as_failed(judged) -> None:
    row = next(r for r in further(judged).rows if r.values[0].text.startswith("odd_"))
    assert [v.text for v in row.values[2:]] == ["failed", "–", "–", "–"]
