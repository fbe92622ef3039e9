"""Two runs set against each other: real run folders, invented predictions."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy.stats import binomtest
from written_runs import RunWriter

from results.changes import Changes, ScoreChange, set_against
from results.errors import InputError
from results.pairing import NOT_RUN, unfinished
from results.records import StudyPoint
from results.run import Run
from results.texts import Texts

TRUTH = "a" * 20 + "b" * 20
GOOD, BAD = TRUTH, "b" * 12 + TRUTH[12:]
"""Predictions, a letter for each document: all right, and twelve of forty wrong."""

Write = Callable[..., Run]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a run: cell name -> its predictions; None where it failed, "" where it was not run."""

    def made(
        name: str,
        cells: Mapping[str, str | None],
        *,
        truth: str = TRUTH,
        ids: Sequence[str] | None = None,
        classes: Sequence[str] = ("a", "b"),
        groups: Sequence[str] | None = None,
        study: Sequence[str] = (),
        texts: Mapping[str, str] | None = None,
        **meta: Any,
    ) -> Run:
        writer = RunWriter(tmp_path / name, "pair")
        ids = ids or [f"doc-{i:02d}" for i in range(len(truth))]
        labels = pd.DataFrame({"id": ids, "label": list(truth), "group": groups or [""] * len(ids)})
        shared = {
            "labels": writer.publish("labels", frames={"labels": labels}),
            "split": writer.split(labels, ids, by="group" if groups else "stratified"),
        }
        if texts is not None:
            shared["corpus"] = writer.corpus(texts, {})
        for cell, said in cells.items():
            model, classifier, seed = cell.split("/")
            reason = NOT_RUN if said == "" else "no memory"
            known: dict[str, Any] = {"status": "failed", "reason": reason}
            artifacts = dict(shared)
            if said:
                frame = labels[["id", "label"]].assign(predicted=list(said))
                artifacts["cell"], scored = writer.cell(
                    "classify", frame, classes, card={"of": name}, train_documents=60
                )
                known = {"status": "ok", "cell": scored}
            if cell in study:
                known["study"] = StudyPoint(name="s", row=f"{model}/{classifier}", vary={"x": 1})
            writer.add(
                artifacts, section="study" if cell in study else "matrix", model=model,
                classifier=classifier, seed=int(seed), text="cleaned", **known,
            )  # fmt: skip
        return Run.open(writer.finish(**meta))

    return made


def _states(found: Changes) -> dict[str, str]:
    return {row.name: row.state for row in found.rows}


def _scores(found: Changes, name: str) -> dict[str, ScoreChange]:
    (row,) = [row for row in found.rows if row.name == name]
    return {one.score: one for one in row.scores}


def test_a_run_has_not_changed_from_itself(write: Write) -> None:
    run = write("one", {"m/tree/0": GOOD, "m/svc/0": BAD, "m/nb/0": None})
    found = set_against(run, run)
    assert _states(found) == {"m/tree/0": "same", "m/svc/0": "same", "m/nb/0": "failed"}
    apart = found.differences
    assert not (apart.settings or apart.places or apart.data or apart.code or apart.machine)
    assert not (found.family or found.only_first or found.only_second)


def test_what_predicts_the_same_is_not_read(write: Write) -> None:
    run = write("one", {"m/tree/0": GOOD})
    folder = run.folder(run.records[0], "cell")
    assert folder is not None
    (folder / "predictions.parquet").unlink()
    assert _states(set_against(run, run)) == {"m/tree/0": "same"}


def test_a_fall_is_tested_exactly_and_corrected_over_all_rows_that_changed(write: Write) -> None:
    slightly = "b" * 2 + TRUTH[2:]
    before = write("one", {"m/tree/0": GOOD, "m/svc/0": GOOD, "m/nb/0": BAD})
    after = write("two", {"m/tree/0": BAD, "m/svc/0": slightly, "m/nb/0": BAD})
    found = set_against(before, after)
    assert _states(found) == {"m/tree/0": "worse", "m/svc/0": "changed", "m/nb/0": "same"}
    assert found.family == 4, "two scores of each row that predicts otherwise"
    accuracy = _scores(found, "m/tree/0")["accuracy"]
    assert (accuracy.before, accuracy.after) == (1.0, 0.7)
    assert accuracy.gain == pytest.approx(-0.3)
    assert accuracy.p == pytest.approx(binomtest(0, 12).pvalue)
    assert accuracy.p_holm == pytest.approx(4 * accuracy.p)
    macro_f1 = _scores(found, "m/tree/0")["macro_f1"]
    assert macro_f1.after == pytest.approx((2 * 8 / 28 + 2 * 20 / 52) / 2)
    assert macro_f1.interval.low < macro_f1.gain < macro_f1.interval.high < 0
    assert _scores(found, "m/svc/0")["accuracy"].p == pytest.approx(0.5)


