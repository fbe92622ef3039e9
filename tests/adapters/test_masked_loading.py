"""A masked language model in and out, whole; encoders and classifiers load from it as before."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from adapters.checkpoints import ADAPTATION
from adapters.huggingface import HuggingFaceAdapter
from adapters.loading import load_encoder, quiet
from adapters.masked_batches import Collator
from adapters.masked_loading import load_masked
from adapters.masked_sentences import MaskedSentences
from adapters.masked_sentences_training import SeededSentences
from adapters.minilm import MiniLMAdapter
from adapters.mlm import Mlm
from adapters.objective import Objective
from adapters.paragraphs import paragraphs
from adapters.pretrained import load_pretrained
from adapters.sentence_masking import SentenceMasking
from adapters.tiny import build_tiny, build_twin
from adapters.training import device
from results.errors import InputError

SPECIAL = ("<hex>", "<num>", "<ipaddr>", "<newline>", "<endsample>")
HOW: Any = {"epochs": 1, "batch_size": 8, "learning_rate": 5e-3, "block": 32}
OBJECTIVES: list[Objective] = [
    Mlm(**HOW, validation_share=0.2),
    MaskedSentences(**HOW, validation_share=0.2, stage_epochs=0),
]


@pytest.fixture(scope="module", params=["bert", "modernbert", "big_bird"])
def family(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, log_documents: Any
) -> Path:
    texts = [part for parts in log_documents for part in parts]
    config = {"model_type": request.param}
    return build_twin(tmp_path_factory.mktemp("twin"), config, texts)


@pytest.fixture(scope="module")
def adaptations(
    family: Path, tmp_path_factory: pytest.TempPathFactory, log_documents: Any
) -> dict[str, Any]:
    """By each objective: the source, the card and the folder `checkpoint/`."""
    made = {}
    for objective in OBJECTIVES:
        out = tmp_path_factory.mktemp("adapted")
        card = objective.adapt(
            HuggingFaceAdapter(checkpoint=str(family)),
            log_documents,
            special_tokens=SPECIAL,
            out=out,
            scratch=out / "scratch",
        )
        made[objective.name] = family, card, out / "checkpoint"
    return made


@pytest.fixture(params=[objective.name for objective in OBJECTIVES])
def adapted(request: pytest.FixtureRequest, adaptations: dict[str, Any]) -> Any:
    return adaptations[request.param]


def masked(source: Path, adapted: Path | None, **how: Any) -> Any:
    options = {"attention": "sdpa", "precision": "fp32", **how}
    return load_masked(HuggingFaceAdapter(checkpoint=str(source)), adapted=adapted, **options)


def test_vectors_are_bitwise_those_of_the_encoder_alone(adapted: Any, tmp_path: Path) -> None:
    """As it used to be saved: without the head."""
    source, _, folder = adapted
    whole = load_masked_model(folder)
    alone = shutil.copytree(folder, tmp_path / "alone")
    (alone / "model.safetensors").unlink()
    with quiet():
        whole.base_model.save_pretrained(alone)
    assert set(load_file(alone / "model.safetensors")) < {
        name.removeprefix(f"{whole.base_model_prefix}.")
        for name in load_file(folder / "model.safetensors")
    }
    ids = torch.tensor([[*range(2, 22)], [*range(30, 10, -1)]])
    states = [
        load_encoder(one, context=None, device="cpu", dtype="fp32").states(ids, None)
        for one in (folder, alone)
    ]
    assert torch.equal(*states)


def load_masked_model(folder: Path) -> Any:
    return masked(folder, None).model.model


def test_nothing_is_fresh_in_encoder_or_masked_model(adapted: Any) -> None:
    folder = adapted[2]
    for architecture in ("AutoModel", "AutoModelForMaskedLM"):
        with quiet():
            loaded = load_pretrained(folder, architecture, dtype=torch.float32)
        assert not [name for name in loaded.fresh if "pooler" not in name]


def test_the_loaded_model_has_the_loss_on_the_card(
    adaptations: dict[str, Any], log_documents: Any
) -> None:
    """On the same held-out paragraphs, under the same masks."""
    source, card, folder = adaptations["masked_sentences"]
    loaded = masked(source, folder)
    order = np.random.default_rng([0, 1]).permutation(len(log_documents))
    held = [log_documents[i] for i in sorted(order[:3].tolist())]
    made = [p for parts in held for p in paragraphs(parts, loaded.framed, size=card["block"])]
    hiding = SeededSentences(SentenceMasking.of(loaded.tokenizer, loaded.own), 0)
    losses, counts = [], []
    for start in range(0, len(made), 8):
        batch = Collator(hiding)(list(enumerate(made))[start : start + 8])
        with torch.inference_mode():
            output = loaded.model(**{k: v.to(device()) for k, v in batch.items()})
        counts.append(len(output["logits"]))
        losses.append(float(output["loss"]) * counts[-1])
    assert sum(losses) / sum(counts) == pytest.approx(card["heldout_loss_after"], rel=1e-5)


def test_ready_to_guess(adapted: Any) -> None:
    source, card, folder = adapted
    loaded = masked(source, folder)
    assert not loaded.model.training and str(next(loaded.model.parameters()).device) == device()
    assert loaded.context >= card["block"]
    ours = set(loaded.tokenizer.convert_tokens_to_ids(list(SPECIAL)))
    assert len(ours) == 5 and not ours & set(loaded.own), "ours may be hidden"
    assert loaded.tokenizer.mask_token_id in loaded.own
    assert loaded.audit["attention"] and loaded.audit["random_weights"] is True


def test_the_precision_is_that_of_the_weights(tiny: Path) -> None:
    weight = next(masked(tiny, None, precision="bf16").model.parameters())
    assert weight.dtype == torch.bfloat16


def test_a_checkpoint_without_a_head_is_refused(log_documents: Any, tmp_path: Path) -> None:
    headless = build_tiny(tmp_path / "tiny", [part for parts in log_documents for part in parts])
    with pytest.raises(InputError, match="no trained masked-language-model head .*adapt it first"):
        masked(headless, None)


def test_minilm_has_no_head_until_it_is_adapted() -> None:
    with pytest.raises(InputError, match="no trained masked-language-model head"):
        load_masked(MiniLMAdapter(), adapted=None, attention="sdpa", precision="fp32")


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    folder = build_twin(tmp_path / "t5", {"model_type": "t5"}, ["radio failed"])
    with pytest.raises(InputError, match="head \\(a t5 model has none\\)"):
        masked(folder, None)


def test_low_rank_updates_are_refused(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    (tmp_path / ADAPTATION).write_text(json.dumps({"special_tokens": []}))
    with pytest.raises(InputError, match="adapted by low-rank updates"):
        masked(tiny, tmp_path)


def test_an_adapted_folder_of_the_encoder_alone_is_refused(adapted: Any, tmp_path: Path) -> None:
    """Made before heads were kept."""
    source, _, folder = adapted
    alone = shutil.copytree(folder, tmp_path / "alone")
    with quiet():
        load_masked_model(folder).base_model.save_pretrained(alone)
    with pytest.raises(InputError, match="no trained masked-language-model head"):
        masked(source, alone)
