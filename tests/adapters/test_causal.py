"""Causal language modelling with low-rank updates, over plain and over 4-bit weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from adapters import lora_training, registry
from adapters.blocks import IGNORED
from adapters.causal import Causal
from adapters.causal_training import Collator, NextTokenModel
from adapters.encoder import Tokenizer
from adapters.loading import quiet
from adapters.mlm import Mlm
from adapters.tiny import build_twin
from corpora.masking import SPECIAL_TOKENS
from results.errors import InputError

SETTINGS = Causal(epochs=2, batch_size=8, learning_rate=1e-2, block=48, validation_share=0.2)
TYPES = {"llama": "llama", "mistral": "mistral", "mixtral": "mixtral", "qwen": "qwen3"}


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory, log_documents: Any) -> dict[str, Path]:
    texts = [part for parts in log_documents for part in parts]
    folder = tmp_path_factory.mktemp("twins")
    return {
        name: build_twin(folder / name, {"model_type": kind}, texts) for name, kind in TYPES.items()
    }


def adapt(
    twins: dict[str, Path],
    name: str,
    documents: Any,
    out: Path,
    *,
    quantize: str | None = None,
    progress: Any = None,
    **changed: Any,
) -> Any:
    return replace(SETTINGS, **changed).adapt(
        registry.make(name, {"checkpoint": str(twins[name]), "quantize": quantize}),
        documents,
        special_tokens=SPECIAL_TOKENS,
        out=out,
        scratch=out / "scratch",
        progress=progress,
    )


def test_the_models_own_tokens_and_a_first_one_are_not_guessed() -> None:
    framed = Tokenizer(encode=lambda texts: [], prefix=[1], suffix=[2], pad_id=0)
    batch = Collator(framed)([(0, np.array([1, 5, 6, 2])), (1, np.array([1, 7, 2]))])
    assert batch["labels"].tolist() == [
        [IGNORED, 5, 6, IGNORED],
        [IGNORED, 7, IGNORED, IGNORED],
    ]
    assert batch["input_ids"].tolist() == [[1, 5, 6, 2], [1, 7, 2, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    bare = Tokenizer(encode=lambda texts: [], prefix=[], suffix=[], pad_id=0)
    assert Collator(bare)([(0, np.array([5, 6]))])["labels"].tolist() == [[IGNORED, 6]]


def test_the_stock_loss_is_ours(twins: dict[str, Path]) -> None:
    with quiet():
        model = AutoModelForCausalLM.from_pretrained(twins["llama"]).eval()
    ids = torch.arange(5, 25)[None]
    labels = ids.clone()
    labels[:, 7] = IGNORED
    stock = model(input_ids=ids, labels=labels).loss
    torch.testing.assert_close(NextTokenModel(model, None)(ids, labels)["loss"], stock)


@pytest.mark.parametrize("quantize", [None, "nf4"])
@pytest.mark.parametrize("name", TYPES)
def test_every_family_learns_on_documents_held_out(
    twins: dict[str, Path], log_documents: Any, tmp_path: Path, name: str, quantize: str | None
) -> None:
    card = adapt(twins, name, log_documents, tmp_path, quantize=quantize)
    assert card["heldout_loss_after"] < card["heldout_loss_before"]
    assert card["train_documents"] + card["valid_documents"] == len(log_documents)
    assert (card["targets"], card["quantization"]) == (["q_proj", "v_proj"], quantize)
    assert card["unigram_loss"] > 0


def test_updates_in_every_layer_learn_under_4_bit_weights(
    twins: dict[str, Path], log_documents: Any, tmp_path: Path
) -> None:
    """bitsandbytes' repacking of weights for a CPU would let no gradient reach the lower layers."""
    adapt(twins, "llama", log_documents, tmp_path, quantize="nf4", epochs=1)
    from safetensors.torch import load_file

    weights = load_file(tmp_path / "checkpoint" / "adapter_model.safetensors")
    grown = {name: bool(value.any()) for name, value in weights.items() if ".lora_B." in name}
    assert len(grown) == 4 and all(grown.values())


