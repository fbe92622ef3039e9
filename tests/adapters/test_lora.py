"""Updates as files: what is saved goes back into a bare encoder and gives the same states."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForTextEncoding

from adapters import lora, lora_training, registry
from adapters.causal import Causal
from adapters.loading import quiet
from adapters.objective import LoraObjective, Request
from adapters.pretrained import bare_of
from adapters.seq2seq import Seq2Seq
from adapters.tiny import build_twin
from corpora.masking import SPECIAL_TOKENS
from results.errors import InputError

FAMILIES: dict[str, LoraObjective] = {
    "t5": Seq2Seq(rank=4),
    "llama": Causal(rank=4),
    "mistral": Causal(rank=4),
    "mixtral": Causal(rank=4),
    "qwen": Causal(rank=4),
}
TYPES = {"qwen": "qwen3"}


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory, log_documents: Any) -> dict[str, Path]:
    texts = [part for parts in log_documents for part in parts]
    folder = tmp_path_factory.mktemp("twins")
    return {
        name: build_twin(folder / name, {"model_type": TYPES.get(name, name)}, texts)
        for name in FAMILIES
    }


def changed(
    source: Path, name: str, out: Path, *, rows: bool = False, quantize: str | None = None
) -> lora_training.Prepared:
    """Prepare a model, move its updates (and new rows) at random, and save them."""
    settings = replace(FAMILIES[name], train_new_tokens=rows)
    request = Request(
        adapter=registry.make(name, {"checkpoint": str(source), "quantize": quantize}),
        texts=[],
        special_tokens=SPECIAL_TOKENS,
        out=out,
        scratch=out / "scratch",
        precision="fp32",
        workers=1,
        progress=None,
    )
    prepared = lora_training.prepare(settings, request)
    generator = torch.Generator().manual_seed(5)
    trained = [p for p in prepared.base.model.parameters() if p.requires_grad]
    for parameter in [*trained, *(prepared.rows.parameters() if prepared.rows else ())]:
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.data += 0.05 * noise.to(parameter.dtype)
    lora_training.save(settings, request, prepared)
    prepared.base.model.eval()
    return prepared


def states(model: Any, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=ids).last_hidden_state
    return found


@pytest.mark.parametrize("rows", [False, True], ids=["frozen-rows", "trained-rows"])
@pytest.mark.parametrize("name", FAMILIES)
def test_states_after_applying_are_those_of_the_trained_encoder(
    twins: dict[str, Path], tmp_path: Path, name: str, rows: bool
) -> None:
    prepared = changed(twins[name], name, tmp_path, rows=rows)
    ids = torch.tensor([[7, 8, *prepared.base.added, 9]])
    architecture = AutoModelForTextEncoding if name == "t5" else AutoModel
    with quiet():
        plain = architecture.from_pretrained(twins[name]).eval()
        untouched = states(plain, ids[:, :2])
        applied = lora.apply(plain, tmp_path / "checkpoint")
    expected = states(bare_of(prepared.base.model), ids)
    assert torch.equal(states(applied, ids), expected)
    assert not torch.equal(states(applied, ids[:, :2]), untouched)


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_states_over_4_bit_weights_are_those_of_the_trained_model(
    twins: dict[str, Path], tmp_path: Path, name: str
) -> None:
    prepared = changed(twins[name], name, tmp_path, rows=True, quantize="nf4")
    adapter = registry.make(name, {"checkpoint": str(twins[name]), "quantize": "nf4"})
    encoder = adapter.load(device="cpu", dtype="bf16", checkpoint=tmp_path / "checkpoint")
    for module in encoder.model.modules():  # the same kernels as in training
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    ids = torch.tensor([[7, 8, *prepared.base.added, 9]])
    assert torch.equal(encoder.states(ids, None), states(bare_of(prepared.base.model), ids))


@pytest.mark.parametrize("name", FAMILIES)
def test_an_adapter_loads_the_folder_on_top_of_its_checkpoint(
    twins: dict[str, Path], tmp_path: Path, name: str
) -> None:
    prepared = changed(twins[name], name, tmp_path)
    adapter = registry.make(name, {"checkpoint": str(twins[name])})
    encoder = adapter.load(device="cpu", dtype="fp32", checkpoint=tmp_path / "checkpoint")
    ids = torch.tensor([[7, 8, *prepared.base.added, 9]])
    assert torch.equal(encoder.states(ids, None), states(bare_of(prepared.base.model), ids))


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("name", ["t5", "llama"])
def test_peft_itself_reads_the_folder(twins: dict[str, Path], tmp_path: Path, name: str) -> None:
    prepared = changed(twins[name], name, tmp_path)
    architecture = AutoModelForTextEncoding if name == "t5" else AutoModel
    with quiet():
        plain = architecture.from_pretrained(twins[name])
        model = PeftModel.from_pretrained(plain, str(tmp_path / "checkpoint")).eval()
    ids = torch.tensor([[7, 8, 9]])
    assert torch.equal(states(model, ids), states(bare_of(prepared.base.model), ids))


def test_only_the_encoders_updates_are_saved(twins: dict[str, Path], tmp_path: Path) -> None:
    changed(twins["t5"], "t5", tmp_path)
    names = load_file(tmp_path / "checkpoint" / "adapter_model.safetensors")
    assert len(names) == 2 * 2 * 2  # A and B; q and v; layers
    assert all(name.startswith("base_model.model.encoder.block.") for name in names)


def test_the_files_name_no_place_and_have_one_order(twins: dict[str, Path], tmp_path: Path) -> None:
    changed(twins["t5"], "t5", tmp_path)
    text = (tmp_path / "checkpoint" / "adapter_config.json").read_text()
    assert str(twins["t5"]) not in text
    assert '"target_modules": [\n  "q",\n  "v"\n ]' in text


def test_applying_leaves_the_global_generator_alone(twins: dict[str, Path], tmp_path: Path) -> None:
    changed(twins["llama"], "llama", tmp_path)
    torch.rand(3)
    before = torch.get_rng_state()
    with quiet():
        lora.apply(AutoModel.from_pretrained(twins["llama"]), tmp_path / "checkpoint")
    assert torch.equal(torch.get_rng_state(), before)


def test_updates_of_another_architecture_are_refused(
    twins: dict[str, Path], tmp_path: Path
) -> None:
    changed(twins["t5"], "t5", tmp_path)
    with (
        quiet(),
        pytest.raises(InputError, match="does not fit a 'llama' model of this size"),
    ):
        lora.apply(AutoModel.from_pretrained(twins["llama"]), tmp_path / "checkpoint")


def test_updates_of_another_size_are_refused(twins: dict[str, Path], tmp_path: Path) -> None:
    changed(twins["llama"], "llama", tmp_path)
    path = tmp_path / "checkpoint" / "adapter_model.safetensors"
    save_file({name: value[:, :1].clone() for name, value in load_file(path).items()}, path)
    with quiet(), pytest.raises(InputError, match="name the checkpoint that was adapted"):
        lora.apply(AutoModel.from_pretrained(twins["llama"]), tmp_path / "checkpoint")
