"""What a bad corpus does to a whole run, and what is no error at all.

What each kind of bad input is told is in `test_bad_input_table.py`.
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


def test_a_process_says_it_in_one_line_and_writes_nothing(logmark, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(FOLDER + "models: [{name: m, adapter: minilmm}]\n")
    before = sorted(tmp_path.rglob("*"))
    done = logmark("run", "bad.yaml", "--quiet")
    assert done.returncode == 2 and done.stdout == ""
    assert "unknown adapter 'minilmm': did you mean 'minilm'?" in done.stderr
    assert done.stderr.count("\n") == 1
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


def test_what_needs_a_job_that_failed_is_blocked(run_inline: RunInline, tmp_path: Path) -> None:
    _rows(tmp_path, [{**row, "label": "a"} for row in _good_rows()])
    outcomes = run_inline(TABLE)
    assert outcomes["classify:tfidf-char/logistic_regression/0"] == "blocked by labels"


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


def test_leaks_are_counted_unless_refused(run_inline: RunInline, tmp_path: Path) -> None:
    _rows(tmp_path, [{**row, "text": "the same\n"} for row in _good_rows()])
    assert set(run_inline(TABLE).values()) == {"ok"}


@pytest.mark.slow
def test_a_line_of_50_mb_goes_through(run_inline: RunInline, tmp_path: Path) -> None:
    long = f"0123 word{' ' * 41}" * 1_000_000  # mostly blanks: n-grams take their time
    rows = [*_good_rows(), {"id": "long", "text": long, "label": "a"}]
    with gzip.open(tmp_path / "rows.jsonl.gz", "wt", compresslevel=1) as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    outcomes = run_inline(TABLE.replace("rows.jsonl", "rows.jsonl.gz"))
    assert set(outcomes.values()) == {"ok"}
