"""Four bits are four bits: weights counted, experts included, a broken promise refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
)

from adapters import quantization
from adapters.pretrained import load_pretrained
from results.errors import InputError

_SIZE = {
    "vocab_size": 128,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 64,
}


@pytest.fixture(scope="module")
def mixtral(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixtral")
    torch.manual_seed(0)
    MixtralForCausalLM(MixtralConfig(**_SIZE, num_local_experts=4)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("llama")
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**_SIZE)).save_pretrained(folder)
    return folder


def _load(folder: Path, **options: Any) -> Any:
    return load_pretrained(folder, "AutoModel", dtype=torch.bfloat16, **options).model


def _pooled(model: Any) -> torch.Tensor:
    ids = torch.arange(32)[None] % 100
    with torch.inference_mode():
        return model(input_ids=ids).last_hidden_state.float().mean(dim=1)[0]


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_linear_layers_and_experts_are_held_in_4_bits(
    name: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(name)
    plain, packed = quantization.weigh(_load(folder)), _load(folder, quantize="nf4")
    weights = quantization.weigh(packed)
    assert weights.parameters == plain.parameters
    assert (plain.share_4bit_linear, weights.share_4bit_linear) == (0.0, 1.0)
    assert plain.bits_per_weight == pytest.approx(16, abs=0.1)
    assert weights.bits_per_weight < 8  # the embedding of so small a model stays in bf16


def test_the_bytes_are_those_of_the_packed_tensors(mixtral: Path) -> None:
    model = _load(mixtral, quantize="nf4")
    packed = sum(p.numel() for p in model.parameters() if p.dtype == torch.uint8)
    weights = quantization.weigh(model)
    in_4_bits = round(weights.share_4bit * weights.parameters)
    assert packed == in_4_bits / 2
    doubly_quantized_constants = in_4_bits / 64  # one byte per block of 64 weights
    assert weights.bytes_by_dtype["uint8"] == packed + doubly_quantized_constants


@pytest.mark.parametrize("name", ["llama", "mixtral"])
def test_vectors_stay_near_those_of_bf16(name: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(name)
    plain, packed = _pooled(_load(folder)), _pooled(_load(folder, quantize="nf4"))
    assert not torch.equal(plain, packed)
    assert torch.cosine_similarity(plain, packed, dim=0) > 0.95


def test_experts_quantized_while_loading_equal_those_quantized_afterwards(mixtral: Path) -> None:
    while_loading, afterwards = _load(mixtral, quantize="nf4"), _load(mixtral)
    quantization.quantize_experts(afterwards)
    for one, other in zip(while_loading.layers, afterwards.layers, strict=True):
        assert torch.equal(one.mlp.experts.gate_up_proj, other.mlp.experts.gate_up_proj)
        assert torch.equal(one.mlp.experts.down_proj, other.mlp.experts.down_proj)


def test_an_expert_is_stored_packed_and_read_in_its_shape(mixtral: Path) -> None:
    experts = _load(mixtral, quantize="nf4").layers[0].mlp.experts
    stored = experts.parametrizations.gate_up_proj.original
    assert (stored.dtype, stored.numel()) == (torch.uint8, 4 * 256 * 64 // 2)
    assert experts.gate_up_proj.shape == (4, 256, 64)


def test_a_quantization_that_skips_the_experts_breaks_its_promise(
    mixtral: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantization, "_is_expert", lambda model, path: False)
    with pytest.raises(
        InputError, match=r"only 1\d\.\d% of its linear and expert weights are in 4"
    ):
        _load(mixtral, quantize="nf4")


def test_widths_the_kernels_cannot_take_are_refused(tmp_path: Path) -> None:
    size = {**_SIZE, "hidden_size": 40, "num_attention_heads": 2, "head_dim": 20}
    LlamaForCausalLM(LlamaConfig(**size)).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="40 wide, the kernels need multiples of 32"):
        _load(tmp_path, quantize="nf4")


def test_host_memory_peaks_near_one_parameter_beyond_the_quantized_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LlamaForCausalLM(LlamaConfig(**{**_SIZE, "num_hidden_layers": 8})).save_pretrained(tmp_path)
    alive: list[int] = []
    pack = quantization._Quantize.convert

    def counted(self: Any, input_dict: Any, *names: Any, **kwargs: Any) -> Any:
        alive.append(_bf16_bytes(kwargs["model"]))
        return pack(self, input_dict, *names, **kwargs)

    monkeypatch.setattr(quantization._Quantize, "convert", counted)
    _load(tmp_path, quantize="nf4")
    embedding_and_norms = 128 * 64 * 2 + 17 * 64 * 2
    assert len(alive) == 8 * 7
    assert max(alive) <= embedding_and_norms


def _bf16_bytes(model: Any) -> int:
    """Bytes of the weights that lie in memory unpacked."""
    held = [p for p in model.parameters() if p.device.type != "meta" and p.dtype == torch.bfloat16]
    return sum(p.numel() * 2 for p in held)


def test_a_head_that_is_tied_to_the_embedding_is_counted_once() -> None:
    config = BertConfig(
        vocab_size=500, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=8,
    )  # fmt: skip
    model = BertForMaskedLM(config)
    weights = quantization.weigh(model)
    assert weights.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert weights.bits_per_weight == pytest.approx(32, rel=0.01)
