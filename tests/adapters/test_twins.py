"""Tiny twins: a random checkpoint of every architecture, with a tokenizer of the family's kind."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoConfig, AutoTokenizer

from adapters.checkpoints import identify
from adapters.loading import load_config, load_encoder
from adapters.tiny import build_twin
from adapters.tiny_configs import read_config
from results.errors import InputError

TEXTS = [f"I: step {n} of cell {n % 5} took {7 * n} ms\nlink failed at <hex>" for n in range(40)]
MODEL_TYPES = ["bert", "t5", "llama", "mistral", "mixtral", "big_bird", "modernbert", "qwen3"]
OTHERS = ["roberta", "distilbert", "mpnet", "electra", "albert", "xlm-roberta", "bart", "olmo2"]
FLAN = {
    "model_type": "t5",
    "architectures": ["T5ForConditionalGeneration"],
    "d_model": 1024,
    "d_ff": 2816,
    "d_kv": 64,
    "num_heads": 16,
    "num_layers": 24,
    "num_decoder_layers": 24,
    "feed_forward_proj": "gated-gelu",
    "is_encoder_decoder": True,
    "n_positions": 512,
    "tie_word_embeddings": False,
    "vocab_size": 32128,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
}


def twin(folder: Path, **config: Any) -> Path:
    return build_twin(folder, config, TEXTS)


def special_tokens_around_a_text(folder: Path) -> tuple[list[str], list[str]]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoder = load_encoder(folder, context=64, device="cpu", dtype="fp32")
    window = encoder.wrap([-1])
    prefix, suffix = window[: window.index(-1)], window[window.index(-1) + 1 :]
    return tokenizer.convert_ids_to_tokens(prefix), tokenizer.convert_ids_to_tokens(suffix)


@pytest.mark.parametrize("kind", [*MODEL_TYPES, *OTHERS])
def test_a_twin_of_every_architecture_loads_and_computes(kind: str, tmp_path: Path) -> None:
    encoder = load_encoder(
        twin(tmp_path, model_type=kind), context=None, device="cpu", dtype="fp32"
    )
    window = encoder.wrap(encoder.tokenize(["cell 3 took 21 ms"])[0])
    states = encoder.states(torch.tensor([window]), None)
    assert states.shape == (1, len(window), 64) and states.isfinite().all()
    assert encoder.audit()["random_weights"] is True


@pytest.mark.parametrize("kind", [*MODEL_TYPES, *OTHERS])
def test_layers_are_multiples_of_64_wide_so_that_nf4_works(kind: str, tmp_path: Path) -> None:
    encoder = load_encoder(twin(tmp_path, model_type=kind), context=64, device="cpu", dtype="fp32")
    linear = [m for m in encoder.model.modules() if isinstance(m, torch.nn.Linear)]
    assert linear and all(layer.in_features % 64 == 0 for layer in linear)


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from adapters.tiny import build_twin; "
        f"[build_twin(Path(sys.argv[1]) / kind, {{'model_type': kind}}, {TEXTS!r}) "
        f"for kind in {MODEL_TYPES!r}]"
    )
    there = tmp_path / "there"
    subprocess.run([sys.executable, "-c", code, str(there)], check=True, capture_output=True)
    for kind in MODEL_TYPES:
        assert identify(twin(tmp_path / kind, model_type=kind)) == identify(there / kind)


def test_the_generator_of_the_process_is_left_alone(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    twin(tmp_path, model_type="bert")
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("kind", "prefix", "suffix"),
    [
        ("bert", ["[CLS]"], ["[SEP]"]),
        ("big_bird", ["[CLS]"], ["[SEP]"]),
        ("modernbert", ["[CLS]"], ["[SEP]"]),
        ("roberta", ["<s>"], ["</s>"]),
        ("llama", ["<s>"], []),
        ("mixtral", ["<s>"], []),
        ("t5", [], ["</s>"]),
        ("qwen3", [], ["<|endoftext|>"]),
    ],
)
def test_special_tokens_stand_where_the_family_has_them(
    kind: str, prefix: list[str], suffix: list[str], tmp_path: Path
) -> None:
    assert special_tokens_around_a_text(twin(tmp_path, model_type=kind)) == (prefix, suffix)


@pytest.mark.parametrize("kind", ["llama", "mistral", "mixtral"])
def test_the_llama_kind_has_no_token_to_pad_with(kind: str, tmp_path: Path) -> None:
    folder = twin(tmp_path, model_type=kind, pad_token_id=0)
    assert AutoTokenizer.from_pretrained(folder).pad_token is None
    assert load_config(folder).pad_token_id is None


@pytest.mark.parametrize("kind", MODEL_TYPES)
def test_no_character_of_a_log_line_is_unknown(kind: str, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(twin(tmp_path, model_type=kind))
    ids = tokenizer("E: {0xff} ~ [a|b] $9 100% <new>; QZ?!")["input_ids"]
    assert tokenizer.unk_token is None or tokenizer.unk_token_id not in ids


@pytest.mark.parametrize(
    ("kind", "positions", "context"),
    [("bert", 512, 512), ("roberta", 514, 512), ("big_bird", 4096, 4096), ("llama", 4096, 4096)],
)
def test_the_context_is_the_sources(
    kind: str, positions: int, context: int, tmp_path: Path
) -> None:
    folder = twin(tmp_path, model_type=kind, max_position_embeddings=positions)
    assert load_encoder(folder, context=None, device="cpu", dtype="fp32").context == context


def test_flan_t5_keeps_its_gates_its_untied_head_and_its_context(tmp_path: Path) -> None:
    folder = twin(tmp_path, **FLAN)
    weights = load_file(folder / "model.safetensors")
    assert "encoder.block.1.layer.1.DenseReluDense.wi_1.weight" in weights
    assert not torch.equal(weights["lm_head.weight"], weights["shared.weight"])
    assert load_encoder(folder, context=None, device="cpu", dtype="fp32").context == 512


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("bert", "BertForMaskedLM"),
        ("t5", "T5ForConditionalGeneration"),
        ("llama", "LlamaForCausalLM"),
        ("mistral", "MistralForCausalLM"),
        ("mixtral", "MixtralForCausalLM"),
        ("big_bird", "BigBirdForMaskedLM"),
        ("modernbert", "ModernBertForMaskedLM"),
        ("qwen3", "Qwen3ForCausalLM"),
    ],
)
def test_the_head_that_adaptation_trains_is_there(kind: str, head: str, tmp_path: Path) -> None:
    folder = twin(tmp_path, model_type=kind)
    assert load_config(folder).architectures == [head]
    _, report = getattr(transformers, head).from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]


@pytest.mark.parametrize(("experts", "kept"), [(4, 4), (8, 8), (64, 8)])
def test_a_mixture_keeps_up_to_8_experts_in_one_parameter(
    experts: int, kept: int, tmp_path: Path
) -> None:
    folder = twin(tmp_path, model_type="mixtral", num_local_experts=experts)
    encoder = load_encoder(folder, context=64, device="cpu", dtype="fp32")
    fused = [p for p in encoder.model.parameters() if p.ndim == 3]
    assert len(fused) == 4 and {parameter.shape[0] for parameter in fused} == {kept}


def test_grouped_keys_stay_grouped(tmp_path: Path) -> None:
    grouped = twin(tmp_path / "8b", model_type="llama", num_key_value_heads=8)
    plain = twin(tmp_path / "7b", model_type="llama", num_key_value_heads=32)
    heads = [load_config(folder).num_key_value_heads for folder in (grouped, plain)]
    assert heads == [1, 2] and load_config(plain).num_attention_heads == 2


def test_big_bird_is_block_sparse_and_meets_it_within_256_tokens(tmp_path: Path) -> None:
    config = load_config(twin(tmp_path, model_type="big_bird"))
    assert config.attention_type == "block_sparse"
    assert (5 + 2 * config.num_random_blocks) * config.block_size < 256


def test_nothing_of_the_source_that_binds_it_elsewhere_is_kept(tmp_path: Path) -> None:
    folder = twin(
        tmp_path,
        model_type="llama",
        dtype="bfloat16",
        auto_map={"AutoModel": "evil.Model"},
        quantization_config={"quant_method": "awq"},
        vocab_size=32000,
    )
    config = json.loads((folder / "config.json").read_text())
    assert not {"auto_map", "quantization_config"} & set(config)
    assert config["dtype"] == "float32" and config["vocab_size"] < 600


@pytest.mark.parametrize(
    ("pooling", "switch"),
    [
        ("mean", "pooling_mode_mean_tokens"),
        ("last", "pooling_mode_lasttoken"),
        ("first", "pooling_mode_cls_token"),
    ],
)
def test_the_layout_of_sentence_transformers_is_written_when_asked_for(
    pooling: Any, switch: str, tmp_path: Path
) -> None:
    build_twin(tmp_path, {"model_type": "bert"}, TEXTS, sentence_transformers=pooling)
    modules = json.loads((tmp_path / "modules.json").read_text())
    assert [module["path"] for module in modules] == ["", "1_Pooling"]
    chosen = json.loads((tmp_path / "1_Pooling" / "config.json").read_text())
    assert [key for key, on in chosen.items() if on is True] == [switch]
    assert load_config(tmp_path).architectures == ["BertModel"]


def test_sentence_transformers_itself_reads_that_layout(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    build_twin(tmp_path, {"model_type": "bert"}, TEXTS, sentence_transformers="mean")
    assert SentenceTransformer(str(tmp_path), device="cpu").encode(["cell 3"]).shape == (1, 64)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "lama"}, "model_type 'lama', unknown to transformers: did you mean"),
        ({}, "model_type '', unknown to transformers: name one that"),
        ({"model_type": "clip"}, "model_type 'clip': it is made of several models"),
        ({"model_type": "vit"}, "model_type 'vit': it is no language model"),
        ({"model_type": "deepseek_v3"}, "'deepseek_v3': made narrow it does not run"),
    ],
)
def test_what_has_no_twin_is_refused_in_one_line(
    config: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said) as info:
        twin(tmp_path, **config)
    assert "\n" not in str(info.value)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_the_full_size_configuration_is_read_as_transformers_does(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(FLAN))
    assert read_config(FLAN).to_dict()["d_ff"] == AutoConfig.from_pretrained(tmp_path).d_ff
