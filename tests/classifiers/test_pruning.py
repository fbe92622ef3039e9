"""Pruning removes neurons for good, the right ones, in every architecture it claims to know."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors import safe_open

from adapters.counting import count
from adapters.huggingface import HuggingFaceAdapter
from adapters.loading import quiet
from adapters.pretrained import skeleton
from adapters.tiny import build_twin
from classifiers.pruning import Pruning
from classifiers.pruning_criteria import best, magnitude, taylor
from classifiers.pruning_layers import MLPS, blocks, cut, mlp_of, width
from classifiers.pruning_step import Documents, prune
from classifiers.registry import PRUNING
from classifiers.sequence import Finetune, Source
from classifiers.sequence_loading import Loaded, load
from classifiers.sequence_model import SequenceModel
from classifiers.sequence_reading import Reader
from classifiers.sequence_training import Collate
from results.errors import InputError
from results.registry import build

WORDS = ["fault link setup timer ok", "faint link ok ok timer setup", "fail setup setup ok link"]
NEURONS = 128
LORA = Finetune(method="lora", learning_rate=1e-2, rank=4, epochs=2, patience=2)
BERT_BASE = {
    "model_type": "bert",
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}

Twin = Callable[[str], Loaded]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    """Make a dense twin with a head for two classes; each call loads a new one."""
    folder = tmp_path_factory.mktemp("twins")

    def make(kind: str) -> Loaded:
        if not (folder / kind).is_dir():
            build_twin(folder / kind, {"model_type": kind}, WORDS)
        source = Source(adapter=HuggingFaceAdapter(checkpoint=str(folder / kind), context=32))
        return load(Finetune(), source, ["a", "b"], seed=0)

    return make


def batch(loaded: Loaded, label: int = 0) -> dict[str, torch.Tensor]:
    reader = Reader.of(Finetune(), loaded)
    return Collate(loaded.framed.pad_id)([(reader.read([WORDS[label]]), label)])


def network(loaded: Loaded) -> SequenceModel:
    return SequenceModel(loaded.model, torch.ones(2), rows_at_once=8).eval()


def logits(loaded: Loaded) -> torch.Tensor:
    with torch.no_grad(), quiet():
        found: torch.Tensor = network(loaded)(**batch(loaded))["logits"]
    return found


def kill(model: Any, dead: list[int]) -> None:
    """Set all weights of some neurons of every layer to 0."""
    for block in blocks(model):
        for layer in block.into:
            for part in range(block.fused):
                rows = [part * NEURONS + neuron for neuron in dead]
                layer.weight.data[rows] = 0.0
                if layer.bias is not None:
                    layer.bias.data[rows] = 0.0
        block.out.weight.data[:, dead] = 0.0


def documents(count: int = 30) -> Documents:
    generator = np.random.default_rng(0)
    labels = generator.choice(["a", "b"], count)
    said = [generator.choice(["link", "setup", "ok"], 9).tolist() for _ in labels]
    signs = {"a": "fault", "b": "fail"}
    texts = [[" ".join([signs[a], *more])] for a, more in zip(labels, said, strict=True)]
    return Documents(texts=texts, labels=labels, valid=np.arange(count) % 5 == 0)


@pytest.mark.parametrize("kind", MLPS)
def test_removing_dead_neurons_changes_no_output_and_the_file_is_a_plain_checkpoint(
    twin: Twin, tmp_path: Path, kind: str
) -> None:
    loaded = twin(kind)
    dead = [0, *range(5, 130 - 16, 3)]
    kill(loaded.model, dead)
    before, keep = logits(loaded), NEURONS - len(dead)
    parameters = sum(weight.numel() for weight in loaded.model.parameters())
    prune(Pruning(), Finetune(), loaded, documents(), keep=keep, seed=0, out=tmp_path)
    torch.testing.assert_close(logits(loaded), before, atol=1e-6, rtol=1e-5)
    with quiet():
        model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert getattr(model.config, mlp_of(model).width) == keep
    for block in blocks(model):
        assert [layer.out_features for layer in block.into] == [keep * block.fused] * len(
            block.into
        )
        assert block.out.in_features == keep
    hidden, removed = blocks(model)[0].out.out_features, len(dead)
    into = sum(b.fused * (hidden + (x.bias is not None)) for b in blocks(model) for x in b.into)
    gone = removed * (into + hidden * len(blocks(model)))
    assert sum(weight.numel() for weight in model.parameters()) == parameters - gone
    same = Loaded(**{**vars(loaded), "model": model.eval()})
    torch.testing.assert_close(logits(same), before, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "modernbert", "llama"])
def test_magnitude_is_the_norm_of_a_neurons_weights_in_and_out(twin: Twin, kind: str) -> None:
    model = twin(kind).model
    block, neuron = blocks(model)[1], 7
    weights = [block.out.weight[:, neuron]]
    for layer in block.into:
        for part in range(block.fused):
            weights.append(layer.weight[part * NEURONS + neuron])
            weights += [] if layer.bias is None else [layer.bias[[neuron]]]
    assert float(magnitude(model)[1][neuron]) == pytest.approx(torch.cat(weights).norm().item())


@pytest.mark.parametrize("kind", ["bert", "distilbert", "modernbert", "llama"])
def test_taylor_is_the_slope_of_the_loss_by_a_neurons_output(twin: Twin, kind: str) -> None:
    """A gate on the output is a factor on the neuron's column: checked by finite differences."""
    loaded = twin(kind)
    model = loaded.model.double()
    one = batch(loaded)
    module = SequenceModel(model, torch.ones(2, dtype=torch.float64), rows_at_once=8).eval()
    scores = taylor(module, [one])
    column, step = blocks(model)[0].out.weight.data, 0.5
    for neuron in (0, 50, 127):
        losses = []
        kept = column[:, neuron].clone()
        for gate in (1 + step, 1 - step):
            column[:, neuron] = kept * gate
            with torch.no_grad():
                losses.append(float(module(**one)["loss"].double()))
        column[:, neuron] = kept
        slope = abs(losses[0] - losses[1]) / (2 * step)
        assert float(scores[0][neuron]) == pytest.approx(slope, rel=0.05, abs=1e-6)


