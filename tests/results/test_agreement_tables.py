import pytest

from results.agreement_tables import table
from results.assessment import assess


def test_two_classifiers_have_one_tau(invent, sketch) -> None:
    run = invent(
        tuple(
            sketch("matrix", f"m{i}", name, 0.3 + i / 8)
            for i in range(4)
            for name in ("xgboost", "decision_tree-tuned")
        )
    )
    results = assess(run)
    (row,) = table(results).rows
    (found,) = results.agreement()
    assert [value.text for value in row.values[:3]] == ["XGBoost", "Decision tree, tuned", "4"]
    assert row.values[3].raw[0] == pytest.approx(found.tau)


def test_too_few_models_are_a_dash_with_the_reason(judged) -> None:
    values = table(judged).rows[0].values
    assert (values[3].text, values[3].notes) == (
        "–", ("only 1 of at least 3 models in common",),
    )  # fmt: skip
    assert values[4].raw == (None, "only 1 of at least 3 models in common")