def test_there_and_back_are_mirrored(write: Write) -> None:
    one = write("one", {"m/tree/0": GOOD, "m/svc/0": "ab" * 20, "m/nb/0": GOOD})
    two = write("two", {"m/tree/0": BAD, "m/svc/0": "ba" * 20, "m/nb/0": None})
    there, back = set_against(one, two), set_against(two, one)
    assert _states(there) == {"m/tree/0": "worse", "m/svc/0": "changed", "m/nb/0": "lost"}
    assert _states(back) == {"m/tree/0": "better", "m/svc/0": "changed", "m/nb/0": "repaired"}
    for name in ("m/tree/0", "m/svc/0"):
        for score, ahead in _scores(there, name).items():
            behind = _scores(back, name)[score]
            assert (ahead.p, ahead.p_holm) == (behind.p, behind.p_holm)
            assert ahead.gain == -behind.gain and ahead.before == behind.after
            assert ahead.interval.low == pytest.approx(-behind.interval.high)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ids": [f"doc-{i:02d}" for i in range(1, 41)]},
         "other test documents: 40 and 40, 39 of them in both"),
        ({"truth": "b" + TRUTH[1:]}, "1 of 40 test documents have another label"),
        ({"classes": ("a", "b", "c")}, "other classes: 'c' only in the second run"),
        ({"groups": ["g"] * 40}, "the test documents are grouped in another way"),
    ],
)  # fmt: skip
def test_other_data_is_never_compared(write: Write, changed: dict[str, Any], reason: str) -> None:
    found = set_against(
        write("one", {"m/tree/0": GOOD}), write("two", {"m/tree/0": BAD}, **changed)
    )
    (row,) = found.rows
    assert (row.state, row.scores) == ("incomparable", ())
    assert row.cells[0].reason == reason
    assert not found.family


def test_the_order_of_classes_and_documents_is_no_difference(write: Write) -> None:
    before = write("one", {"m/tree/0": GOOD})
    ids = [f"doc-{i:02d}" for i in range(40)]
    after = write(
        "two", {"m/tree/0": BAD[::-1]}, truth=TRUTH[::-1], ids=ids[::-1], classes=("b", "a")
    )
    found = set_against(before, after)
    assert _scores(found, "m/tree/0")["accuracy"].after == pytest.approx(0.7)


def test_groups_are_swapped_whole_whatever_they_are_called(write: Write) -> None:
    def runs(letter: str) -> list[str]:
        return [f"{letter}{i // 4}" for i in range(40)]

    found = set_against(
        write("one", {"m/tree/0": GOOD}, groups=runs("g")),
        write("two", {"m/tree/0": BAD}, groups=runs("h")),
    )
    accuracy = _scores(found, "m/tree/0")["accuracy"]
    assert accuracy.p_kind == "exact sign flips of groups"
    assert accuracy.p == pytest.approx(2 / 2**3), "three groups of four fell"


def test_a_row_over_seeds_is_one_comparison_and_shows_its_cells(write: Write) -> None:
    before = {f"m/tree/{seed}": GOOD for seed in range(4)}
    after = {"m/tree/0": BAD, "m/tree/1": GOOD, "m/tree/2": BAD, "m/tree/4": GOOD}
    found = set_against(write("one", before), write("two", after))
    assert (found.only_first, found.only_second) == (("m/tree/3",), ("m/tree/4",))
    (row,) = found.rows
    assert (row.name, row.state, len(row.cells)) == ("m/tree", "worse", 3)
    assert [cell.standing for cell in row.cells] == ["compared", "same", "compared"]
    accuracy = _scores(found, "m/tree")["accuracy"]
    assert accuracy.after == pytest.approx((0.7 + 1 + 0.7) / 3), "the mean over common seeds"
    assert found.family == 2 and "documents" in accuracy.p_kind
    assert {cell.name: one.only_second for cell, one in row.by_seed} == {
        "m/tree/0": 12,
        "m/tree/2": 12,
    }


def test_a_seed_that_fails_now_is_a_loss_whatever_the_others_do(write: Write) -> None:
    before = write("one", {"m/tree/0": BAD, "m/tree/1": GOOD})
    after = write("two", {"m/tree/0": GOOD, "m/tree/1": None})
    (row,) = set_against(before, after).rows
    assert row.state == "lost" and row.cells[1].reason == "failed: no memory"
    assert row.scores[0].gain > 0


