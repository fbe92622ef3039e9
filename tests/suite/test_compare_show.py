"""`logmark compare`, `logmark show` and the notebook of the documents, on two real small runs."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import said
from small_runs import write_small_run
from written_runs import RunWriter

import results
from results import bundling
from results.errors import InputError
from results.pairing import NOT_RUN
from results.run import Run
from suite import compare_command, recording, show_command
from suite.again import again
from suite.terminal import printable

SUITE = """
name: quickstart
seeds: [0, 1]
corpus: {loader: folder, path: logs}
models:
  - {name: words, adapter: tfidf, analyzer: word, ngram: [1, 1]}
classifiers: [decision_tree]
studies: [{name: size, rows: [words/decision_tree], vary: {train_share: [0.5]}, seeds: [0]}]
compute: {threads: 1}
"""
CHANGED = SUITE.replace("ngram: [1, 1]", "ngram: [1, 1], max_features: 1").replace(
    "path: logs", "path: logs, clean: {max_word_chars: 500}"
)
Say = Callable[..., tuple[int, list[str]]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same suite before and after two of its settings were changed."""
    folder = tmp_path_factory.mktemp("two")
    before = write_small_run(folder / "runs", SUITE)
    shutil.copytree(folder / "runs" / "logs", folder / "nightly" / "logs")
    return before, write_small_run(folder / "nightly", CHANGED)


@pytest.fixture
def say() -> Say:
    """Run one of the two commands; its exit status and what it said."""

    modules = {"compare": compare_command, "show": show_command}

    def say(*words: object) -> tuple[int, list[str]]:
        status, lines, _ = said(modules[str(words[0])], *words)
        return status, lines

    return say


def test_a_run_compared_with_itself_passes(runs: tuple[Path, Path], say: Say) -> None:
    for fail_on in ("worse", "any", "never"):
        status, lines = say("compare", runs[0], runs[0], "--fail-on", fail_on)
        assert status == 0
        assert lines[-1] == "of 5 rows in both runs: 5 with the same predictions"
    assert not any("->" in line for line in lines)


def test_a_comparison_names_settings_rows_and_what_was_tested(
    runs: tuple[Path, Path], say: Say
) -> None:
    status, lines = say("compare", *runs)
    assert status == compare_command.CHANGED == 4
    told = [line.strip() for line in lines]
    assert "corpus.clean.max_word_chars: null -> 500" in told
    assert "models.words.max_features: only in RUN_B: 1" in told
    assert "points of studies are left out: 1 in RUN_A, 1 in RUN_B" in told
    assert any(line.startswith("Holm over 2 tests (accuracy and macro-F1 of each") for line in told)
    (worse,) = [line for line in lines if line.startswith("WORSE")]
    assert re.fullmatch(
        r"WORSE +words/decision_tree \(2 seeds\): accuracy 100\.0 -> 38\.5 \(−61\.5 \[.*\]\), p .*"
        r", Holm .*; macro-F1 1\.000 -> 0\.185 .*; other .*vectors",
        worse,
    ), worse
    assert "words/decision_tree/1: accuracy −61.5, macro-F1 −0.815, 0 : 8 documents" in told
    assert lines[-1].startswith("of 5 rows in both runs: 1 significantly worse, 4 with the same")


def test_what_fails_a_gate_is_asked_for(runs: tuple[Path, Path], say: Say) -> None:
    before, after = runs
    assert say("compare", before, after, "--fail-on", "never")[0] == 0
    assert say("compare", before, after, "--margin", "0.9")[0] == 0
    assert say("compare", after, before)[0] == 0, "better is no worsening"
    assert say("compare", after, before, "--fail-on", "any")[0] == 4


