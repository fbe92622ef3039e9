"""The rehearsal: the same suite on tiny twins, cut, and nothing downloaded."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.loading import RANDOM_WEIGHTS
from adapters.registry import OBJECTIVES
from adapters.tiny import build_tiny
from classifiers.registry import CHAR_LM, CLASSIFIERS, DETECTORS, FINETUNE, PRUNING, REFERENCES
from corpora.registry import LOADERS
from results.errors import InputError
from results.hashing import hash_file
from results.registry import find
from suite.plan import make_plan
from suite.sections import Compute
from suite.spec import Suite, read
from suite.tiny import CUTS, rehearsal

ROOT = Path(__file__).parents[2]
SUITE = """
name: mine
seeds: [3, 4]
corpus: {loader: tm500, num_documents: 1000, seed: 5}
models:
  - {name: bert, adapter: bert-base-uncased, adapt: {epochs: 9, block: 64}}
  - {name: minilm, adapter: minilm, context: 128}
  - {name: st, adapter: all-minilm-l6-v2, revision: main}
  - {name: qwen, adapter: qwen3-embedding-0.6b, quantize: nf4}
  - {name: bird, adapter: bigbird-roberta-base, finetune: true}
  - {name: words, adapter: tfidf}
classifiers: [decision_tree, embedding_cnn]
references: [cnn, {name: short, reference: cnn, context: 100}]
compute: {threads: 8, workers: 4}
"""


def _read(folder: Path, text: str = SUITE) -> Suite:
    (folder / "suite.yaml").write_text(text)
    return read(folder / "suite.yaml")


def _tiny(folder: Path, text: str = SUITE) -> Suite:
    return rehearsal(_read(folder, text), folder / "tiny")


def _checkpoint(suite: Suite, name: str) -> Path:
    (model,) = [model for model in suite.models if model.name == name]
    return Path(model.settings["checkpoint"])


def test_sizes_are_cut_and_all_else_stays(tmp_path: Path) -> None:
    full, tiny = _read(tmp_path), _tiny(tmp_path)
    assert (tiny.name, tiny.seeds) == ("mine-tiny", [3])
    assert tiny.corpus.settings == {"num_documents": 150, "median_chars": 500, "seed": 5}
    bert, *_, bird, _ = tiny.models
    assert bert.adapt is not None and bert.adapt.settings == {
        "epochs": 1,
        "batch_size": 4,
        "block": 64,
        "max_blocks": 24,
    }
    assert bird.finetune is not None
    assert bird.finetune.settings == {"epochs": 2, "batch_size": 4, "patience": 1}
    contexts = [reference.settings["context"] for reference in tiny.references]
    assert contexts == [2000, 100]
    assert [item.settings for item in tiny.classifiers] == [{}, {"epochs": 3, "patience": 2}]
    assert (tiny.compute.threads, tiny.compute.workers) == (1, 2)
    for kind in ("models", "classifiers", "references"):
        assert [x.name for x in getattr(tiny, kind)] == [x.name for x in getattr(full, kind)]
    assert (tiny.split, tiny.report) == (full.split, full.report)


STUDIES = """
name: mine
seeds: [3, 4]
corpus: {loader: tm500, num_documents: 1000}
classifiers: [embedding_cnn]
models: [{name: words, adapter: tfidf}]
references: [{name: cnn, char_lm: {units: 8}}, {name: random, reference: cnn}]
studies:
  - {name: a, rows: [cnn], vary: {context: [50000, 1000, 5000], layers: [1, 2, 4]}, seeds: [5, 6]}
  - {name: b, rows: [cnn], vary: {char_lm: [true, false], context: [1000, 50000]}}
  - {name: c, rows: [cnn, random], vary: {char_lm: [true, {units: 512}, false]}}
  - {name: d, rows: [random], vary: {char_lm: [true, {units: 512}]}}
  - {name: e, rows: [words/embedding_cnn, random], vary: {epochs: [30, 200], train_share: [0.5]}}
