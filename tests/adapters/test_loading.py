"""Loading refuses what it would otherwise have to guess."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, RobertaConfig, T5Config, T5Model

from adapters.loading import load_encoder, load_tokenizer, resolve_context
from results.errors import InputError


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


def load(folder: Path, **changed: Any) -> Any:
    return load_encoder(folder, **{"context": None, "device": "cpu", "dtype": "fp32", **changed})


class Limit:
    """A tokenizer that declares nothing but its limit."""

    def __init__(self, limit: int) -> None:
        self.model_max_length = limit


def test_the_context_defaults_to_the_models_limit(tiny: Path) -> None:
    assert load(tiny).context == 64
    assert load(tiny, context=10).context == 10


@pytest.mark.parametrize(
    ("config", "tokenizer_limit", "context"),
    [
        (BertConfig(max_position_embeddings=512), 10**30, 512),
        (BertConfig(max_position_embeddings=512), 256, 256),
        (RobertaConfig(max_position_embeddings=514, pad_token_id=1), 10**30, 512),
        (T5Config(n_positions=512), 10**30, 512),
    ],
)
def test_the_limit_is_the_smaller_of_model_and_tokenizer(
    config: Any, tokenizer_limit: int, context: int
) -> None:
    assert resolve_context(None, config, Limit(tokenizer_limit), name="m") == context


def test_a_context_beyond_the_models_is_refused(tiny: Path) -> None:
    with pytest.raises(InputError, match="context 65 is more than model .* takes: at most 64"):
        load(tiny, context=65)


def test_a_model_without_a_limit_needs_a_context() -> None:
    config: Any = type("Config", (), {"model_type": "unlimited"})()
    with pytest.raises(InputError, match="declares no limit of its context: set `context`"):
        resolve_context(None, config, Limit(10**30), name="m")
    assert resolve_context(4096, config, Limit(10**30), name="m") == 4096


def test_a_context_without_room_is_refused(tiny: Path) -> None:
    with pytest.raises(InputError, match="context 2 leaves no room beside the special tokens"):
        load(tiny, context=2)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dtype": "bf61"}, "unknown dtype 'bf61': did you mean 'bf16'"),
        ({"device": "gpu"}, "device 'gpu' is unknown"),
    ],
)
def test_an_unknown_device_or_dtype_is_refused(
    tiny: Path, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        load(tiny, **changed)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_gpu_is_said(tiny: Path) -> None:
    with pytest.raises(InputError, match="has no CUDA device"):
        load(tiny, device="cuda")


def test_weights_that_would_be_random_are_refused(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    name = next(key for key in weights if key.endswith("layer.1.output.dense.weight"))
    del weights[name]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lacks 1 of the encoder's weights .* would be random"):
        load(copy)


def test_an_unknown_architecture_is_refused_in_one_line(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "model_type": "novel"}))
    with pytest.raises(InputError, match="cannot use its config.json") as info:
        load(copy)
    assert "\n" not in str(info.value)


def test_code_in_a_checkpoint_is_never_run(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    auto = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    changed = {**config, "model_type": "novel", "auto_map": auto}
    (copy / "config.json").write_text(json.dumps(changed))
    (copy / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(InputError, match="run only where the suite says `remote_code: true`"):
        load(copy)


def test_damaged_weights_are_refused(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(InputError, match="unusable weights"):
        load(copy)


@pytest.mark.parametrize("dtype", ["fp32", "bf16", "fp64"])
def test_states_have_the_dtype_asked_for(tiny: Path, dtype: str) -> None:
    states = load(tiny, dtype=dtype).states(torch.tensor([[2, 5, 6, 3]]), None)
    assert states.shape == (1, 4, 32)
    assert (
        states.dtype
        == {"fp32": torch.float32, "bf16": torch.bfloat16, "fp64": torch.float64}[dtype]
    )


def test_padding_does_not_reach_the_other_tokens(tiny: Path) -> None:
    encoder = load(tiny)
    alone = encoder.states(torch.tensor([[2, 5, 6, 3]]), None)
    padded = torch.tensor([[2, 5, 6, 3, 0, 0]])
    states = encoder.states(padded, (padded != 0).long())[:, :4]
    torch.testing.assert_close(states, alone, atol=1e-6, rtol=0)


def test_an_encoder_decoder_gives_its_encoder(tiny: Path, tmp_path: Path) -> None:
    config = T5Config(
        vocab_size=400,
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=0,
    )
    T5Model(config).save_pretrained(tmp_path)
    load_tokenizer(tiny).save_pretrained(tmp_path)
    encoder = load(tmp_path)
    assert encoder.states(torch.tensor([[2, 5, 3]]), None).shape == (1, 3, encoder.dimension)
    assert not any("decoder" in name for name, _ in encoder.model.named_parameters())
