"""The plan: what depends on what, and therefore what is computed once."""

from pathlib import Path

import pytest

from results.errors import InputError
from results.hashing import hash_file
from suite.plan import Node, make_plan
from suite.spec import read

SUITE = """
name: mine
seeds: [0, 1]
corpus: {loader: folder, path: logs}
models:
  - {name: plain, adapter: minilm}
  - {name: adapted, adapter: minilm, adapt: true}
classifiers: [decision_tree, {name: random_forest, variants: [default, tuned]}]
references: [cnn]
"""


def _plan(folder: Path, text: str = SUITE) -> dict[str, Node]:
    (folder / "suite.yaml").write_text(text)
    return {node.id: node for node in make_plan(read(folder / "suite.yaml"), hash_file)}


def test_nodes_come_after_what_they_need(log_folder: Path, tmp_path: Path) -> None:
    seen: set[str] = set()
    for name, node in _plan(tmp_path).items():
        assert set(node.needs.values()) <= seen
        seen.add(name)


def test_the_cells_are_models_times_classifiers_times_seeds(
    log_folder: Path, tmp_path: Path
) -> None:
    cells = [node.cell for node in _plan(tmp_path).values() if node.cell]
    names = {(cell.section, cell.model, cell.classifier, cell.seed) for cell in cells}
    assert len(names) == len(cells) == 2 * (2 * 3 + 4 + 1)
    assert ("matrix", "adapted", "random_forest-tuned", 1) in names
    assert ("reference", "reference", "cnn", 0) in names


def test_an_embedding_depends_on_the_corpus_alone(log_folder: Path, tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    assert set(plan["embed:plain"].needs) == {"corpus"}
    assert "seed" not in plan["embed:plain"].params
    assert sum(name.startswith("embed:plain") for name in plan) == 1
    assert plan["embed:adapted/1"].needs["adapted"] == "adapt:adapted/1"


def test_adaptation_reads_train_only_unless_asked(log_folder: Path, tmp_path: Path) -> None:
    assert _plan(tmp_path)["adapt:adapted/0"].needs["split"] == "split/0"
    plan = _plan(tmp_path, SUITE.replace("adapt: true", "adapt: true, adapt_on: all"))
    assert "split" not in plan["adapt:adapted/0"].needs
    cell = plan["classify:adapted/decision_tree/0"].cell
    assert cell is not None and cell.marks == ("transductive adaptation",)


def test_labels_do_not_enter_what_is_embedded(log_folder: Path, tmp_path: Path) -> None:
    other = SUITE.replace("path: logs", "path: logs, relabel: {map: {ok: fine}}, label: label")
    before, after = _plan(tmp_path), _plan(tmp_path, other)
    for name in ("corpus", "embed:plain"):
        assert before[name].params == after[name].params
    assert before["labels"].params != after["labels"].params


def test_no_path_enters_a_key(log_folder: Path, tmp_path: Path) -> None:
    for node in _plan(tmp_path).values():
        assert str(tmp_path) not in repr(node.params)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    log_folder.rename(moved / "logs")
    here = _plan(moved)
    (moved / "logs").rename(tmp_path / "logs")
    there = _plan(tmp_path)
    assert {n: x.params for n, x in here.items()} == {n: x.params for n, x in there.items()}


def test_one_test_set_for_all_seeds_where_the_split_is_fixed(
    log_folder: Path, tmp_path: Path
) -> None:
    plan = _plan(tmp_path, SUITE + "split: {seed: 7}\n")
    assert [name for name in plan if name.startswith("split")] == ["split/7"]
    assert plan["classify:plain/decision_tree/1"].needs["split"] == "split/7"


def test_models_with_equal_settings_are_embedded_once(log_folder: Path, tmp_path: Path) -> None:
    twin = "  - {name: plain, adapter: minilm}\n  - {name: twin, adapter: minilm}"
    plan = _plan(tmp_path, SUITE.replace("  - {name: plain, adapter: minilm}", twin))
    assert "embed:twin" not in plan
    assert plan["classify:twin/decision_tree/0"].needs["vectors"] == "embed:plain"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("path: logs", "path: lgs", "lgs"),
        ("path: logs", "path: logs, patern: '*'", "no setting 'patern': did you mean 'pattern'"),
        ("adapter: minilm}", "adapter: minilm, contxt: 9}", "did you mean 'context'"),
        ("adapt: true", "adapt: {epoch: 1}", "no setting 'epoch': did you mean 'epochs'"),
        ("adapt: true", "adapt: {mask_share: 1.5}", "mask_share must lie between 0 and 1"),
        ("adapter: minilm,", "adapter: tfidf,", "has no weights to train"),
        ("[decision_tree,", "[{name: decision_tree, depth: 3},", "no setting 'depth'"),
        ("references: [cnn]", "references: [{name: cnn, contex: 1}]", "did you mean 'context'"),
        ("references: [cnn]", "split: {by: group}", "split.by: group needs corpus.group"),
    ],
)
def test_what_the_registries_do_not_know_is_refused(
    log_folder: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in SUITE
    with pytest.raises(InputError, match=message):
        _plan(tmp_path, SUITE.replace(old, new))
