"""The suite file: what may stand in it, and one clear line for everything that may not."""

from pathlib import Path

import pytest

from results.errors import InputError
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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: mine", "nme: mine", "nme: unknown key; did you mean 'name'"),
        ("name: mine", "name: mine\nseed: 3", "seed: unknown key; did you mean 'seeds'"),
        ("name: mine", "name: store", "name: 'store' is the folder of the artifacts"),
        ("name: mine", "name: a/b", "name: String should match"),
        ("name: mine", "name: mine\nname: again", "the key 'name' stands twice"),
        ("name: mine", "name: mine\nseeds: [1, 1]", "seeds: '1' stands there twice"),
        ("name: mine", "name: mine\nseeds: [-1]", r"seeds.0: Input should be greater"),
        ("name: mine", "name: mine\nsplit: {by: grup}", "split.by: Input should be"),
        ("name: mine", "name: mine\nsplit: {test_share: 1.0}", "split.test_share: .* less than 1"),
        ("loader: folder", "loader: foldr", "unknown loader 'foldr': did you mean 'folder'"),
        ("corpus: {loader: folder, path: logs}", "", "corpus: this key is missing"),
        ("adapter: minilm", "adapter: minilmm", "unknown adapter 'minilmm': did you mean 'minilm'"),
        ("name: m,", "name: tfidf-char,", "names a row that is always printed"),
        ("adapter: minilm", "adapter: minilm, adapt: {seed: 1}", "models.0.adapt: seed: an adapt"),
        ("adapter: minilm", "adapter: minilm, adapt: {objective: mlmm}", "did you mean 'mlm'"),
        ("random_forest", "random_forrest", "did you mean 'random_forest'"),
        ("variants: [default", "variants: [defalt", "classifiers.1.variants.0"),
        ("[cnn]", "[cnm]", "unknown reference 'cnm': did you mean 'cnn'"),
        ("path: logs", "path: '${NOT_SET}/a'", "variable NOT_SET is not set"),
        ("path: logs", 'path: "a\\0b"', "NUL character"),
        ("path: logs", "path: [", "not YAML"),
        ("path: logs", "path: logs, where: {day: 2020-01-01}", "corpus.where.day"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(InputError, match=message) as caught:
        read(_write(tmp_path, GOOD.replace(old, new)))
    assert "\n" not in str(caught.value)
    assert "suite.yaml" in str(caught.value)


def test_a_missing_file_and_other_bytes_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.yaml: No such file"):
        read(tmp_path / "none.yaml")
    (tmp_path / "b.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(InputError, match="not UTF-8 text at byte 6"):
        read(tmp_path / "b.yaml")
    with pytest.raises(InputError, match="holds keys such as name"):
        read(_write(tmp_path, "just text"))


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
