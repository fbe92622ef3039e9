"""The families benchmark: its lines are well formed, and the large models are built as it says."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from adapters import quantization
from adapters.catalogue import ENTRIES
from adapters.counting import count

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def large_models(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import large_models

    return large_models


def _small(name: str) -> dict[str, object]:
    sizes = {
        "vocab_size": 320,
        "hidden_size": 128,
        "intermediate_size": 192,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    return {**ENTRIES[name].config, **sizes}


@pytest.mark.slow
def test_quick_prints_one_well_formed_figure_per_line() -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "families.py", "--quick"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 12
    for line in lines:
        assert {"figure", "value", "goal", "met", "conditions"} <= set(line)
        assert {"hardware", "versions"} <= set(line["conditions"])
        assert line["value"] is not None or (line["reason"] and not line["met"])
        assert line["goal"] is None or line["met"], line


@pytest.mark.parametrize("name", ["llama2-7b", "mixtral-8x7b"])
def test_a_model_built_layer_by_layer_is_in_four_bits_and_runs(
    large_models: ModuleType, name: str
) -> None:
    model = large_models.build(_small(name), device="cpu")
    weights = quantization.weigh(model)
    assert weights.share_4bit_linear == 1.0
    assert weights.parameters == count(_small(name)).total
    assert not [path for path, weight in model.named_parameters() if weight.device.type == "meta"]
    with torch.inference_mode():
        states = model(input_ids=torch.arange(3, 43)[None], use_cache=False).last_hidden_state
    assert states.shape == (1, 40, 128) and bool(states.isfinite().all())
    assert float(states.std()) > 0.1


def test_the_same_seed_gives_the_same_weights(large_models: ModuleType) -> None:
    config = _small("llama2-7b")
    first, second = (large_models.build(config, device="cpu") for _ in range(2))
    other = large_models.build(config, device="cpu", seed=1)
    states = [dict(model.state_dict()) for model in (first, second, other)]
    name = "layers.1.mlp.down_proj.weight"
    assert torch.equal(states[0][name], states[1][name])
    assert not torch.equal(states[0][name], states[2][name])
