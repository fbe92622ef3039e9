"""What is particular about each family, on tiny twins of its architecture."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters import registry
from adapters.tiny import build_twin
from results.errors import InputError

TEXTS = ["test run step failed on port 7", "link down after 12 ms", "all steps passed"]
LONG = {"max_position_embeddings": 1024}
CONFIGS: dict[str, dict[str, Any]] = {
    "bert": {"model_type": "bert"},
    "bigbird": {"model_type": "big_bird", **LONG},
    "llama": {"model_type": "llama", **LONG},
    "mistral": {"model_type": "mistral", **LONG},
    "mixtral": {"model_type": "mixtral", **LONG},
    "modernbert": {"model_type": "modernbert", **LONG},
    "qwen": {"model_type": "qwen3", **LONG},
    "t5": {"model_type": "t5", "feed_forward_proj": "gated-gelu"},
}

Load = Callable[..., Any]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("twins")
    return {name: build_twin(root / name, config, TEXTS) for name, config in CONFIGS.items()}


@pytest.fixture(scope="module")
def load(twins: dict[str, Path]) -> Load:
    def loaded(name: str, dtype: str = "fp32", **settings: Any) -> Any:
        adapter = registry.make(name, {"checkpoint": str(twins[name]), **settings})
        return adapter.load(device="cpu", dtype=dtype)

    return loaded


def _states(encoder: Any, length: int) -> torch.Tensor:
    ids = torch.arange(length)[None] % 50 + 10
    states: torch.Tensor = encoder.states(ids, None)
    return states


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_a_family_refuses_a_checkpoint_of_another(name: str, twins: dict[str, Path]) -> None:
    other = "t5" if name != "t5" else "bert"
    adapter = registry.make(name, {"checkpoint": str(twins[other])})
    with pytest.raises(InputError, match="use `adapter: huggingface`, which takes any"):
        adapter.load(device="cpu", dtype="fp32")


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_every_family_works_in_4_bits_when_asked(name: str, load: Load) -> None:
    packed, plain = load(name, quantize="nf4"), load(name, dtype="bf16")
    audit = packed.audit()
    assert audit["quantization"] == "nf4"
    assert audit["share_4bit_linear"] >= 0.99
    for length in (30, 30, 12):  # the CPU's kernels repack the weights after the first
        one, other = (_states(encoder, length).float().mean(dim=1) for encoder in (packed, plain))
        assert torch.cosine_similarity(one, other).item() > 0.9


def test_the_attention_that_was_used_is_on_the_record(load: Load) -> None:
    used = {name: load(name).audit()["attention"] for name in ("bert", "llama", "bigbird")}
    assert used == {"bert": "sdpa", "llama": "sdpa", "bigbird": "eager"}


def test_flash_attention_that_cannot_be_had_is_refused(twins: dict[str, Path]) -> None:
    adapter = registry.make("llama", {"checkpoint": str(twins["llama"])})
    with pytest.raises(InputError, match="'flash_attention_2' or 4-bit weights cannot be had"):
        adapter.load(device="cpu", dtype="bf16", attention="flash_attention_2")


def test_of_t5_only_the_encoder_is_loaded(load: Load) -> None:
    assert not any("decoder" in name for name, _ in load("t5").model.named_parameters())


@pytest.mark.parametrize("name", ["llama", "mistral", "mixtral"])
def test_padding_behind_changes_nothing_without_a_padding_token(name: str, load: Load) -> None:
    encoder = load(name)
    ids = torch.tensor([[1, 20, 21, 22, 0, 0], [1, 30, 31, 32, 33, 34]])
    mask = torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])
    alone = encoder.states(ids[:1, :4], None)
    assert torch.allclose(encoder.states(ids, mask)[:1, :4], alone, atol=1e-5)


def test_a_short_window_leaves_bigbird_s_next_long_one_alone(load: Load) -> None:
    fresh, used = load("bigbird"), load("bigbird")
    _states(used, 20)
    assert used.model.attention_type == "original_full"
    assert torch.equal(_states(used, 512), _states(fresh, 512))
    assert fresh.model.attention_type == used.model.attention_type == "block_sparse"


def test_a_short_window_padded_into_a_long_batch_stays_what_it_is_alone(load: Load) -> None:
    encoder = load("bigbird")
    ids = torch.arange(2 * 300).view(2, 300) % 50 + 10
    mask = torch.ones_like(ids)
    mask[0, 40:] = 0
    together, alone = encoder.states(ids, mask), encoder.states(ids[:1, :40], None)
    assert torch.allclose(together[:1, :40], alone, atol=1e-6)
    assert torch.equal(together[1:], encoder.states(ids[1:], None))
    assert encoder.model.attention_type == "block_sparse"


def test_qwen_embeds_by_its_last_token_unless_told_otherwise(load: Load) -> None:
    assert load("qwen").pooling == "last"
    assert load("qwen", pooling="mean").pooling == "mean"


def test_a_context_longer_than_the_model_s_is_refused(load: Load) -> None:
    with pytest.raises(InputError, match="context 2048 is more than model 'llama' takes: at most"):
        load("llama", context=2048)


@pytest.fixture
def sentences(twins: dict[str, Path], tmp_path: Path) -> Path:
    """A checkpoint in the layout of sentence-transformers, with a shorter input of its own."""
    folder = shutil.copytree(twins["bert"], tmp_path / "sentences")
    module = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    pooling = {**module, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}
    (folder / "modules.json").write_text(json.dumps([module, pooling]))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 40}))
    (folder / "1_Pooling").mkdir()
    _pool_by(folder, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    return folder


def _pool_by(folder: Path, settings: dict[str, Any]) -> None:
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings))


def _sentence_adapter(folder: Path, **settings: Any) -> Any:
    return registry.make("sentence_transformers", {"checkpoint": str(folder), **settings})


@pytest.mark.parametrize(
    ("settings", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "first"),
        ({"pooling_mode_mean_tokens": True, "include_prompt": True}, "mean"),
        ({"pooling_mode_lasttoken": True}, "last"),
        ({"pooling_mode": "lasttoken"}, "last"),
    ],
)
def test_a_sentence_model_keeps_its_own_pooling_and_context(
    sentences: Path, settings: dict[str, Any], pooling: str
) -> None:
    _pool_by(sentences, settings)
    encoder = _sentence_adapter(sentences).load(device="cpu", dtype="fp32")
    assert (encoder.pooling, encoder.context) == (pooling, 40)


def test_the_pooling_is_part_of_a_sentence_model_s_identity(sentences: Path) -> None:
    before = _sentence_adapter(sentences).identity()
    _pool_by(sentences, {"pooling_mode": "mean"})
    assert _sentence_adapter(sentences).identity() != before


@pytest.mark.parametrize("settings", [{"pooling_mode_max_tokens": True}, {"pooling_mode": "max"}])
def test_a_pooling_that_cannot_be_reproduced_is_refused(
    sentences: Path, settings: dict[str, Any]
) -> None:
    _pool_by(sentences, settings)
    with pytest.raises(InputError, match="only the mean, the last or the first token"):
        _sentence_adapter(sentences).load(device="cpu", dtype="fp32")


def test_a_dense_layer_behind_the_pooling_is_refused(sentences: Path) -> None:
    modules = json.loads((sentences / "modules.json").read_text())
    dense = {"path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    (sentences / "modules.json").write_text(json.dumps([*modules, dense]))
    with pytest.raises(InputError, match=r"a module 'Dense' \(2_Dense\) that cannot be reproduced"):
        _sentence_adapter(sentences).load(device="cpu", dtype="fp32")


def test_code_in_a_checkpoint_is_run_and_hashed_where_the_suite_says_so(
    twins: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(twins["bert"], tmp_path / "own_code")
    config = json.loads((folder / "config.json").read_text())
    auto = {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"}
    (folder / "config.json").write_text(
        json.dumps({**config, "model_type": "own", "auto_map": auto})
    )
    (folder / "own.py").write_text(
        "from transformers import BertConfig, BertModel\n"
        "class OwnConfig(BertConfig):\n    model_type = 'own'\n"
        "class OwnModel(BertModel):\n    config_class = OwnConfig\n"
    )
    settings = {"checkpoint": str(folder), "context": 32}
    with pytest.raises(InputError, match="only where the suite says `remote_code: true`"):
        registry.make("huggingface", settings).load(device="cpu", dtype="fp32")
    trusted = registry.make("huggingface", {**settings, "remote_code": True})
    assert type(trusted.load(device="cpu", dtype="fp32").model).__name__ == "OwnModel"
    before = trusted.identity()
    (folder / "own.py").write_text((folder / "own.py").read_text() + "# changed\n")
    assert trusted.identity() != before
