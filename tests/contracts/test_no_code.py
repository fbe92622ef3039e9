"""Checkpoints and data are read and never run: hostile ones are refused, or load as if harmless.

Each test plants code that would write a file, the marker, when it runs. The marker never appears;
that it would, were the file handed to Python's own loaders, is tested first.
"""

import json
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import load_file, save_file

from adapters import registry
from adapters.tiny import build_tiny
from classifiers.edge import EdgeModel
from corpora.table import rows_of
from embedders import vectors
from results.errors import InputError
from suite.spec import read


class Bomb:
    """Writes the marker when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "code-was-run"
    yield path
    assert not path.exists()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = ["radio started at code 7 <newline> link failed"] * 8
    return build_tiny(tmp_path_factory.mktemp("plain"), texts)


@pytest.fixture
def checkpoint(plain: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(plain, tmp_path / "checkpoint"))


def load(folder: Path, adapter: str = "huggingface", device: str = "cpu") -> Any:
    """Do what a run does with a checkpoint: identify it, then load it."""
    made = registry.make(adapter, {"checkpoint": str(folder), "context": 16})
    made.identity()
    return made.load(device=device, dtype="fp32")


def change(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**content, **changes}))


def plant(folder: Path, marker: Path) -> None:
    """Put a module into a checkpoint that writes the marker when it is imported."""
    (folder / "own.py").write_text(f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n")


def pickled(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb(marker), protocol=2))


def states(encoder: Any) -> torch.Tensor:
    found: torch.Tensor = encoder.states(torch.tensor([[2, 5, 6, 3]]), None)
    return found


def test_the_bombs_would_go_off(tmp_path: Path) -> None:
    pickled(tmp_path / "bomb", tmp_path / "marker")
    pickle.loads((tmp_path / "bomb").read_bytes())  # noqa: S301 - to see that it works
    assert (tmp_path / "marker").exists()
    plant(tmp_path, tmp_path / "second")
    exec((tmp_path / "own.py").read_text())
    assert (tmp_path / "second").exists()


def test_code_beside_a_known_architecture_is_left_alone(
    checkpoint: Path, plain: Path, marker: Path
) -> None:
    auto = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    change(checkpoint / "config.json", auto_map=auto)
    own = {"AutoTokenizer": ["own.Tokenizer", "own.Tokenizer"]}
    change(checkpoint / "tokenizer_config.json", auto_map=own, tokenizer_class="OwnTokenizer")
    plant(checkpoint, marker)
    assert torch.equal(states(load(checkpoint)), states(load(plain)))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_an_architecture_that_is_code_is_refused(
    checkpoint: Path, marker: Path, device: str
) -> None:
    auto = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    change(checkpoint / "config.json", model_type="own", auto_map=auto)
    plant(checkpoint, marker)
    with pytest.raises(InputError, match="run only where the suite says `remote_code: true`"):
        load(checkpoint, device=device)


def test_pickled_weights_beside_safetensors_are_not_looked_at(
    checkpoint: Path, plain: Path, marker: Path
) -> None:
    for name in ("pytorch_model.bin", "training_args.bin", "model.pt", "optimizer.pt"):
        pickled(checkpoint / name, marker)
    assert torch.equal(states(load(checkpoint)), states(load(plain)))


def test_pickled_weights_alone_are_refused(checkpoint: Path, marker: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    pickled(checkpoint / "pytorch_model.bin", marker)
    with pytest.raises(InputError, match=r"holds pickled weights only \(pytorch_model.bin\)"):
        load(checkpoint)


@pytest.mark.parametrize("name", ["bomb.bin", "../elsewhere.safetensors", "/tmp/x.safetensors"])
def test_an_index_that_leads_elsewhere_is_refused(
    checkpoint: Path, marker: Path, name: str
) -> None:
    keys = load_file(checkpoint / "model.safetensors")
    (checkpoint / "model.safetensors").rename(checkpoint / "rest.safetensors")
    pickled(checkpoint / "bomb.bin", marker)
    index = {"metadata": {}, "weight_map": dict.fromkeys(keys, name)}
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match=f"takes weights from '{name}', which is no safetensors"):
        load(checkpoint)


@pytest.mark.parametrize("name", ["adapter_model.bin", "sub/model.safetensors"])
def test_a_configuration_that_names_other_weights_is_refused(
    checkpoint: Path, marker: Path, name: str
) -> None:
    pickled(checkpoint / "adapter_model.bin", marker)
    change(checkpoint / "config.json", transformers_weights=name)
    with pytest.raises(InputError, match=f"takes weights from '{name}', which is no safetensors"):
        load(checkpoint)


@pytest.mark.parametrize("broken", ["[]", "{", '{"weight_map": [["x"]]}', '{"weight_map": 3}'])
def test_an_index_that_is_none_is_refused(checkpoint: Path, broken: str) -> None:
    (checkpoint / "model.safetensors.index.json").write_text(broken)
    with pytest.raises(InputError, match="no JSON object: get it anew|takes weights from"):
        load(checkpoint)


def test_an_adapter_beside_the_model_is_refused(checkpoint: Path, marker: Path) -> None:
    content = {"peft_type": "LORA", "r": 4, "target_modules": ["query"]}
    change(checkpoint / "adapter_config.json", **content, base_model_name_or_path="/elsewhere")
    pickled(checkpoint / "adapter_model.bin", marker)
    with pytest.raises(InputError, match=r"holds a peft adapter \(adapter_config.json\)"):
        load(checkpoint)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(
    "changes",
    [
        {"attn_implementation": "someone/kernel"},
        {"_attn_implementation": {"": "someone/kernel"}},
        {"experts_implementation": "someone/kernel@main:forward"},
        {"text_config": {"attn_implementation": "someone/kernel"}},
    ],
)
def test_a_configuration_that_would_fetch_kernels_is_refused(
    checkpoint: Path, changes: dict[str, Any], device: str
) -> None:
    change(checkpoint / "config.json", **changes)
    with pytest.raises(InputError, match=r"would have code fetched \(.*'someone/kernel"):
        load(checkpoint, device=device)


def updates(plain: Path, folder: Path, **more: Any) -> Path:
    """Write low-rank updates as `adapters.lora.save` does, with more in their configuration."""
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(plain / name, folder)
    width = json.loads((plain / "config.json").read_text())["hidden_size"]
    layer = "base_model.model.encoder.layer.0.attention.self.query"
    draw = torch.Generator().manual_seed(0)
    halves = {
        "A": torch.randn(2, width, generator=draw),
        "B": torch.randn(width, 2, generator=draw),
    }
    weights = {f"{layer}.lora_{half}.weight": tensor for half, tensor in halves.items()}
    save_file(weights, folder / "adapter_model.safetensors")
    content = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["query"]}
    change(folder / "adapter_config.json", **content, **more)
    return folder


def test_saved_updates_have_nothing_imported_or_read(
    plain: Path, tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """peft's file may name a module to import, and pickles to begin from."""
    plant(tmp_path, marker)
    monkeypatch.syspath_prepend(tmp_path)
    pickled(tmp_path / "cache.pt", marker)
    adapter = registry.make("huggingface", {"checkpoint": str(plain), "context": 16})
    hostile = {
        "base_model_name_or_path": "/elsewhere",
        "megatron_core": "own",
        "megatron_config": {"own": 1},
        "init_lora_weights": "corda",
        "corda_config": {"cache_file": str(tmp_path / "cache.pt")},
        "auto_mapping": {"parent_library": "own", "base_model_class": "Model"},
    }
    found = {
        name: states(
            adapter.load(
                device="cpu", dtype="fp32", checkpoint=updates(plain, tmp_path / name, **more)
            )
        )
        for name, more in {"harmless": {}, "hostile": hostile}.items()
    }
    assert torch.equal(found["harmless"], found["hostile"])
    assert not torch.equal(found["harmless"], states(load(plain)))


