"""The suite file: what may stand in it; what may not is in `tests/bad_suite_files.py`."""

from pathlib import Path

import pytest

from suite.recording import suite_hash
from suite.spec import read

GOOD = """
name: mine
corpus: {loader: folder, path: logs}
models:
  - {name: m, adapter: minilm}
classifiers: [random_forest, {name: xgboost, variants: [default, tuned]}]
references: [cnn]
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "suite.yaml"
    path.write_text(text)
    return path


def test_a_good_file_is_read_with_paths_relative_to_it(tmp_path: Path) -> None:
    suite = read(_write(tmp_path, GOOD))
    assert suite.corpus.settings == {"path": str(tmp_path / "logs")}
    assert [c.variants for c in suite.classifiers] == [["default"], ["default", "tuned"]]
    assert suite.references[0].kind == "cnn"


def test_adapted_models_read_masked_text_and_others_cleaned(tmp_path: Path) -> None:
    models = "[{name: a, adapter: minilm}, {name: b, adapter: minilm, adapt: true},"
    models += " {name: c, adapter: minilm, text: masked}]"
    suite = read(_write(tmp_path, GOOD.replace("\n  - {name: m, adapter: minilm}", f" {models}")))
    assert [model.view for model in suite.models] == ["cleaned", "masked", "masked"]
    assert suite.models[1].adapt is not None and suite.models[1].adapt.objective is None


def test_only_true_and_false_are_truth_values(tmp_path: Path) -> None:
    labels = "relabel: {map: {no: off, yes: on}}, clean: {tukey: true}"
    suite = read(_write(tmp_path, GOOD.replace("path: logs", f"path: logs, {labels}")))
    assert suite.corpus.relabel.map == {"no": "off", "yes": "on"}
    assert suite.corpus.clean.tukey is True


def test_environment_variables_expand_in_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_LOGS", "/data")
    suite = read(_write(tmp_path, GOOD.replace("path: logs", "path: '${MY_LOGS}/a'")))
    assert suite.corpus.settings["path"] == "/data/a"


def test_what_a_report_shows_enters_no_hash_of_the_suite(tmp_path: Path) -> None:
    shown = read(_write(tmp_path, GOOD))
    hidden = read(_write(tmp_path, GOOD + "report: {text: false}\n"))
    assert shown.report.model_dump() == {"baseline": None, "text": True}
    assert hidden.report.model_dump() == {"baseline": None, "text": False}
    assert suite_hash(shown) == suite_hash(hidden)
    named = read(_write(tmp_path, GOOD + "report: {baseline: m/xgboost}\n"))
    assert suite_hash(named) != suite_hash(shown)


def test_a_suite_hashes_as_it_always_did(tmp_path: Path) -> None:
    """Runs are compared by this hash; a change of it separates old runs from new ones."""
    text = GOOD + "seeds: [0, 1]\nsplit: {test_share: 0.25}\nresources: {embed: {gpus: 1}}\n"
    known = "761474ba46f6ec138d10e01b77d2e6f536542c55a5b74312443abaedd34a1c0d"
    assert suite_hash(read(_write(tmp_path, text))) == known
