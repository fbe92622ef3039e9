"""The named models: what the hub publishes, and what the registry makes of them."""

import subprocess
import sys

import pytest
from transformers import AutoConfig

from adapters.catalogue import ENTRIES, by_checkpoint
from adapters.registry import ADAPTERS, make

# Totals of the checkpoints' safetensors as the hub's model pages show them, seen 2024 to 2026;
# without the position ids that older BERT-like checkpoints hold besides.
PUBLISHED = {
    "llama2-7b": 6_738_415_616,
    "llama3-8b": 8_030_261_248,
    "mistral-7b": 7_241_732_096,
    "mixtral-8x7b": 46_702_792_704,
    "flan-t5-base": 247_577_856,
    "flan-t5-large": 783_150_080,
    "bert-base-uncased": 110_106_428,
    "modernbert-base": 149_655_232,
    "qwen3-embedding-0.6b": 595_776_512,
    "all-minilm-l6-v2": 22_713_216,
    "all-mpnet-base-v2": 109_486_464,
}
PAPER = {
    "llama2-7b": (2048, 4096),
    "mixtral-8x7b": (512, 4096),
    "flan-t5-large": (512, 1024),
    "bert-base-uncased": (512, 768),
    "bigbird-roberta-base": (4096, 768),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_the_hub_shows(name: str) -> None:
    assert ENTRIES[name].parameters == PUBLISHED[name]


@pytest.mark.parametrize("name", PAPER)
def test_the_paper_s_models_have_its_contexts_and_dimensions(name: str) -> None:
    assert (ENTRIES[name].context, ENTRIES[name].dimension) == PAPER[name]


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_becomes_an_adapter_of_its_family(name: str) -> None:
    entry = ENTRIES[name]
    adapter = make(name, {})
    assert entry.family in ADAPTERS and adapter.context == entry.context
    assert adapter.config() == dict(entry.config)
    assert by_checkpoint(adapter.checkpoint) is entry
    kinds = adapter.family.model_types
    assert not kinds or entry.config["model_type"] in kinds


@pytest.mark.parametrize("name", ENTRIES)
def test_every_configuration_is_one_that_transformers_knows(name: str) -> None:
    numbers = {key: x for key, x in ENTRIES[name].config.items() if key != "architectures"}
    full = AutoConfig.for_model(**numbers)
    positions = getattr(full, "max_position_embeddings", None) or full.n_positions
    assert ENTRIES[name].context <= positions
    ignored = set(numbers) - set(full.to_dict()) - set(dir(full))
    assert not {key for key in ignored if "rope" not in key}


def test_checkpoints_are_named_once_and_an_unknown_one_has_no_entry() -> None:
    names = [entry.checkpoint for entry in ENTRIES.values()]
    assert len(set(names)) == len(names)
    assert by_checkpoint("nobody/nothing") is None


def test_the_catalogue_needs_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from adapters.catalogue import ENTRIES\n"
        "assert all(e.parameters and e.dimension for e in ENTRIES.values())\n"
        "assert not {'torch', 'transformers', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