@pytest.mark.parametrize("kind", ["own.Transformer", "own.Model"])
def test_modules_of_sentence_transformers_are_never_imported(
    checkpoint: Path, marker: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    plant(checkpoint, marker)
    monkeypatch.syspath_prepend(checkpoint)
    modules = [{"idx": 0, "name": "0", "path": "", "type": kind}]
    (checkpoint / "modules.json").write_text(json.dumps(modules))
    if kind == "own.Transformer":  # known by the end of its name, and ours whatever is before it
        assert type(load(checkpoint, "sentence_transformers").model).__module__.startswith(
            "transformers."
        )
    else:
        with pytest.raises(InputError, match="has a module 'Model' .* cannot be reproduced here"):
            load(checkpoint, "sentence_transformers")


def test_vectors_of_objects_are_refused(tmp_path: Path, marker: Path) -> None:
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "ids.parquet")
    objects = np.array([Bomb(marker)], dtype=object)
    np.save(tmp_path / "vectors-00000.npy", objects, allow_pickle=True)
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        vectors.load(tmp_path)


def test_a_table_with_a_pickled_type_is_rows_of_text(tmp_path: Path, marker: Path) -> None:
    """Arrow once unpickled what a column's metadata holds (CVE-2023-47248)."""
    metadata = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Bomb(marker)),
    }
    schema = pa.schema([pa.field("text", pa.string(), metadata=metadata)])
    path = tmp_path / "logs.parquet"
    pq.write_table(pa.table({"text": ["link failed"]}, schema=schema), path)
    assert [row["text"] for _, row in rows_of(path)] == ["link failed"]
    assert pd.read_parquet(path)["text"].tolist() == ["link failed"]


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [{}]]",
        "!!python/object/new:pathlib.PosixPath [{}]",
        "!!python/name:os.system",
    ],
)
def test_a_suite_with_python_in_it_is_refused(tmp_path: Path, marker: Path, value: str) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(f"name: {value.format(marker)}\n")
    with pytest.raises(InputError, match="a tag .* stands for code") as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_an_exported_model_reads_no_other_file(tmp_path: Path) -> None:
    """ONNX may keep weights in files beside it, and name any file as one."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"four")
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=1)
    weight.external_data.add(key="location", value=str(secret))
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["y"])], "g", [], [out], [weight]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="not an ONNX file that onnxruntime .* can run"):
        EdgeModel.open(tmp_path / "model.onnx")