"""


def test_the_grids_of_studies_are_cut_to_their_ends_and_stay_grids(tmp_path: Path) -> None:
    tiny = _tiny(tmp_path, STUDIES)
    cut = {"units": 32, "epochs": 1, "max_chars": 20_000, "sequence": 32}
    assert tiny.references[0].char_lm is not None and tiny.references[1].char_lm is None
    assert tiny.references[0].char_lm.settings == {**cut, "units": 8}
    assert {study.name: study.vary for study in tiny.studies} == {
        "a": {"context": [2000, 1000], "layers": [1, 4]},
        "b": {"char_lm": [True, False], "context": [1000, 2000]},
        "c": {"char_lm": [cut, False]},
        "d": {"char_lm": [cut]},
        "e": {"epochs": [1, 3], "train_share": [0.5]},
    }
    assert [study.seeds for study in tiny.studies] == [[5], None, None, None, None]
    assert len(make_plan(tiny, hash_file)) > 20


def test_every_checkpoint_is_replaced_by_a_twin_that_says_so(tmp_path: Path) -> None:
    tiny = _tiny(tmp_path)
    kinds = {"bert": "bert", "minilm": "bert", "st": "bert", "qwen": "qwen3", "bird": "big_bird"}
    for name, kind in kinds.items():
        config = json.loads((_checkpoint(tiny, name) / "config.json").read_text())
        assert config["model_type"] == kind and config[RANDOM_WEIGHTS]
    assert (_checkpoint(tiny, "st") / "modules.json").is_file()
    models = {model.name: model for model in tiny.models}
    assert models["words"].settings == {}
    assert models["minilm"].adapter == "huggingface"
    assert models["minilm"].settings["context"] == 128
    assert models["qwen"].settings["quantize"] == "nf4"
    assert all(not node.unknown for node in make_plan(tiny, hash_file))


def test_twins_are_built_once(tmp_path: Path) -> None:
    first = _tiny(tmp_path)
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "tiny").rglob("*")}
    assert _tiny(tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "tiny").rglob("*")} == stamps


def test_a_twin_that_was_not_finished_is_built_again(tmp_path: Path) -> None:
    folder = _checkpoint(_tiny(tmp_path), "bert")
    before = hash_file(folder / "model.safetensors")
    (folder / ".complete").unlink()
    (folder / "model.safetensors").write_bytes(b"half")
    assert _checkpoint(_tiny(tmp_path), "bert") == folder
    assert hash_file(folder / "model.safetensors") == before


def test_another_corpus_is_another_twin(tmp_path: Path) -> None:
    one = _checkpoint(_tiny(tmp_path), "bert")
    other = _checkpoint(_tiny(tmp_path, SUITE.replace("seed: 5", "seed: 6")), "bert")
    assert one != other


def test_a_corpus_that_is_not_generated_stays_as_it_is(log_folder: Path, tmp_path: Path) -> None:
    text = SUITE.replace(
        "loader: tm500, num_documents: 1000, seed: 5", "loader: folder, path: logs"
    )
    assert _tiny(tmp_path, text).corpus == _read(tmp_path, text).corpus


def test_a_local_checkpoint_has_a_twin_too(log_folder: Path, tmp_path: Path) -> None:
    build_tiny(tmp_path / "own", ["a b c"])
    code = (ROOT / "examples" / "inner_layer.py").read_text()
    (tmp_path / "own.py").write_text(code)
    text = """
name: mine
corpus: {loader: folder, path: logs}
models:
  - {name: named, checkpoint: ./own}
  - {name: filed, adapter: "own.py:InnerLayer", checkpoint: ./own, layer: 1}
"""
    tiny = _tiny(tmp_path, text)
    twin = _checkpoint(tiny, "named")
    assert twin.is_relative_to(tmp_path / "tiny") and _checkpoint(tiny, "filed") == twin
    assert tiny.models[1].settings["layer"] == 1


def test_an_architecture_that_nobody_knows_is_refused(log_folder: Path, tmp_path: Path) -> None:
    text = """
name: mine
corpus: {loader: folder, path: logs}
models: [{name: strange, checkpoint: nobody/nothing}]
"""
    with pytest.raises(
        InputError, match=r"--tiny: the architecture of checkpoint 'nobody/nothing' is not known"
    ):
        _tiny(tmp_path, text)
    with pytest.raises(InputError, match="is not a folder: check the path"):
        _tiny(tmp_path, text.replace("nobody/nothing", "./missing"))


def test_every_cut_is_of_a_setting_that_exists() -> None:
    assert set(CUTS["compute"]) <= set(Compute.model_fields)
    registries = {
        "corpus": {"tm500": LOADERS["tm500"]},
        "adapt": OBJECTIVES,
        "finetune": FINETUNE,
        "prune": PRUNING,
        "detector": DETECTORS,
        "classifier": CLASSIFIERS,
        "reference": REFERENCES,
        "char_lm": CHAR_LM,
    }
    assert {*registries, "compute"} == set(CUTS)
    for section, registry in registries.items():
        known = {
            field.name
            for name in registry
            for field in dataclasses.fields(find(section, name, registry))
        }
        assert set(CUTS[section]) <= known


def test_the_cuts_are_documented() -> None:
    table = (ROOT / "docs" / "plan.md").read_text().partition("## Rehearsal")[2]
    for section, cuts in CUTS.items():
        for most in cuts.values():
            assert f"{most:,}" in table, (section, most)


def test_a_rehearsal_is_planned_from_the_command_line(
    logmark: Callable[..., Any], log_folder: Path, tmp_path: Path
) -> None:
    text = SUITE.replace(
        "loader: tm500, num_documents: 1000, seed: 5", "loader: folder, path: logs"
    )
    (tmp_path / "suite.yaml").write_text(text)
    done = logmark("plan", "suite.yaml", "--tiny")
    assert done.returncode == 0, done.stderr
    assert "weights unknown" not in done.stdout and " embed:qwen " in done.stdout
    assert len(list((tmp_path / "runs" / "tiny").iterdir())) == 5
