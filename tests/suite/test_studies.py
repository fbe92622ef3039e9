"""Studies: what a suite file may ask for, which jobs come of it, and what is computed once."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from jobs.job import key_of
from jobs.registry import KINDS
from results.errors import InputError
from results.hashing import hash_file
from results.records import StudyPoint
from suite.node import Node
from suite.plan import make_plan
from suite.recording import suite_hash
from suite.spec import read

SUITE = """
name: mine
seeds: [0, 1]
corpus: {loader: folder, path: logs}
models:
  - {name: words, adapter: tfidf, analyzer: word}
  - {name: bert, adapter: minilm, finetune: {epochs: 3}}
  - {name: mini, adapter: minilm, adapt: true}
classifiers: [{name: random_forest, variants: [default, tuned]}]
references:
  - {name: cnn, context: 500, char_lm: {units: 16}}
  - {name: random, reference: cnn}
"""


def _study(rows: str, vary: str, more: str = "") -> str:
    return f"{SUITE}studies: [{{name: s, rows: [{rows}], vary: {{{vary}}}{more}}}]\n"


def _plan(folder: Path, text: str) -> dict[str, Node]:
    (folder / "suite.yaml").write_text(text)
    nodes = make_plan(read(folder / "suite.yaml"), hash_file)
    plan = {node.id: node for node in nodes}
    assert len(plan) == len(nodes), "an id stands there twice"
    return plan


def _added(folder: Path, text: str) -> dict[str, Node]:
    """The jobs that a suite has beside those of its rows."""
    rows, plan = _plan(folder, SUITE), _plan(folder, text)
    assert list(plan)[: len(rows)] == list(rows)
    assert all(plan[name] == node for name, node in rows.items())
    added = {name: node for name, node in plan.items() if name not in rows}
    assert all(node.study is not None for node in added.values())
    return added


def _key(plan: dict[str, Node], name: str) -> str:
    """The key that a node would have if every input were named by its key."""
    node = plan[name]
    digests = {role: _key(plan, need) for role, need in node.needs.items()}
    return key_of(KINDS[node.kind], node.params, digests)


@pytest.mark.parametrize(
    ("rows", "vary", "message"),
    [
        ("cnm", "layers: [1]", "studies.0.rows: unknown row 'cnm': did you mean 'cnn'"),
        ("words", "c: [1]", "unknown row 'words': Known: .* words/random_forest,"),
        ("tfidf-word/linear_svm", "c: [1]", "did you mean 'tfidf-word/linear_svc'"),
        ("", "layers: [1]", "studies.0.rows: an empty list must be at least 1 long"),
        ("cnn, cnn", "layers: [1]", "studies.0: rows: 'cnn' stands there twice"),
        ("cnn", "", "studies.0.vary: a section without keys must be at least 1"),
        ("cnn", "layers: []", "studies.0.vary.layers: an empty list must be at least 1"),
        ("cnn", "layers: 2", "studies.0.vary.layers: 2 must be a list"),
        ("cnn", "layers: [1, 2, 1]", "studies.0: vary.layers: 1 stands there twice"),
        ("cnn", "padding: ['1', 1]", "vary.padding: '1' stands there twice"),
        ("cnn", "train_share: [1, 1.0]", "vary.train_share: 1 stands there twice"),
        ("cnn", "char_lm: [true, true]", "vary.char_lm: True stands there twice"),
        ("cnn", "train_share: [0]", "train_share: a share lies above 0 and is at most 1, not 0"),
        ("cnn", "train_share: [1.5]", "a share lies above 0 and is at most 1, not 1.5"),
        ("cnn", "train_share: [true]", "a share lies above 0 and is at most 1, not True"),
        ("cnn", "train_share: ['all']", "a share lies above 0 and is at most 1, not 'all'"),
        ("cnn", "char_lm: [3]", "char_lm: true, false or settings of char_lm, not 3"),
        ("cnn", "char_lm: [{seed: 3}]", "char_lm: seed: char_lm follows the suite's seeds"),
        ("cnn", "layers: [.nan]", "a number that is infinite or none"),
        ("words/random_forest", "char_lm: [true]", "'words/random_forest' is no reference"),
        ("cnn", "layrs: [1]", "studies: s.vary.layrs: 'cnn' has no such setting: .* 'layers'"),
        ("cnn", "name: [a]", "'cnn' has no such setting: Known"),
        ("words/random_forest", "tres: [1]", "has no such setting: did you mean 'trees'"),
        ("words/random_forest", "analyser: [w]", "did you mean 'analyzer'"),
        ("words/random_forest", "max_features: [1]", "both of the model and of the classifier"),
        ("bert/finetuned", "epoch: [1]", "has no such setting: did you mean 'epochs'"),
        ("mini/random_forest", "checkpoint: [a]", "'mini/random_forest' has no such setting"),
        ("cnn", "layers: [1, 9]", "studies: s:cnn@layers=9: .*layers"),
        (
            "cnn",
            "layers: [[1]]",
            r"studies: s:cnn@layers=\[1\]: .*: reference 'cnn', setting 'layers'",
        ),
        ("words/random_forest", "trees: [x]", "studies: s:words/random_forest@trees=x: classif"),
        ("cnn", "char_lm: [{unit: 3}]", "char_lm' has no setting 'unit': did you mean 'units'"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(
    log_folder: Path, tmp_path: Path, rows: str, vary: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        _plan(tmp_path, _study(rows, vary))
    assert "\n" not in str(caught.value)


def test_a_study_stands_there_once_and_names_its_seeds_once(
    log_folder: Path, tmp_path: Path
) -> None:
    one = "{name: s, rows: [cnn], vary: {layers: [1]}}"
    with pytest.raises(InputError, match="studies: 's' stands there twice"):
        _plan(tmp_path, f"{SUITE}studies: [{one}, {one}]\n")
    with pytest.raises(InputError, match=r"studies.0: seeds: 1 stands there twice"):
        _plan(tmp_path, _study("cnn", "layers: [1]", ", seeds: [1, 1]"))


def test_the_seed_of_char_lm_is_the_suite_s(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE.replace("{units: 16}", "{seed: 16}"))
    with pytest.raises(InputError, match=r"references.0.char_lm: seed: char_lm follows"):
        read(tmp_path / "suite.yaml")


def test_the_points_are_the_grid_times_the_seeds_in_the_order_of_the_file(
    log_folder: Path, tmp_path: Path
) -> None:
    added = _added(tmp_path, _study("cnn, random", "context: [300, 400], padding: [paper, masked]"))
    cells = [node.cell for node in added.values() if node.cell]
    assert len(added) == len(cells) == 2 * 2 * 2 * 2
    expected = product(("cnn", "random"), (300, 400), ("paper", "masked"), (0, 1))
    for cell, (row, context, padding, seed) in zip(cells, expected, strict=True):
        assert (cell.section, cell.model, cell.seed) == ("study", "reference", seed)
        assert cell.classifier == f"s:{row}@context={context},padding={padding}"
        vary = {"context": context, "padding": padding}
        assert cell.study == StudyPoint(name="s", row=row, vary=vary)
    settings = added["reference:s:cnn@context=300,padding=paper/1"].params["settings"]
    assert (settings["context"], settings["padding"]) == (300, "paper")


def test_points_share_corpus_labels_split_and_character_embeddings(
    log_folder: Path, tmp_path: Path
) -> None:
    added = _added(tmp_path, _study("cnn", "context: [300, 400]"))
    for name, node in added.items():
        seed = name[-1]
        assert node.needs == {
            "corpus": "corpus",
            "labels": "labels",
            "split": f"split/{seed}",
            "char_lm": f"char_lm:cnn/{seed}",
        }
        assert node.cell is not None and node.cell.roles == node.needs


def test_references_that_ask_for_the_same_embeddings_share_them(
    log_folder: Path, tmp_path: Path
) -> None:
    text = SUITE.replace("reference: cnn}", "reference: cnn, char_lm: {units: 16}}")
    plan = _plan(tmp_path, text)
    assert [name for name in plan if name.startswith("char_lm")] == [
        "char_lm:cnn/0",
        "char_lm:cnn/1",
    ]
    assert plan["reference:random/1"].needs["char_lm"] == "char_lm:cnn/1"
    node = plan["char_lm:cnn/1"]
    assert dict(node.needs) == {"corpus": "corpus", "split": "split/1"}
    assert set(node.params) == {"settings", "view", "seed", "device", "precision", "threads"}
    assert node.params["settings"]["units"] == 16 and len(node.params["settings"]) > 5
    assert node.params["view"]["text"] == "cleaned"
    assert "char_lm" not in _plan(tmp_path, SUITE)["reference:random/0"].needs


def test_char_lm_true_is_the_row_s_own_or_else_the_defaults(
    log_folder: Path, tmp_path: Path
) -> None:
    added = _added(tmp_path, _study("cnn, random", "char_lm: [true, false, {units: 8}]"))
    needs = {name: node.needs.get("char_lm") for name, node in added.items() if node.cell}
    assert needs["reference:s:cnn@char_lm=true/0"] == "char_lm:cnn/0"
    assert needs["reference:s:cnn@char_lm=false/0"] is None
    own = needs["reference:s:random@char_lm=true/0"]
    assert own == "char_lm:s:random@char_lm=true/0"
    assert added[own].params["settings"]["units"] == 1024
    other = 'char_lm:s:cnn@char_lm={"units":8}/0'
    assert needs['reference:s:random@char_lm={"units":8}/0'] == other
    assert added[other].params["settings"]["units"] == 8


def test_a_smaller_share_is_one_more_split_for_every_row(log_folder: Path, tmp_path: Path) -> None:
    rows = "cnn, tfidf-word/linear_svc, mini/random_forest-tuned"
    added = _added(tmp_path, _study(rows, "train_share: [0.5, 1.0]", ", seeds: [1]"))
    thin = "split/1@train_share=0.5"
    assert [node.params for node in added.values() if node.kind == "split"] == [
        {**_plan(tmp_path, SUITE)["split/1"].params, "train_share": 0.5}
    ]
    kinds = [node.kind for node in added.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "split": 1,
        "char_lm": 1,  # learns from the smaller side too
        "reference": 2,
        "embed": 2,
        "classify": 4,
        "adapt": 1,
    }
    assert added["embed:s:tfidf-word@train_share=0.5/1"].needs["split"] == thin
    assert added["adapt:s:mini@train_share=0.5/1"].needs["split"] == thin
    for name, node in added.items():
        if node.cell:
            assert node.needs["split"] == ("split/1" if "1.0" in name else thin), name


def test_an_embedding_that_learns_nothing_is_the_same_for_every_share(
    log_folder: Path, tmp_path: Path
) -> None:
    text = _study("mini/random_forest", "train_share: [0.5]").replace(", adapt: true", "")
    plan = _plan(tmp_path, text)
    cell = plan["classify:mini/s:random_forest@train_share=0.5/0"]
    assert cell.needs["vectors"] == "embed:mini"


def test_keys_find_the_model_the_classifier_and_the_fine_tuning(
    log_folder: Path, tmp_path: Path
) -> None:
    added = _added(
        tmp_path, _study("words/random_forest", "min_df: [3], trees: [7]", ", seeds: [0]")
    )
    assert added["embed:s:words@min_df=3/0"].params["settings"]["min_df"] == 3
    cell = added["classify:words/s:random_forest@min_df=3,trees=7/0"]
    assert cell.params["settings"]["trees"] == 7
    added = _added(tmp_path, _study("bert/finetuned", "context: [64], epochs: [1, 2]"))
    node = added["finetune:s:bert@context=64,epochs=2/1"]
    assert (node.params["settings"]["context"], node.params["finetune"]["epochs"]) == (64, 2)
    assert node.cell is not None
    assert (node.cell.model, node.cell.classifier) == ("bert", "s:finetuned@context=64,epochs=2")


def test_seeds_of_its_own_bring_what_those_seeds_need(log_folder: Path, tmp_path: Path) -> None:
    added = _added(tmp_path, _study("words/random_forest", "trees: [7, 8]", ", seeds: [1, 5]"))
    assert list(added) == [
        "classify:words/s:random_forest@trees=7/1",
        "split/5",
        "embed:words/5",
        "classify:words/s:random_forest@trees=7/5",
        "classify:words/s:random_forest@trees=8/1",
        "classify:words/s:random_forest@trees=8/5",
    ]


def _twins(plan: dict[str, Node]) -> Iterator[tuple[str, str]]:
    keys: dict[str, str] = {}
    for name in plan:
        key = _key(plan, name)
        if key in keys:
            yield keys[key], name
        keys.setdefault(key, name)


def test_points_that_change_nothing_have_the_row_s_key(log_folder: Path, tmp_path: Path) -> None:
    first = "{name: s, rows: [cnn, mini/random_forest], vary: {train_share: [1.0, 0.5]}}"
    second = "{name: t, rows: [cnn], vary: {context: [500, 300], train_share: [0.5]}}"
    text = SUITE.replace("[0, 1]", "[0]") + f"studies: [{first}, {second}]\n"
    assert dict(_twins(_plan(tmp_path, text))) == {
        "reference:cnn/0": "reference:s:cnn@train_share=1.0/0",
        "classify:mini/random_forest/0": "classify:mini/s:random_forest@train_share=1.0/0",
        "reference:s:cnn@train_share=0.5/0": "reference:t:cnn@context=500,train_share=0.5/0",
    }


def test_a_suite_without_studies_keeps_its_hash(tmp_path: Path) -> None:
    def hashed(text: str) -> str:
        (tmp_path / "suite.yaml").write_text(text)
        return suite_hash(read(tmp_path / "suite.yaml"))

    plain = "name: x\ncorpus: {loader: folder, path: logs}\nreferences: [cnn]\n"
    known = "193149610cb3ae6924c495659ee0d3e6eb9ca03b0e9277f5f2559967e49c0da8"
    assert hashed(plain) == hashed(f"{plain}studies: []\n") == known
    assert hashed(plain.replace("[cnn]", "[{name: cnn, char_lm: true}]")) != known
    assert hashed(f"{plain}studies: [{{name: s, rows: [cnn], vary: {{l2: [0]}}}}]\n") != known
