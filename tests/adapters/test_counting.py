"""Closed forms against what transformers builds and what torch counts."""

from collections import Counter
from typing import Any

import pytest
import torch
import transformers
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModel

from adapters.catalogue import ENTRIES
from adapters.counting import ENCODER, count, language_model
from adapters.tiny import build_twin
from results.errors import InputError

WITH_HEAD = {
    "bert": "AutoModelForMaskedLM",
    "big_bird": "AutoModelForMaskedLM",
    "modernbert": "AutoModelForMaskedLM",
    "mpnet": "AutoModelForMaskedLM",
    "roberta": "AutoModelForMaskedLM",
    "t5": "AutoModelForSeq2SeqLM",
}
OTHERS = {
    "qwen2": {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4},
    "roberta": {"num_hidden_layers": 2},
}
KINDS = sorted({entry.config["model_type"] for entry in ENTRIES.values()})


def _full(config: dict[str, Any]) -> Any:
    numbers = {key: value for key, value in config.items() if key != "architectures"}
    return AutoConfig.for_model(**numbers)


def _bare(model: Any) -> Any:
    """What is embedded with: no pooler; of an encoder-decoder model the encoder."""
    if model.config.is_encoder_decoder:
        return model.get_encoder()
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


def _by_role(model: nn.Module) -> Counter[str]:
    roles: Counter[str] = Counter()
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, nn.Embedding):
                role = "embeddings"
            elif parameter.ndim == 3:
                role = "experts"
            elif isinstance(module, nn.Linear) and name == "weight":
                role = "linear"
            else:
                role = "norms" if "Norm" in type(module).__name__ else "rest"
            roles[role] += parameter.numel()
    return roles


@pytest.mark.parametrize("name", ENTRIES)
def test_the_encoder_of_every_entry_is_counted_exactly(name: str) -> None:
    config = ENTRIES[name].config
    with torch.device("meta"):
        model = _bare(AutoModel.from_config(_full(config)))
    counts, built = count(config), _by_role(model)
    assert counts.total == built.total()
    assert {role: counts.of(role) for role in built} == built  # type: ignore[arg-type]
    assert ENTRIES[name].dimension == model.config.hidden_size


@pytest.mark.parametrize("name", ENTRIES)
def test_the_language_model_of_every_entry_is_counted_exactly(name: str) -> None:
    config = ENTRIES[name].config
    kind = config["model_type"]
    with torch.device("meta"):
        make = getattr(transformers, WITH_HEAD.get(kind, "AutoModelForCausalLM"))
        model = make.from_config(_full(config))
    built = sum(parameter.numel() for parameter in model.parameters())
    if kind == "t5":  # its weights hold a head of their own; transformers 5.23 ties it here
        built += config["vocab_size"] * config["d_model"]
    assert count(config, language_model(config)).total == built


@pytest.mark.parametrize("kind", OTHERS)
def test_architectures_without_an_entry_are_counted_exactly(kind: str) -> None:
    full = AutoConfig.for_model(kind, **OTHERS[kind])
    with torch.device("meta"):
        model = _bare(AutoModel.from_config(full))
    assert count(full.to_dict()).total == _by_role(model).total()


def test_a_token_passes_over_six_of_mixtral_s_eight_experts() -> None:
    counts = count(ENTRIES["mixtral-8x7b"].config)
    assert counts.total - counts.active == counts.of("experts") * 6 // 8
    dense = count(ENTRIES["llama2-7b"].config)
    assert dense.active == dense.total


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny model of each architecture, bare, with the configuration it has."""

    def make(kind: str, **numbers: Any) -> tuple[Any, dict[str, Any]]:
        name = next(n for n, entry in ENTRIES.items() if entry.config["model_type"] == kind)
        folder = tmp_path_factory.mktemp(kind)
        build_twin(folder, {**ENTRIES[name].config, **numbers}, ["a b c"])
        model = AutoModel.from_pretrained(
            folder, attn_implementation="eager", experts_implementation="eager"
        )
        return _bare(model).eval(), model.config.to_dict()

    return make


@pytest.mark.parametrize("tokens", [64, 512])
@pytest.mark.parametrize("kind", KINDS)
def test_flops_are_those_that_torch_counts(twins: Any, kind: str, tokens: int) -> None:
    model, config = twins(kind)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(input_ids=torch.randint(5, 100, (1, tokens)))
    assert count(config).flops(tokens) == pytest.approx(counter.get_total_flops(), rel=0.03)


def test_bytes_in_four_bits_are_those_of_the_loaded_model(tmp_path: Any) -> None:
    from adapters import quantization

    build_twin(tmp_path, ENTRIES["mixtral-8x7b"].config, ["a b c"])
    model = AutoModel.from_pretrained(
        tmp_path,
        dtype=torch.bfloat16,
        quantization_config=quantization.nf4(),
        device_map={"": "cpu"},
    )
    held = sum(quantization.weigh(model).bytes_by_dtype.values())
    assert count(model.config.to_dict()).nf4_bytes == pytest.approx(held, rel=0.01)


def test_four_bits_and_sixteen_of_the_paper_s_large_models() -> None:
    llama, mixtral = (count(ENTRIES[name].config) for name in ("llama2-7b", "mixtral-8x7b"))
    assert llama.total == 6_607_343_616 and mixtral.total == 46_571_720_704
    for counts in (llama, mixtral):
        assert 0.25 < counts.nf4_bytes / counts.bf16_bytes < 0.31
        assert counts.bf16_bytes == 2 * counts.total


def test_parts_add_up() -> None:
    config = ENTRIES["flan-t5-large"].config
    parts = language_model(config)
    assert parts == ("encoder", "decoder", "head")
    assert sum(count(config, (part,)).total for part in parts) == count(config, parts).total
    assert count(config, ENCODER).total < count(config, ("decoder",)).total


def test_a_tied_head_is_computed_but_not_stored() -> None:
    config = ENTRIES["qwen3-embedding-0.6b"].config
    bare, headed = count(config), count(config, language_model(config))
    assert headed.total == bare.total
    assert headed.flops(10) - bare.flops(10) == 2 * 10 * 151669 * 1024


def test_what_cannot_be_counted_is_said() -> None:
    with pytest.raises(InputError, match=r"no closed form for model_type 'lama': .*'llama'"):
        count({"model_type": "lama"})
    with pytest.raises(InputError, match="configuration of a 'bert' model lacks 'hidden_size'"):
        count({"model_type": "bert", "vocab_size": 5})
