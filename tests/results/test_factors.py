from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from results.assessment import assess
from results.factors import FactorDelta
from results.statistics import holm

PLAIN = {
    "adapter": "huggingface", "overlap": None, "text": "auto", "adapt": None, "adapt_on": "train",
    "finetune": None, "prune": None, "precision_check": 0,
}  # fmt: skip
ADAPT = {"objective": None, "epochs": 2}


@pytest.fixture
def deltas(invent, sketch) -> Callable[..., list[FactorDelta]]:
    """The deltas of a run with these models, each with two classifiers, and these studies."""

    def make(models: dict[str, dict[str, Any]], *studies: Any) -> list[FactorDelta]:
        sketches = tuple(
            sketch("matrix", name, classifier, 0.6 + 0.1 * i)
            for i, name in enumerate(models)
            for classifier in ("xgboost", "decision_tree")
        )
        run = invent(sketches + studies, seeds=(1, 2))
        resolved = [{**PLAIN, **settings, "name": name} for name, settings in models.items()]
        return assess(replace(run, meta={**run.meta, "resolved": {"models": resolved}})).factors()

    return make


def told(found: list[FactorDelta]) -> list[tuple[str, ...]]:
    return [(d.factor, d.before, d.after, d.second.name, d.first.name) for d in found]


def test_pairs_differ_in_one_factor_and_have_the_same_classifier(deltas) -> None:
    found = deltas({
        "plain": {"context": 512},
        "nf4": {"context": 512, "quantize": "nf4"},
        "wide": {"context": 2048},
        "masked": {"context": 512, "text": "masked"},
        "adapted": {"context": 512, "adapt": ADAPT},
        "other": {"context": 512, "checkpoint": "elsewhere"},
    })  # fmt: skip
    assert told(found)[: len(found) // 2] == [
        ("4 bits", "full", "4 bits", "plain/xgboost", "nf4/xgboost"),
        ("window", "512 tokens", "2048 tokens", "plain/xgboost", "wide/xgboost"),
        ("text", "cleaned", "masked", "plain/xgboost", "masked/xgboost"),
        ("adapted and text", "original, cleaned", "adapted, masked",
         "plain/xgboost", "adapted/xgboost"),
        ("adapted", "original", "adapted", "masked/xgboost", "adapted/xgboost"),
    ]  # fmt: skip
    assert {d.first.classifier for d in found} == {"xgboost", "decision_tree"}
    assert [d.p_holm for d in found] == holm([d.comparison.p for d in found])


def test_a_delta_is_with_minus_without_over_all_seeds(deltas) -> None:
    found = deltas({"plain": {}, "nf4": {"quantize": "nf4"}})[0]
    assert found.first.macro_f1 and found.second.macro_f1
    assert found.comparison.seeds == 2
    expected = found.first.macro_f1.mean - found.second.macro_f1.mean
    assert found.comparison.gain == pytest.approx(expected)


def test_windows_are_compared_with_the_next_wider(deltas) -> None:
    found = deltas({"m": {"context": 512}, "l": {}, "s": {"context": 128, "overlap": 0}})
    assert [(d.before, d.after) for d in found[:2]] == [
        ("128 tokens, overlap 0", "512 tokens"), ("512 tokens", "whole context"),
    ]  # fmt: skip
    assert len(found) == 4


def test_two_ways_to_adapt_are_not_the_factor_adapted(deltas) -> None:
    longer = {**ADAPT, "epochs": 5}
    assert deltas({"short": {"adapt": ADAPT}, "long": {"adapt": longer}}) == []


def test_qlora_is_lora_in_four_bits(deltas) -> None:
    tune = {"epochs": 3, "method": "lora"}
    found = deltas({
        "lora": {"finetune": tune}, "qlora": {"finetune": {**tune, "method": "qlora"}},
        "full": {"finetune": {**tune, "method": "full"}},
    })  # fmt: skip
    assert {(d.factor, d.second.model, d.first.model) for d in found} == {
        ("4 bits", "lora", "qlora")
    }


def test_points_of_a_study_that_varies_a_factor_are_compared(deltas, point) -> None:
    studies = [
        point("window", "m/xgboost", skill, context=context, train_share=share)
        for share in (0.5, 1.0)
        for context, skill in ((128, 0.5), (512, 0.7), (256, 0.6))
    ]
    studies += [point("window", "cnn", 0.7, context=context) for context in (128, 256)]
    found = deltas({"m": {}}, *studies)
    assert [(d.study, d.before, d.after) for d in found] == 2 * [
        ("window", "256 tokens", "512 tokens"), ("window", "128 tokens", "256 tokens"),
    ]  # fmt: skip


def test_failed_entries_are_compared_with_nothing(invent, sketch) -> None:
    run = invent((sketch("matrix", "a", "xgboost", 0.7),
                  sketch("matrix", "b", "xgboost", reason="no memory")))  # fmt: skip
    models = [{**PLAIN, "name": "a"}, {**PLAIN, "name": "b", "quantize": "nf4"}]
    assert assess(replace(run, meta={**run.meta, "resolved": {"models": models}})).factors() == []


def test_a_run_that_does_not_tell_its_models_has_no_deltas(judged) -> None:
    assert judged.factors() == []
