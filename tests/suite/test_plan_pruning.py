"""Pruned models in the plan: a chain of steps, and a cell at each level."""

from pathlib import Path

import pytest

from results.errors import InputError
from results.hashing import hash_file
from suite.node import Node
from suite.plan import make_plan
from suite.plan_pruning import shares
from suite.spec import read

SUITE = """
name: mine
seeds: [0, 1]
corpus: {loader: folder, path: logs}
models:
  - name: small
    adapter: minilm
    finetune: {epochs: 2}
    prune: {levels: [0.2, 0.35], step: 0.1}
"""


def _plan(folder: Path, text: str = SUITE) -> dict[str, Node]:
    (folder / "suite.yaml").write_text(text)
    return {node.id: node for node in make_plan(read(folder / "suite.yaml"), hash_file)}


def test_each_step_starts_from_the_one_before(log_folder: Path, tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    before = [plan[f"compress:small@{s}/1"].needs["model"] for s in ("0.1", "0.2", "0.3", "0.35")]
    assert before == [
        "finetune:small/1",
        "compress:small@0.1/1",
        "compress:small@0.2/1",
        "compress:small@0.3/1",
    ]
    assert not any(plan[name].cell for name in plan if name.startswith("compress:small@"))


def test_a_level_is_a_cell_trained_from_the_state_at_its_share(
    log_folder: Path, tmp_path: Path
) -> None:
    node = _plan(tmp_path)["compress:small/pruned-35/0"]
    assert node.needs["model"] == "compress:small@0.35/0"
    assert (node.params["share"], node.params["final"]) == (0.35, True)
    assert "levels" not in node.params["prune"]
    assert node.cell is not None
    assert (node.cell.section, node.cell.classifier) == ("compress", "pruned-35")
    steps = [role for role in node.cell.roles if role.startswith("pruned-")]
    assert steps == ["pruned-10", "pruned-20", "pruned-30", "pruned-35"]
    assert node.cell.roles["finetuned"] == "finetune:small/0"


def test_adding_a_level_changes_no_job_of_another(log_folder: Path, tmp_path: Path) -> None:
    before = _plan(tmp_path)
    after = _plan(tmp_path, SUITE.replace("[0.2, 0.35]", "[0.2, 0.3, 0.35]"))
    assert {name: after[name].params for name in before} == {n: x.params for n, x in before.items()}


def test_another_last_training_changes_no_step_between(log_folder: Path, tmp_path: Path) -> None:
    before = _plan(tmp_path)
    ended = "step: 0.1, final_epochs: 9, patience: 4}"
    after = _plan(tmp_path, SUITE.replace("step: 0.1}", ended))
    changed = {name for name in before if after[name].params != before[name].params}
    assert changed == {f"compress:small/pruned-{s}/{seed}" for s in (20, 35) for seed in (0, 1)}


def test_steps_end_at_the_highest_level() -> None:
    assert shares([0.9, 0.5], 0.1) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert shares([0.25], 0.1) == [0.1, 0.2, 0.25]
    assert shares([0.05], 0.1) == [0.05]


def test_only_a_finetuned_model_is_pruned(log_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only a fine-tuned model is pruned; add `finetune`"):
        _plan(tmp_path, SUITE.replace("    finetune: {epochs: 2}\n", ""))


def test_a_level_that_leaves_no_neuron_is_refused_at_the_door(
    log_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="of 1536 neurons leaves less than one in a layer"):
        _plan(tmp_path, SUITE.replace("0.35]", "0.9995]"))


def test_an_unknown_setting_of_pruning_is_refused(log_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'prune' has no setting 'steps'"):
        _plan(tmp_path, SUITE.replace("step:", "steps:"))
