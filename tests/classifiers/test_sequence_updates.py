"""Updates over plain and over 4-bit layers: what is packed, what learns, what comes out merged."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from bitsandbytes.nn import Linear4bit

from adapters.huggingface import HuggingFaceAdapter
from adapters.loading import quiet
from adapters.tiny import TinySize, build_tiny, build_twin
from classifiers.sequence import Finetune, FittedSequence, Source
from classifiers.sequence_loading import load
from classifiers.sequence_merging import load_merged
from results.errors import InputError

QLORA = Finetune(
    method="qlora", epochs=2, patience=2, learning_rate=1e-2, rank=4, validation_share=0.2
)
FAMILIES = ("bert", "distilbert", "electra", "llama", "modernbert", "t5")
SIGNS = {"a": "fault", "b": "fail"}


def logs(count: int = 24) -> tuple[list[list[str]], list[str]]:
    generator = np.random.default_rng(0)
    labels = [str(label) for label in generator.choice(["a", "b"], count)]
    said = [generator.choice(["link", "setup", "ok"], 9).tolist() for _ in labels]
    return [[" ".join([SIGNS[a], *more])] for a, more in zip(labels, said, strict=True)], labels


WORDS = [" ".join(parts) for parts in logs()[0]]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    folder = tmp_path_factory.mktemp("twins")
    return {
        kind: Source(
            adapter=HuggingFaceAdapter(
                checkpoint=str(build_twin(folder / kind, {"model_type": kind}, WORDS)), context=32
            )
        )
        for kind in FAMILIES
    }


def fitted(source: Source, workdir: Path, settings: Finetune = QLORA) -> FittedSequence:
    texts, labels = logs()
    valid = np.arange(len(texts)) % 5 == 0
    return settings.fit(texts, labels, valid, source=source, seed=0, workdir=workdir)


def scores(model: FittedSequence) -> np.ndarray:
    found = model.predict(logs()[0])[0].scores
    assert found is not None
    return found


@pytest.mark.parametrize("kind", FAMILIES)
def test_encoder_layers_are_in_4_bits_and_nothing_else(twins: dict[str, Source], kind: str) -> None:
    loaded = load(QLORA, twins[kind], ["a", "b"], seed=0)
    packed = {n for n, m in loaded.model.named_modules() if isinstance(m, Linear4bit)}
    linear = {
        name
        for name, module in loaded.model.named_modules()
        if isinstance(module, torch.nn.Linear) and ".lora_" not in name
    }
    assert loaded.audit["share_4bit_layers"] == 1.0
    assert loaded.audit["quantization"] == "nf4"
    outside = linear - packed
    assert packed and outside
    assert all("pooler" in n or "classif" in n or "score" in n or "head" in n for n in outside)


@pytest.mark.parametrize("method", ["lora", "qlora"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_merged_model_says_what_the_updated_one_says_and_is_loaded_again(
    twins: dict[str, Source], tmp_path: Path, kind: str, method: Any
) -> None:
    """Within 1e-6 in fp32: the same sums in another order."""
    updated = fitted(twins[kind], tmp_path / "work", replace(QLORA, method=method))
    whole = updated.whole()
    np.testing.assert_allclose(scores(whole), scores(updated), atol=1e-6)
    names = [name for name, _ in whole.loaded.model.named_parameters()]
    assert not [name for name in names if "lora" in name or "base_layer" in name]
    assert all(p.dtype == torch.float32 for p in whole.loaded.model.parameters())
    assert (
        updated.weights == whole.weights == sum(p.numel() for p in whole.loaded.model.parameters())
    )
    updated.save(tmp_path)
    again = load_merged(tmp_path / "checkpoint", twins[kind]).model.state_dict()
    mine = whole.loaded.model.state_dict()
    assert again.keys() == mine.keys()
    assert all(torch.equal(again[name], mine[name]) for name in mine)
    assert (whole.parameters, whole.whole()) == (updated.parameters, whole)


def test_a_merged_model_is_saved_as_transformers_reads_it(
    twins: dict[str, Source], tmp_path: Path
) -> None:
    whole = fitted(twins["bert"], tmp_path / "work").whole()
    whole.save(tmp_path)
    folder = tmp_path / "checkpoint"
    with quiet():
        plain = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    mine, theirs = whole.loaded.model.state_dict(), plain.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert not hasattr(plain.config, "quantization_config")
    again = load_merged(folder, twins["bert"]).model.state_dict()
    assert all(torch.equal(mine[name], again[name]) for name in mine)


def test_updates_of_every_layer_learn_under_4_bits(
    twins: dict[str, Source], tmp_path: Path
) -> None:
    """bitsandbytes repacks weights when they are first read without gradients, as in validation."""
    model = fitted(twins["bert"], tmp_path).loaded.model
    grown = {n: bool(p.any()) for n, p in model.named_parameters() if ".lora_B." in n}
    assert len(grown) == 4 and all(grown.values())


def test_base_stays_as_it_was_unpacked(twins: dict[str, Source], tmp_path: Path) -> None:
    start = load(QLORA, twins["bert"], ["a", "b"], seed=0).model.state_dict()
    end = fitted(twins["bert"], tmp_path).loaded.model.state_dict()
    moved = {name for name in start if not torch.equal(start[name], end[name])}
    assert moved
    assert all(".lora_" in name or "pooler" in name or "classifier" in name for name in moved)


@pytest.mark.parametrize("method", ["full", "qlora"])
def test_gradient_checkpointing_changes_no_number(
    twins: dict[str, Source], tmp_path: Path, method: Any
) -> None:
    settings = replace(QLORA, method=method, learning_rate=1e-3)
    plain = fitted(twins["bert"], tmp_path / "a", settings)
    saving = fitted(twins["bert"], tmp_path / "b", replace(settings, gradient_checkpointing=True))
    assert any(getattr(m, "gradient_checkpointing", False) for m in saving.loaded.model.modules())
    np.testing.assert_allclose(scores(saving), scores(plain), atol=1e-6)


def test_untrained_head_is_judged_as_it_was_drawn(twins: dict[str, Source], tmp_path: Path) -> None:
    model = fitted(twins["bert"], tmp_path / "work", Finetune(method="none"))
    start = load(Finetune(), twins["bert"], ["a", "b"], seed=0).model.state_dict()
    assert all(torch.equal(start[n], p) for n, p in model.loaded.model.state_dict().items())
    assert (model.parameters, model.curves, model.best_epoch) == (0, [], None)
    assert scores(model).shape == (24, 2)


def test_best_epoch_is_by_the_f1_of_the_positive_class(
    twins: dict[str, Source], tmp_path: Path
) -> None:
    settings = Finetune(
        epochs=6, patience=2, learning_rate=3e-3, best_by="f1", positive="b", validation_share=0.2
    )
    model = fitted(twins["bert"], tmp_path, settings)
    found = next(curve for curve in model.curves if curve.name == "valid_f1").values
    assert model.best_epoch == 1 + int(np.argmax(found[1:]))
    texts, labels = logs()
    held = np.arange(len(texts)) % 5 == 0
    guess = model.predict(texts)[0].labels[held] == "b"
    truth = np.array(labels)[held] == "b"
    f1 = 2 * (guess & truth).sum() / (guess.sum() + truth.sum())
    assert max(found[1:]) == pytest.approx(f1)


def test_positive_that_is_no_class_is_refused(twins: dict[str, Source], tmp_path: Path) -> None:
    settings = Finetune(best_by="f1", positive="c")
    with pytest.raises(
        InputError, match="positive 'c' is no class of the training documents.*a, b"
    ):
        fitted(twins["bert"], tmp_path, settings)


def test_widths_that_4_bits_cannot_take_are_refused(tmp_path: Path) -> None:
    folder = build_tiny(tmp_path / "tiny", WORDS, size=TinySize(hidden=40, heads=2))
    source = Source(adapter=HuggingFaceAdapter(checkpoint=str(folder)))
    with pytest.raises(InputError, match="40 wide, the kernels need multiples of 32: set `method"):
        load(QLORA, source, ["a", "b"], seed=0)


def test_fused_experts_are_refused(tmp_path: Path) -> None:
    folder = build_twin(tmp_path / "mixtral", {"model_type": "mixtral"}, WORDS)
    source = Source(adapter=HuggingFaceAdapter(checkpoint=str(folder), context=32))
    with pytest.raises(InputError, match="has fused experts.*set `method: lora`"):
        load(QLORA, source, ["a", "b"], seed=0)
