"""The plan: what depends on what, and therefore what is computed once."""

import json
from pathlib import Path

import pytest

from adapters.tiny import build_tiny, build_twin
from results.errors import InputError
from results.hashing import hash_file
from suite.node import Node
from suite.plan import make_plan
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


def _with_model(text: str) -> str:
    return SUITE.replace("  - {name: plain, adapter: minilm}\n", f"  - {{name: plain, {text}}}\n")


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    config = {"model_type": "llama", "max_position_embeddings": 256}
    return build_twin(tmp_path / "llama", config, ["a b c"])


def test_adapting_means_the_family_s_objective(
    log_folder: Path, tmp_path: Path, llama: Path
) -> None:
    plan = _plan(tmp_path, _with_model("adapter: llama, checkpoint: ./llama, adapt: true"))
    assert plan["adapt:plain/0"].params["objective"] == "causal"
    assert plan["adapt:adapted/0"].params["objective"] == "mlm"


def test_a_fine_tuned_model_is_a_row_of_its_own_and_not_embedded(
    log_folder: Path, tmp_path: Path
) -> None:
    plan = _plan(tmp_path, _with_model("adapter: minilm, finetune: {epochs: 3}"))
    node = plan["finetune:plain/1"]
    assert set(node.needs) == {"corpus", "labels", "split"}
    assert node.params["finetune"]["epochs"] == 3
    assert node.cell is not None and (node.cell.model, node.cell.classifier) == (
        "plain",
        "finetuned",
    )
    assert not any(name.startswith(("embed:plain", "classify:plain")) for name in plan)


def test_an_adapted_model_can_be_fine_tuned(log_folder: Path, tmp_path: Path) -> None:
    plan = _plan(tmp_path, _with_model("adapter: minilm, adapt: true, finetune: true"))
    assert plan["finetune:plain/0"].needs["adapted"] == "adapt:plain/0"
    assert plan["finetune:plain/0"].params["view"]["text"] == "masked"


def test_weights_that_are_not_at_hand_can_be_planned_but_not_run(
    log_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    text = _with_model("adapter: bert, checkpoint: nobody/nothing, adapt: true")
    with pytest.raises(InputError, match="'nobody/nothing' is no local folder"):
        _plan(tmp_path, text)
    nodes = make_plan(read(tmp_path / "suite.yaml"), hash_file, weights="optional")
    unknown = {node.id for node in nodes if node.unknown}
    assert {"adapt:plain/0", "embed:plain/1"} <= unknown
    assert all(name.startswith(("adapt:plain", "embed:plain")) for name in unknown)


def test_workers_share_an_adaptation_and_nothing_else(log_folder: Path, tmp_path: Path) -> None:
    plan = _plan(tmp_path, SUITE + "compute: {workers: 2}\n")
    assert plan["adapt:adapted/0"].workers == plan["adapt:adapted/0"].params["workers"] == 2
    assert {node.workers for name, node in plan.items() if "adapt:" not in name} == {1}


def test_the_path_of_an_adapter_s_file_enters_no_key(log_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text((Path(__file__).parents[2] / "examples" / "inner_layer.py").read_text())
    build_tiny(tmp_path / "tiny", ["a b c"])
    text = _with_model("adapter: ./own.py:InnerLayer, checkpoint: ./tiny, layer: 1")
    node = _plan(tmp_path, text)["embed:plain"]
    assert node.params["adapter"] == "InnerLayer"
    assert node.params["code"] == {"own.py": hash_file(file)}
    assert node.local["adapter"] == f"{file}:InnerLayer"
    assert str(tmp_path) not in json.dumps(node.params)