@pytest.mark.parametrize("rows", [False, True])
def test_only_updates_and_if_asked_new_rows_move_over_4_bit_weights(
    twins: dict[str, Path], log_documents: Any, tmp_path: Path, rows: bool, monkeypatch: Any
) -> None:
    kept: list[NextTokenModel] = []
    before: dict[str, torch.Tensor] = {}
    real = lora_training.prepare

    def watched(*args: Any) -> lora_training.Prepared:
        prepared = real(*args)
        kept.append(NextTokenModel(prepared.base.model, prepared.rows))
        before.update({name: p.detach().clone() for name, p in kept[0].named_parameters()})
        return prepared

    monkeypatch.setattr("adapters.causal_training.prepare", watched)
    adapt(twins, "mixtral", log_documents, tmp_path, quantize="nf4", train_new_tokens=rows)
    after = dict(kept[0].named_parameters())
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    updates = {name for name in before if ".lora_A." in name or ".lora_B." in name}
    assert moved == updates | {name for name in before if name.startswith("rows.")}
    assert any(name.startswith("rows.") for name in moved) is rows
    assert torch.uint8 in {value.dtype for value in before.values()}


def test_recomputed_activations_change_no_number(
    twins: dict[str, Path], log_documents: Any, tmp_path: Path
) -> None:
    kept = adapt(twins, "llama", log_documents, tmp_path / "a", gradient_checkpointing=False)
    again = adapt(twins, "llama", log_documents, tmp_path / "b", gradient_checkpointing=True)
    assert kept["curves"] == again["curves"]
    for name in ("adapter_model.safetensors", "new_tokens.safetensors"):
        assert (tmp_path / "a" / "checkpoint" / name).read_bytes() == (
            tmp_path / "b" / "checkpoint" / name
        ).read_bytes()


class KilledError(Exception):
    pass


def test_a_4_bit_training_that_is_resumed_equals_an_undisturbed_one(
    twins: dict[str, Path], log_documents: Any, tmp_path: Path
) -> None:
    def die(share: float) -> None:
        if share > 0.55:
            raise KilledError

    how: dict[str, Any] = {"quantize": "nf4", "epochs": 4, "train_new_tokens": True}
    whole = adapt(twins, "llama", log_documents, tmp_path / "whole", **how)
    with pytest.raises(KilledError):
        adapt(twins, "llama", log_documents, tmp_path / "broken", progress=die, **how)
    seen: list[float] = []
    card = adapt(twins, "llama", log_documents, tmp_path / "broken", progress=seen.append, **how)
    assert seen[0] == 0.5 and card == whole
    for name in ("adapter_model.safetensors", "new_tokens.safetensors"):
        assert (tmp_path / "broken" / "checkpoint" / name).read_bytes() == (
            tmp_path / "whole" / "checkpoint" / name
        ).read_bytes()


def test_the_trainers_checkpoints_hold_no_4_bit_weights(
    twins: dict[str, Path], log_documents: Any, tmp_path: Path
) -> None:
    from safetensors import safe_open

    adapt(twins, "mixtral", log_documents, tmp_path, quantize="nf4", epochs=1)
    (path,) = tmp_path.glob("scratch/checkpoint-*/model.safetensors")
    with safe_open(path, "pt") as file:
        assert all(".lora_" in name for name in file.keys())  # noqa: SIM118 - no mapping


@pytest.mark.parametrize(
    ("name", "objective", "said"),
    [
        ("llama", Mlm(), r"\(llama\) has no head for `adapt: mlm`: use `adapt: causal`"),
        ("bert", Causal(), r"\(bert\) has no head for `adapt: causal`: use `adapt: mlm`"),
    ],
)
def test_a_model_without_this_head_is_told_what_fits(
    twins: dict[str, Path],
    tiny: Path,
    log_documents: Any,
    tmp_path: Path,
    name: str,
    objective: Any,
    said: str,
) -> None:
    adapter = registry.make(name, {"checkpoint": str({**twins, "bert": tiny}[name])})
    with pytest.raises(InputError, match=said):
        objective.adapt(
            adapter, log_documents, special_tokens=SPECIAL_TOKENS, out=tmp_path, scratch=tmp_path
        )


def test_a_checkpoint_without_its_head_is_refused(log_documents: Any, tmp_path: Path) -> None:
    texts = [part for parts in log_documents for part in parts]
    config = {"model_type": "llama"}
    headless = build_twin(tmp_path / "llama", config, texts, sentence_transformers="mean")
    with pytest.raises(InputError, match=r"the checkpoint has no lm_head.weight"):
        adapt({"llama": headless}, "llama", log_documents, tmp_path)


def test_masked_modelling_of_4_bit_weights_is_refused(
    tiny: Path, log_documents: Any, tmp_path: Path
) -> None:
    adapter = registry.make("bert", {"checkpoint": str(tiny), "quantize": "nf4"})
    with pytest.raises(InputError, match="weights in 4 bits cannot be trained"):
        Mlm().adapt(
            adapter, log_documents, special_tokens=SPECIAL_TOKENS, out=tmp_path, scratch=tmp_path
        )
