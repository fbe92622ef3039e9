import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.assessment import assess
from results.numbers import macros, to_tex, words


def test_names_are_letters_and_unique_and_no_other_row_changes_them(judged, invent, sketch) -> None:
    names = list(macros(judged))
    assert all(re.fullmatch("[A-Za-z]+", name) for name in names)
    assert len(set(names)) == len(names)
    alone = invent((sketch("matrix", "minilm", "xgboost", 0.7),))
    assert {name for name in macros(assess(alone)) if "Xgboost" in name} <= set(names)


def test_every_entry_has_its_scores(judged) -> None:
    found = macros(judged)
    entry = next(e for e in judged.entries if e.name == "minilm/random_forest-tuned")
    stem = "madeUpOddMinilmRandomForestTuned"
    overall = judged.overall(entry)["macro_f1"]
    against = judged.compare(
        entry, next(e for e in judged.entries if (e.model, e.classifier) == judged.baseline)
    )
    expected = {
        "Accuracy": f"{100 * entry.accuracy.mean:.1f}",
        "AccuracySd": f"{100 * entry.accuracy.sd:.1f}",
        "MacroFOne": f"{entry.macro_f1.mean:.3f}",
        "MacroFOneLow": f"{overall.interval.low:.3f}",
        "MacroFOneHigh": f"{overall.interval.high:.3f}",
        "Gain": f"{against.gain:+.3f}".replace("-", "−"),
    }
    assert {key: found[stem + key].text for key in expected} == expected
    assert found[f"{stem}Accuracy"].cells == tuple(f"{entry.name}/{seed}" for seed in (1, 2, 3))


def test_one_seed_has_the_p_of_the_table_of_cells(small) -> None:
    results = assess(small)
    (verdict,) = next(e for e in results.entries if e.classifier == "xgboost").verdicts
    macro = macros(results)["madeUpOddMinilmXgboostP"]
    assert macro.text == f"{verdict.p_holm:.3f}"
    assert "exact McNemar, Holm" in macro.about
    assert "madeUpOddMinilmXgboostAccuracySd" not in macros(results)


def test_the_suite_has_its_own_numbers(judged) -> None:
    found = macros(judged)
    cell = judged.entries[0].cells[0]
    assert found["madeUpOddTestDocuments"].text == str(cell.test_documents)
    assert found["madeUpOddClasses"].text == "6"
    assert found["madeUpOddBaseline"].text == "tfidf-word/linear_svc"
    assert found["madeUpOddBest"].text == "minilm-adapted/xgboost"
    best = found["madeUpOddMinilmAdaptedXgboostAccuracy"]
    assert found["madeUpOddBestAccuracy"].text == best.text


def test_without_cross_validation_no_entry_is_called_the_best(invent, sketch) -> None:
    networks = [sketch("reference", name, name, skill) for name, skill in (("a", 0.5), ("b", 0.9))]
    found = macros(assess(invent(networks)))
    assert found["madeUpOddBest"].text == "none"
    assert "madeUpOddBestAccuracy" not in found


def test_a_failed_entry_keeps_its_name_and_prints_failed(judged) -> None:
    macro = macros(judged)["madeUpOddMinilmAdaptedRandomForestTunedAccuracy"]
    assert macro.text == "blocked"
    assert "adapt of minilm-adapted failed" in macro.about


def test_names_that_letters_do_not_tell_apart_get_a_hash(invent, sketch) -> None:
    pair = (sketch("matrix", "a-b", "xgboost", 0.7), sketch("matrix", "a_b", "xgboost", 0.7))
    odd = sketch("matrix", "\N{PILE OF POO}", "xgboost", 0.7)
    names = list(macros(assess(invent((*pair, odd), seeds=(1,), classes=["x", "y"]))))
    stems = {match[1] for name in names if (match := re.fullmatch("madeUpOdd(.*)MacroFOne", name))}
    assert len(stems - {"Best"}) == 3
    assert all(re.fullmatch(r"(AB)?XgboostX[a-z]{6}", stem) for stem in stems - {"Best"})


def test_each_line_defines_one_macro_and_names_its_cell_and_digest(judged) -> None:
    lines = to_tex(judged).splitlines()
    assert lines[0] == f"% numbers: results {judged.digest}"
    defined = [re.match(r"\\newcommand\{\\([A-Za-z]+)\}\{", line) for line in lines[2:]]
    assert [match[1] for match in defined if match] == list(macros(judged))
    line = next(one for one in lines if "MinilmXgboostMacroFOne}" in one)
    assert line.endswith(
        "% macro-F1, mean over 3 seeds, of minilm/xgboost: "
        "minilm/xgboost/1 d, minilm/xgboost/2 d, minilm/xgboost/3 d"
    )


def test_caveats_are_printed_with_the_number(judged) -> None:
    line = next(one for one in to_tex(judged).splitlines() if "AdaptedXgboostAccuracy}" in one)
    assert r"\logmarkmark{synthetic data, transductive adaptation}}" in line


@pytest.mark.parametrize(
    ("text", "expected"),
    [("llama2-7b", "LlamaTwoSevenB"), ("random_forest-tuned", "RandomForestTuned"), ("é", "")],
)
def test_words(text: str, expected: str) -> None:
    assert words(text) == expected


@given(st.text())
def test_any_name_gives_letters(text: str) -> None:
    assert re.fullmatch("[A-Za-z]*", words(text))