def test_a_loss_is_graver_than_a_fall(write: Write) -> None:
    before = write("one", {"m/tree/0": GOOD, "m/tree/1": GOOD})
    after = write("two", {"m/tree/0": BAD, "m/tree/1": None})
    (row,) = set_against(before, after).rows
    assert row.state == "lost" and row.scores[0].gain < 0


def test_a_row_is_worse_where_one_score_fell_and_the_other_rose(write: Write) -> None:
    truth = "a" * 180 + "b" * 20
    before = write("one", {"m/tree/0": "a" * 140 + "b" * 60}, truth=truth)
    after = write("two", {"m/tree/0": "a" * 200}, truth=truth)
    (row,) = set_against(before, after).rows
    accuracy, macro_f1 = row.scores
    assert accuracy.gain > 0 > macro_f1.gain
    assert max(accuracy.p_holm or 1, macro_f1.p_holm or 1) < 0.05
    assert row.state == "worse"


def test_a_margin_lets_small_changes_pass(write: Write) -> None:
    before, after = write("one", {"m/tree/0": GOOD}), write("two", {"m/tree/0": BAD})
    assert _states(set_against(before, after, margin=0.5)) == {"m/tree/0": "changed"}
    assert _states(set_against(before, after, margin=0.29)) == {"m/tree/0": "worse"}


def test_too_large_a_family_tests_accuracy_alone(write: Write) -> None:
    before, after = write("one", {"m/tree/0": GOOD}), write("two", {"m/tree/0": BAD})
    found = set_against(before, after, alpha=0.001)
    assert found.unresolvable.startswith("unresolvable: a family of 2 needs 40,000 draws")
    assert found.family == 1
    scores = _scores(found, "m/tree/0")
    assert scores["macro_f1"].p is None
    assert scores["accuracy"].p_holm == pytest.approx(binomtest(0, 12).pvalue)
    assert _states(found) == {"m/tree/0": "worse"}


def test_studies_are_counted_and_left_out(write: Write) -> None:
    cells = {"m/tree/0": GOOD, "m/tree@1/0": GOOD}
    before = write("one", cells, study=["m/tree@1/0"])
    found = set_against(before, write("two", {"m/tree/0": GOOD}))
    assert found.studies == (1, 0)
    assert _states(found) == {"m/tree/0": "same"} and not found.only_first


def test_the_same_job_with_another_result_is_noticed(write: Write) -> None:
    found = set_against(write("one", {"m/tree/0": GOOD}), write("two", {"m/tree/0": BAD}))
    assert found.rows[0].cells[0].is_unstable, "the writer numbers its keys: the same in both"


def test_what_no_run_came_to_is_known(write: Write) -> None:
    run = write("one", {"m/tree/0": GOOD, "m/svc/0": "", "m/nb/0": None})
    assert unfinished(run) == ["m/svc/0"]


def test_the_texts_of_documents_compared_are_looked_at_where_corpora_differ(write: Write) -> None:
    texts = {f"doc-{i:02d}": f"log {i}" for i in range(40)}
    one = write("one", {"m/tree/0": GOOD}, texts=texts)
    more = write("two", {"m/tree/0": BAD}, texts={**texts, "doc-99": "of train"})
    other = write("three", {"m/tree/0": BAD}, texts={**texts, "doc-07": "log 8"})
    same = write("four", {"m/tree/0": BAD}, texts=texts)
    assert set_against(one, same).texts is None
    assert set_against(one, more).texts == Texts(40, 0)
    assert set_against(one, other).texts == Texts(40, 1)
    assert [c.key for c in set_against(one, other).differences.data] == ["corpus digest"]
    shutil.rmtree(Path(other.meta["store"]) / "corpus")
    assert set_against(one, Run.open(other.run_dir)).texts == Texts(40, None)


def test_runs_without_a_common_cell_are_refused(write: Write) -> None:
    one, two = write("one", {"m/tree/0": GOOD}), write("two", {"n/tree/0": GOOD})
    with pytest.raises(InputError, match="no cell in common; pass two runs of one suite"):
        set_against(one, two)


def test_missing_predictions_are_named(write: Write) -> None:
    one, two = write("one", {"m/tree/0": GOOD}), write("two", {"m/tree/0": BAD})
    folder = two.folder(two.records[0], "cell")
    assert folder is not None
    (folder / "predictions.parquet").unlink()
    with pytest.raises(InputError, match="missing from the store; run the suite again"):
        set_against(one, two)
