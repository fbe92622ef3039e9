from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from results.agreement import Agreement
from results.assessment import assess


@pytest.fixture
def ranked(invent, sketch) -> Callable[..., list[Agreement]]:
    """The agreement in a run where each classifier gives the models these macro-F1."""

    def make(**scores: list[float | None]) -> list[Agreement]:
        sketches, values = [], {}
        for classifier, column in scores.items():
            for i, value in enumerate(column):
                sketches.append(sketch("matrix", f"m{i}", classifier, 0.7, None if value is not None
                                       else "no memory"))  # fmt: skip
                values[f"m{i}/{classifier}/1"] = value
        run = invent(tuple(sketches), seeds=(1,))
        records = [_with_macro_f1(record, values[record.name]) for record in run.records]
        return assess(replace(run, records=records)).agreement()

    return make


def _with_macro_f1(record: Any, value: float | None) -> Any:
    if value is None:
        return record.model_copy(update={"cell": None, "status": "failed", "reason": "no memory"})
    scores = record.cell.scores.model_copy(update={"macro_f1": value})
    return record.model_copy(update={"cell": record.cell.model_copy(update={"scores": scores})})


def test_the_same_ranking_agrees_and_the_reverse_disagrees(ranked) -> None:
    found = ranked(a=[0.1, 0.2, 0.3, 0.4], b=[0.5, 0.6, 0.7, 0.8], c=[0.4, 0.3, 0.2, 0.1])
    assert [(one.first, one.second, one.tau) for one in found] == [
        ("a", "b", pytest.approx(1)), ("a", "c", pytest.approx(-1)), ("b", "c", pytest.approx(-1)),
    ]  # fmt: skip
    assert found[0].models == 4
    assert found[0].p == pytest.approx(2 / 24)  # one order of 24, and its reverse


def test_ties_are_accounted_for_as_in_tau_b(ranked) -> None:
    """(concordant - discordant) / sqrt of pairs untied in each: (4 - 1) / sqrt(5 * 6)."""
    (found,) = ranked(a=[0.1, 0.1, 0.2, 0.3], b=[0.1, 0.2, 0.4, 0.3])
    assert found.tau == pytest.approx((4 - 1) / (5 * 6) ** 0.5)


def test_only_models_with_a_score_with_both_count(ranked) -> None:
    (found,) = ranked(a=[0.1, 0.2, 0.3, None], b=[0.1, None, 0.3, 0.4])
    assert (found.models, found.tau) == (2, None)
    assert found.reason == "only 2 of at least 3 models in common"


def test_a_classifier_that_ranks_nothing_says_so(ranked) -> None:
    (found,) = ranked(a=[0.1, 0.2, 0.3], b=[0.5, 0.5, 0.5])
    assert (found.tau, found.reason) == (None, "all models tie with b")


def test_one_classifier_agrees_with_nobody(ranked) -> None:
    assert ranked(a=[0.1, 0.2, 0.3]) == []