def test_taylor_is_the_mean_over_documents_and_leaves_the_model_as_it_was(twin: Twin) -> None:
    loaded = twin("bert")
    before = copy.deepcopy(loaded.model.state_dict())
    two = [batch(loaded, 0), batch(loaded, 1)]
    together = taylor(network(loaded), two)
    alone = [taylor(network(loaded), [one]) for one in two]
    for layer, found in enumerate(together):
        torch.testing.assert_close(found, (alone[0][layer] + alone[1][layer]) / 2)
    after = loaded.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.requires_grad for p in loaded.model.parameters())
    assert not any(block.out._forward_pre_hooks for block in blocks(loaded.model))


def test_what_stays_is_what_scores_best_in_its_old_order() -> None:
    scores = [torch.tensor([3.0, 1.0, 2.0, 3.0]), torch.tensor([0.0, 0.0, 0.0, 5.0])]
    assert [kept.tolist() for kept in best(scores, 2)] == [[0, 3], [0, 3]]


def test_under_updates_of_the_attention_only_taylor_ranks_anew(twin: Twin, tmp_path: Path) -> None:
    """A frozen MLP has the magnitudes that it had: pruning in steps removes what one cut would."""
    loaded, given = twin("bert"), documents()
    loaded.model.save_pretrained(tmp_path / "start")
    loaded.tokenizer.save_pretrained(tmp_path / "start")
    adapter = HuggingFaceAdapter(checkpoint=str(tmp_path / "start"), context=32)
    fitted = LORA.fit(
        given.texts,
        given.labels.tolist(),
        given.valid,
        source=Source(adapter=adapter),
        seed=0,
        workdir=tmp_path / "work",
    ).whole()
    rankings = []
    for model in (loaded, fitted.loaded):
        ranks = [scores.argsort().tolist() for scores in magnitude(model.model)]
        slopes = taylor(network(model), [batch(model, 0), batch(model, 1)])
        rankings.append((ranks, [scores.argsort().tolist() for scores in slopes]))
    assert rankings[0][0] == rankings[1][0]
    assert rankings[0][1] != rankings[1][1]


