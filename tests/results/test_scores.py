import pytest

from results.assessment import assess
from results.scores import accuracy_of, bounds, macro_f1_of, public_reason


def entry_of(judged, classifier: str, model: str = "minilm"):
    return next(e for e in judged.entries if (e.model, e.classifier) == (model, classifier))


def test_several_seeds_show_mean_and_deviation_one_its_interval(judged, small) -> None:
    several = entry_of(judged, "xgboost")
    value = accuracy_of(several)
    assert value.text == f"{100 * several.accuracy.mean:.1f} ± {100 * several.accuracy.sd:.1f}"
    assert value.raw[1:3] == (None, None)
    alone = assess(small).entries[0]
    low, high = alone.verdicts[0].macro_f1.low, alone.verdicts[0].macro_f1.high
    assert macro_f1_of(alone).text == f"{alone.macro_f1.mean:.3f} [{low:.3f}, {high:.3f}]"
    assert macro_f1_of(alone).raw[3] is None


def test_without_a_score_the_reason_is_a_footnote(judged) -> None:
    value = accuracy_of(entry_of(judged, "random_forest-tuned", "minilm-adapted"))
    assert (value.text, value.raw) == ("blocked", (None, None, None, None))
    assert value.notes == ("blocked: adapt of minilm-adapted failed",)


def test_bars_are_the_range_over_seeds_or_one_interval(judged, small) -> None:
    entry = entry_of(judged, "xgboost")
    values = [cell.scores.accuracy for cell in entry.cells]
    assert bounds(entry, "accuracy") == (min(values), max(values))
    alone = assess(small).entries[0]
    interval = alone.verdicts[0].macro_f1
    assert bounds(alone, "macro_f1") == (interval.low, interval.high)


def test_reasons_in_tables_hold_no_folder_and_no_address(run) -> None:
    record = next(r for r in run.records if r.status == "failed")
    reason = public_reason(record)
    assert "/secret" not in reason and "7f00" not in reason
    assert "</script>" in reason  # only paths are cut


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("cannot read /home/me/x.log: gone", "cannot read x.log: gone"),
        ("first line\nTraceback", "first line"),
        ("loss 1/2 of a/b", "loss 1/2 of a/b"),
        (None, "no reason recorded"),
        ("x" * 300, "x" * 197 + "..."),
    ],
)
def test_public_reason(run, reason: str | None, shown: str) -> None:
    record = run.records[0].model_copy(update={"reason": reason})
    assert public_reason(record) == shown
