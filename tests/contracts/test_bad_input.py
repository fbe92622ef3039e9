"""Bad input of every kind gets one line that names the file, the field and the way out.

Mistakes in the suite file itself are in `tests/suite/test_spec.py` and `test_plan.py`; what a bad
corpus does to a whole run is here.
"""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

RunInline = Callable[[str], dict[str, str]]

FOLDER = "name: bad\ncorpus: {loader: folder, path: logs}\n"
TABLE = "name: bad\ncorpus: {loader: table, path: rows.jsonl}\n"


def _rows(folder: Path, rows: list[dict[str, object]]) -> None:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _good_rows(count: int = 20) -> list[dict[str, object]]:
    return [
        {"id": f"r{n}", "text": f"line {n} {'up' if n % 2 else 'down'}\n", "label": "ab"[n % 2]}
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "none.yaml"], "none.yaml: No such file or directory; name a suite file"),
        (["plan", "none.yaml"], "none.yaml: No such file or directory; name a suite file"),
        (["run", "bad.yaml"], "unknown adapter 'minilmm': did you mean 'minilm'?"),
        (["run", "study.yaml"], "studies.0.rows: unknown row 'cmn': did you mean 'cnn'?"),
        (["run", "path.yaml"], "lgs"),
        (["run", "path.yaml", "--store", "ftpp://b/c"], "Protocol not known: ftpp; pass a folder"),
        (["report", "."], "not a run folder (no run.json)"),
    ],
)
def test_the_command_line_says_it_in_one_line_and_writes_nothing(
    logmark, tmp_path: Path, log_folder: Path, words: list[str], message: str
) -> None:
    (tmp_path / "bad.yaml").write_text(FOLDER + "models: [{name: m, adapter: minilmm}]\n")
    (tmp_path / "path.yaml").write_text(FOLDER.replace("logs", "lgs"))
    study = "studies: [{name: s, rows: [cmn], vary: {layers: [1]}}]\n"
    (tmp_path / "study.yaml").write_text(FOLDER + "references: [cnn]\n" + study)
    before = sorted(tmp_path.rglob("*"))
    done = logmark(*words)
    assert done.returncode == 2 and done.stdout == ""
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_document_is_refused_by_name_or_dropped_on_request(
    run_inline: RunInline, log_folder: Path
) -> None:
    (log_folder / "net" / "void.log").write_text("")
    reason = run_inline(FOLDER)["corpus"]
    assert "net/void.log" in reason and "empty: drop" in reason
    outcomes = run_inline(FOLDER.replace("logs}", "logs, clean: {empty: drop}}"))
    assert set(outcomes.values()) == {"ok"}


def test_a_document_that_cleaning_removed_entirely_is_refused_by_name(
    run_inline: RunInline, log_folder: Path
) -> None:
    (log_folder / "net" / "long.log").write_text("x" * 500 + "\n")
    reason = run_inline(FOLDER.replace("logs}", "logs, clean: {max_word_chars: 100}}"))["corpus"]
    assert "net/long.log" in reason and "clean" in reason


def test_one_class_only_is_refused(run_inline: RunInline, tmp_path: Path) -> None:
    _rows(tmp_path, [{**row, "label": "a"} for row in _good_rows()])
    outcomes = run_inline(TABLE)
    assert "class 'a'" in outcomes["labels"] and "at least two" in outcomes["labels"]
    assert outcomes["classify:tfidf-char/logistic_regression/0"] == "blocked by labels"


def test_a_class_too_small_to_split_is_named_with_the_way_out(
    run_inline: RunInline, tmp_path: Path
) -> None:
    _rows(tmp_path, [*_good_rows(), {"id": "x", "text": "alone\n", "label": "rare"}])
    reason = run_inline(TABLE)["split/0"]
    assert "class 'rare' has 1 document" in reason and "min_documents" in reason