@pytest.mark.parametrize("multiple", [1, 32])
def test_90_percent_of_bert_base_leaves_54_percent_of_the_file(multiple: int) -> None:
    method = "qlora" if multiple == 32 else "full"
    keep = Pruning().kept(3072, 0.9, method)
    assert keep == (320 if multiple == 32 else 307)
    full, small = (count({**BERT_BASE, "intermediate_size": n}).total for n in (3072, keep))
    by_hand = full - 12 * (3072 - keep) * (2 * 768 + 1)
    assert small == by_hand
    config = transformers.BertConfig(**{**BERT_BASE, "intermediate_size": keep})
    model = skeleton(config, "AutoModelForSequenceClassification")
    bytes_ = 4 * sum(weight.numel() for weight in model.parameters())
    whole = bytes_ + 4 * (full - small)
    assert bytes_ / whole == pytest.approx(0.54, abs=0.01)
    assert bytes_ / 2**20 == pytest.approx(224, abs=2)  # published, MB


def test_a_saved_file_has_the_bytes_of_its_weights(twin: Twin, tmp_path: Path) -> None:
    sizes = {}
    for keep in (NEURONS, 12):
        loaded, out = twin("bert"), tmp_path / str(keep)
        prune(Pruning(), Finetune(), loaded, documents(), keep=keep, seed=0, out=out)
        file = out / "model.safetensors"
        with safe_open(file, "pt") as tensors:
            header = int.from_bytes(file.read_bytes()[:8], "little") + 8
            assert len(list(tensors.keys())) == len(loaded.model.state_dict())
        sizes[keep] = file.stat().st_size - header
    removed = (NEURONS - 12) * (2 * 64 + 1) * 2 * 4  # rows with biases and columns, 2 layers, fp32
    assert sizes[12] == sizes[NEURONS] - removed


@pytest.mark.parametrize(
    ("original", "share", "method", "kept"),
    [
        (3072, 0.1, "full", 2765),
        (3072, 0.9, "full", 307),
        (3072, 0.9, "lora", 307),
        (3072, 0.9, "qlora", 320),
        (3072, 0.5, "qlora", 1536),
        (128, 0.9, "qlora", 32),
        (10, 0.9, "full", 1),
    ],
)
def test_widths_are_rounded_to_what_the_kernels_take(
    original: int, share: float, method: str, kept: int
) -> None:
    assert Pruning().kept(original, share, method) == kept


def test_a_multiple_of_ones_own() -> None:
    assert Pruning(multiple=64).kept(3072, 0.9, "full") == 320
    assert Pruning(multiple=48).kept(3072, 0.9, "qlora") == 288  # of 96, which has both
    assert Pruning(multiple=200).kept(128, 0.5, "full") == 128


def test_less_than_one_neuron_is_refused() -> None:
    with pytest.raises(InputError, match="90% of 9 neurons leaves less than one.*lower levels"):
        Pruning().kept(9, 0.9, "full")


def test_unknown_architecture_is_refused_by_name(twin: Twin, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="where a 't5' model has its MLP neurons is not known"):
        prune(Pruning(), Finetune(), twin("t5"), documents(), keep=9, seed=0, out=tmp_path)


def test_neurons_do_not_grow_back(twin: Twin, tmp_path: Path) -> None:
    loaded = twin("bert")
    cut(loaded.model, best(magnitude(loaded.model), 64))
    assert width(loaded.model) == 64
    with pytest.raises(InputError, match="65 neurons are to stay in each layer.* has 64"):
        prune(Pruning(), Finetune(), loaded, documents(), keep=65, seed=0, out=tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"levels": []}, "prune: levels must name shares between 0 and 1"),
        ({"levels": [0.5, 1.0]}, "prune: levels must name shares between 0 and 1"),
        ({"step": 1.0}, "prune: step must lie between 0 and 1"),
        ({"epochs": 0}, "prune: epochs must be at least 1"),
        ({"final_epochs": 0}, "prune: final_epochs must be at least 1"),
        ({"multiple": 0}, "prune: multiple must be at least 1"),
        ({"criterion": "random"}, "setting 'criterion'"),
        ({"level": 0.5}, "no setting 'level'.*did you mean 'levels'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build("prune", "prune", PRUNING, settings)


def test_trainings_between_steps_are_short_and_at_a_level_as_the_fine_tuning_was() -> None:
    finetune = Finetune(epochs=40, patience=3, method="qlora")
    between = Pruning(epochs=4).between(finetune)
    assert (between.epochs, between.patience, between.method) == (4, 4, "qlora")
    assert Pruning().at_level(finetune) == finetune
    ended = Pruning(final_epochs=7, patience=1).at_level(finetune)
    assert (ended.epochs, ended.patience) == (7, 1)
    with pytest.raises(InputError, match="finetune method none trains nothing"):
        Pruning().between(Finetune(method="none"))