def test_every_form_tells_the_same(runs: tuple[Path, Path], say: Say) -> None:
    told = json.loads(say("compare", *runs, "--format", "json")[1][0])
    assert told["exit_status"] == 4 and told["tests"] == 2 and told["study_points"] == [1, 1]
    (row,) = [row for row in told["rows"] if row["state"] == "worse"]
    assert row["name"] == "words/decision_tree" and len(row["cells"]) == 2
    assert row["cells"][0]["changed_inputs"] and row["cells"][0]["comparison"]["only_second"] == 8
    assert {"key": "corpus.clean.max_word_chars", "before": None, "after": 500, "only": ""} in told[
        "settings"
    ]
    status, lines = say("compare", *runs, "--format", "markdown")
    text = "\n".join(lines)
    assert status == 4 and text.startswith("## of 5 rows in both runs: 1 significantly worse")
    assert "| words/decision\\_tree | worse | 100.0 -\\> 38.5" in text


def test_settings_that_are_newer_than_a_run_have_their_defaults(
    runs: tuple[Path, Path], say: Say, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    shutil.copytree(runs[0], older)
    meta = json.loads((older / "run.json").read_text())
    del meta["resolved"]["corpus"]["sample"], meta["resolved"]["anomaly"]
    (older / "run.json").write_text(json.dumps(meta))
    told = json.loads(say("compare", older, runs[0], "--format", "json")[1][0])
    assert told["settings"] == []


def test_a_bundle_stands_for_its_run(runs: tuple[Path, Path], say: Say, tmp_path: Path) -> None:
    bundle = bundling.write(Run.open(runs[0]), tmp_path / "kept.zip").path
    status, lines = say("compare", bundle, runs[0])
    assert status == 0 and lines[-1].endswith("5 with the same predictions")
    assert say("compare", bundle, runs[1])[0] == 4
    theirs, ours = results.load(bundle), results.load(runs[0])
    pd.testing.assert_frame_equal(theirs.cells, ours.cells)
    pd.testing.assert_frame_equal(theirs.comparisons, ours.comparisons)
    status, lines = say("show", bundle, "words/decision_tree/0")
    assert status == 0 and any("what a bundle has of it" in line for line in lines)


def _edited(run_dir: Path, out: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    """Copy a run with its records edited."""
    shutil.copytree(run_dir, out)
    records = [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]
    for record in records:
        edit(record)
    (out / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return out


def _without_score(reason: str) -> Callable[[dict[str, Any]], None]:
    def edit(record: dict[str, Any]) -> None:
        if record["model"] == "words":
            record.update(status="blocked", reason=reason, cell=None)
            del record["artifacts"]["cell"]

    return edit


def test_an_unfinished_run_passes_no_gate(
    runs: tuple[Path, Path], say: Say, tmp_path: Path
) -> None:
    assert recording._NOT_RUN.reason == NOT_RUN
    half = _edited(runs[0], tmp_path / "half", _without_score(NOT_RUN))
    for pair in ((runs[0], half), (half, runs[0])):
        with pytest.raises(InputError, match=r"half: not finished, words/decision_tree/0 and 1 mo"):
            say("compare", *pair)
    assert say("compare", half, half)[0] == 0, "what neither has come to is no matter"
    assert say("compare", runs[0], half, "--fail-on", "never")[0] == 0


def test_a_row_that_fails_now_is_a_loss(runs: tuple[Path, Path], say: Say, tmp_path: Path) -> None:
    reason = "OSError: \x1b[2J\u202eevil\nline"
    broken = _edited(runs[0], tmp_path / "broken", _without_score(reason))
    status, lines = say("compare", runs[0], broken)
    assert status == 4
    (lost,) = [line for line in lines if line.startswith("LOST")]
    assert all(line.isprintable() for line in lines)
    assert any("blocked: OSError: \\x1b[2J\\u202eevil line" in line for line in lines)
    shown = say("show", broken, "words/decision_tree/0")[1]
    assert shown[1] == "  blocked       OSError: \\x1b[2J\\u202eevil line"
    assert all(map(str.isprintable, shown))
    assert all(map(str.isprintable, say("compare", runs[0], broken, "--format", "markdown")[1]))
    assert say("compare", broken, runs[0])[0] == 0
    assert say("compare", broken, runs[0], "--fail-on", "any")[0] == 4
    assert lines[-1].startswith("of 5 rows in both runs: 1 failed and had scores before")


def test_a_gate_does_not_pass_where_nothing_can_be_compared(say: Say, tmp_path: Path) -> None:
    places = []
    for number in (0, 1):
        writer = RunWriter(tmp_path / str(number), "other")
        said = pd.DataFrame({"id": [f"{number}-{i}" for i in range(8)], "label": ["a", "b"] * 4})
        artifact, cell = writer.cell(
            "classify", said.assign(predicted=said["label"]), ["a", "b"], train_documents=9
        )
        writer.add(
            {"cell": artifact}, section="matrix", model="m", classifier="c", seed=0,
            text="cleaned", status="ok", cell=cell,
        )  # fmt: skip
        places.append(writer.finish())
    with pytest.raises(
        InputError, match="nothing can be compared: no row has scores on the same doc"
    ):
        say("compare", *places)
    status, lines = say("compare", *places, "--fail-on", "never")
    assert status == 0
    assert "incomparable m/c/0: other test documents: 8 and 8, 0 of them in both" in lines


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--alpha", "1"], "1 does not lie between 0 and 1"),
        (["--alpha", "nan"], "nan does not lie between 0 and 1"),
        (["--margin", "-0.1"], "-0.1 does not lie between 0 and 1"),
    ],
)
def test_a_share_lies_between_0_and_1(
    say: Say, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        say("compare", "a", "b", *words)
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_a_missing_run_or_store_is_one_line(
    runs: tuple[Path, Path], say: Say, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="nowhere: not a run folder"):
        say("compare", runs[0], tmp_path / "nowhere")
    moved = tmp_path / "moved"
    shutil.copytree(runs[1], moved)
    meta = json.loads((moved / "run.json").read_text())
    (moved / "run.json").write_text(json.dumps({**meta, "store": str(tmp_path / "gone")}))
    with pytest.raises(InputError, match=r"predictions.parquet: missing from the store"):
        say("compare", runs[0], moved)
    status, lines = say("show", moved, "words/decision_tree/0")
    assert status == 0, "the number stands in the records"
    assert sum(line.endswith("MB") and ": missing; took" in line for line in lines) == 5
    assert any(line.startswith("  no intervals") for line in lines)
    with pytest.raises(InputError, match="cannot be computed again: .*missing from the store"):
        say("show", moved, "quickstartBestAccuracy")


def test_a_cell_is_traced_to_all_it_came_from(runs: tuple[Path, Path], say: Say) -> None:
    record = next(r for r in Run.open(runs[1]).records if r.name == "words/decision_tree/0")
    status, lines = say("show", runs[1], record.name)
    text = "\n".join(lines)
    assert status == 0 and lines[0] == "words/decision_tree/0 of quickstart"
    assert re.search(r"accuracy, % +38\.5 \[", text)
    source = record.provenance
    for known in (source.suite_hash, source.split_hash, source.corpus_digest, source.hardware):
        assert str(known) in text
    for ref in record.artifacts.values():
        assert ref.digest in text and ref.path in text
    assert text.count(": there, ") == 5 and "bytes; took" in text


def test_a_row_and_a_macro_lead_to_their_cells(runs: tuple[Path, Path], say: Say) -> None:
    status, lines = say("show", runs[1], "words/decision_tree")
    assert status == 0 and lines[0] == "words/decision_tree of quickstart, over 2 seeds"
    assert "38.5 ± 0.0" in lines[1]
    told = json.loads(say("show", runs[1], r"\quickstartBestAccuracy", "--format", "json")[1][0])
    assert told["name"] == "quickstartBestAccuracy" and told["number"] == "38.5"
    assert [cell["name"] for cell in told["cells"]] == [f"words/decision_tree/{s}" for s in (0, 1)]
    cell = told["cells"][0]
    assert {one["role"]: one["there"] for one in cell["artifacts"]} == dict.fromkeys(
        ("corpus", "labels", "split", "vectors", "cell"), True
    )
    assert cell["measures"]["accuracy"]["value"] == pytest.approx(5 / 13)


def test_a_number_of_the_whole_run_leads_to_the_run(runs: tuple[Path, Path], say: Say) -> None:
    status, lines = say("show", runs[1], "quickstartTestDocuments")
    assert status == 0 and lines[0] == r"\quickstartTestDocuments of quickstart: 13"
    assert lines[2].startswith(f"  run           {runs[1]}, recorded 2026-01-01")
    assert lines[-1] == "  command       logmark run suite.yaml --quiet"


def test_a_studys_point_is_traced_too(runs: tuple[Path, Path], say: Say) -> None:
    name = next(r.name for r in Run.open(runs[0]).records if r.study)
    status, lines = say("show", runs[0], name)
    assert status == 0
    assert any(line.endswith("size: words/decision_tree with train_share 0.5") for line in lines)


def test_what_the_store_has_of_it_is_told(
    runs: tuple[Path, Path], say: Say, tmp_path: Path
) -> None:
    run = Run.open(runs[0])
    record = next(r for r in run.records if r.name == "words/decision_tree/0")
    shutil.copytree(run.meta["store"], tmp_path / "store")
    shutil.copytree(runs[0], tmp_path / "run")
    meta = {**run.meta, "store": str(tmp_path / "store")}
    (tmp_path / "run" / "run.json").write_text(json.dumps(meta))
    vectors, corpus = (tmp_path / "store" / record.artifacts[r].path for r in ("vectors", "corpus"))
    (vectors / "features.npz").unlink()
    shutil.rmtree(corpus.parents[1])
    told = json.loads(say("show", tmp_path / "run", record.name, "--format", "json")[1][0])
    state = {one["role"]: one for one in told["cells"][0]["artifacts"]}
    assert not state["vectors"]["there"] and "features.npz is missing" in state["vectors"]["state"]
    assert not state["corpus"]["there"] and state["corpus"]["state"] == "missing"
    assert state["corpus"]["bytes"] is None
    assert state["cell"]["there"] and state["cell"]["bytes"] > 0


def test_an_unknown_name_names_near_ones(runs: tuple[Path, Path], say: Say) -> None:
    with pytest.raises(InputError, match="'words/decision_tre/0'; there are words/decision_tree/0"):
        say("show", runs[0], "words/decision_tre/0")
    with pytest.raises(InputError, match="there are quickstartBestAccuracy"):
        say("show", runs[0], "quickstartBestAcuracy")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("logmark run s.yaml --workdir w", "logmark run s.yaml --workdir w"),
        ("logmark run s.yaml --only 'm/*' --quiet --force=x --retry-failed --tiny",
         "logmark run s.yaml --tiny"),
    ],
)  # fmt: skip
def test_a_cell_is_computed_again_by_the_command_of_its_run(command: str, expected: str) -> None:
    name = "m/s:c@x=a b/0"
    assert again(command, name) == f"{expected} --only '{name}' --force '{name}'"
    assert again("python notebook.py", name) is again("it's made up", name) is None


def test_data_cannot_steer_a_terminal() -> None:
    assert printable("a\n\tb\x1b[1m\u202e\ud800 é") == "a  b\\x1b[1m\\u202e\\ud800 é"


def test_the_notebook_of_the_documents_runs(
    runs: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "notebooks.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    monkeypatch.chdir(runs[0].parents[1])
    exec("\n".join(blocks), {})
    told = capsys.readouterr().out
    assert "seconds in all" in told and "wrong" in told and "macro_f1" in told