def test_a_class_too_small_to_cross_validate_fails_the_tuned_cell_only(
    run_inline: RunInline, tmp_path: Path
) -> None:
    _rows(tmp_path, _good_rows(8))
    models = "models: [{name: w, adapter: tfidf, analyzer: word}]\n"
    both = "classifiers: [{name: decision_tree, variants: [default, tuned]}]\n"
    outcomes = run_inline(TABLE + models + both)
    assert "fewer than the 5 folds" in outcomes.pop("classify:w/decision_tree-tuned/0")
    assert set(outcomes.values()) == {"ok"}


def test_a_share_of_train_too_small_to_cross_validate_fails_that_point_only(
    run_inline: RunInline, tmp_path: Path
) -> None:
    _rows(tmp_path, _good_rows(40))
    both = (
        "models: [{name: w, adapter: tfidf, analyzer: word}]\n"
        "classifiers: [{name: decision_tree, variants: [tuned]}]\n"
        "studies: [{name: s, rows: [w/decision_tree-tuned], vary: {train_share: [0.1, 0.5]}}]\n"
    )
    outcomes = run_inline(TABLE + both)
    reason = outcomes.pop("classify:w/s:decision_tree-tuned@train_share=0.1/0")
    assert "fewer than the 5 folds" in reason
    assert set(outcomes.values()) == {"ok"}


def test_duplicate_ids_are_named(run_inline: RunInline, tmp_path: Path) -> None:
    _rows(tmp_path, [*_good_rows(), _good_rows()[3]])
    assert "'r3'" in run_inline(TABLE)["corpus"]


def test_a_missing_column_is_named_with_the_nearest(run_inline: RunInline, tmp_path: Path) -> None:
    _rows(tmp_path, _good_rows())
    reason = run_inline(TABLE.replace("rows.jsonl", "rows.jsonl, label: lable"))["labels"]
    assert "'lable'" in reason and "did you mean 'label'" in reason


def test_a_group_column_with_holes_is_refused(run_inline: RunInline, tmp_path: Path) -> None:
    rows = _good_rows()
    _rows(tmp_path, [{**row, "run": f"g{n // 2}"} if n else row for n, row in enumerate(rows)])
    reason = run_inline(TABLE.replace("rows.jsonl", "rows.jsonl, group: run"))["split/0"]
    assert "'r0'" in reason and "group" in reason


def test_other_bytes_and_nul_are_replaced_and_counted_not_fatal(
    run_inline: RunInline, log_folder: Path, tmp_path: Path
) -> None:
    (log_folder / "net" / "odd.log").write_bytes(b"caf\xe9 \xff\x00 end\n")
    assert set(run_inline(FOLDER).values()) == {"ok"}
    (card,) = (tmp_path / "store" / "corpus").glob("*/attempts/*/card.json")
    characters = json.loads(card.read_text())["characters"]
    assert characters == {"replacement": 2, "nul": 1, "surrogate": 0}
    documents = pd.read_parquet(card.parent / "documents.parquet")
    odd = documents.loc[documents["id"] == "net/odd.log", "text"].item()
    assert odd == "caf\ufffd \ufffd\ufffd end\n"


def test_leaks_are_counted_or_refused(run_inline: RunInline, tmp_path: Path) -> None:
    _rows(tmp_path, [{**row, "text": "the same\n"} for row in _good_rows()])
    assert set(run_inline(TABLE).values()) == {"ok"}
    assert "twin in train" in run_inline(TABLE + "split: {leaks: refuse}\n")["split/0"]


@pytest.mark.slow
def test_a_line_of_50_mb_goes_through(run_inline: RunInline, tmp_path: Path) -> None:
    long = f"0123 word{' ' * 41}" * 1_000_000  # mostly blanks: n-grams take their time
    rows = [*_good_rows(), {"id": "long", "text": long, "label": "a"}]
    with gzip.open(tmp_path / "rows.jsonl.gz", "wt", compresslevel=1) as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    outcomes = run_inline(TABLE.replace("rows.jsonl", "rows.jsonl.gz"))
    assert set(outcomes.values()) == {"ok"}
