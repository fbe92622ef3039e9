"""LogFiT's training: what is thawed when, how fast it learns, and what survives a kill."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_net import KilledError, kill_at
from transformers import AutoModelForMaskedLM, BertConfig

from adapters.gradual import Stage, stages
from adapters.huggingface import HuggingFaceAdapter
from adapters.layer_groups import layer_groups, number_of, thaw
from adapters.loading import quiet
from adapters.masked_sentences import MaskedSentences
from adapters.masked_sentences_training import SeededSentences
from adapters.mlm_model import top_hits
from adapters.tiny import build_tiny, build_twin
from results.errors import InputError

SPECIAL = ("<hex>", "<num>", "<ipaddr>", "<newline>", "<endsample>")
SETTINGS = MaskedSentences(
    epochs=4, batch_size=4, learning_rate=2e-2, block=48, validation_share=0.2
)


def adapt(
    source: Path,
    documents: Any,
    out: Path,
    *,
    scratch: Path | None = None,
    progress: Callable[[float], None] | None = None,
    **changed: Any,
) -> dict[str, Any]:
    return replace(SETTINGS, **changed).adapt(
        HuggingFaceAdapter(checkpoint=str(source)),
        documents,
        special_tokens=SPECIAL,
        out=out,
        scratch=scratch or out / "scratch",
        progress=progress,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "checkpoint").iterdir()}


@pytest.fixture(scope="module")
def trained(tiny: Path, log_documents: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The card, the folder and the reported progress of one training."""
    out, shares = tmp_path_factory.mktemp("trained"), []
    card = adapt(tiny, log_documents, out, progress=shares.append)
    return card, out, shares


def test_lines_that_were_hidden_are_guessed_better_than_by_frequency(trained: Any) -> None:
    card, _, _ = trained
    assert card["heldout_loss_after"] < card["unigram_loss"]
    assert card["heldout_loss_after"] < card["heldout_loss_before"]
    assert card["heldout_top_5_after"] > card["heldout_top_5_before"]
    assert 0 <= card["heldout_top_1_after"] <= card["heldout_top_5_after"] <= 1


def test_the_card_accounts_for_stages_steps_and_what_was_hidden(trained: Any) -> None:
    card, out, shares = trained
    told = [(stage["groups"], stage["epochs"]) for stage in card["stages"]]
    assert told == [(1, 1), (2, 1), (3, 1), (4, 4)], "head, two layers, embeddings"
    assert card["steps"] == 7 * -(-card["train_blocks"] // 4)
    assert card["mask_rate"] == pytest.approx(0.4, abs=0.08), "80 % of up to half of the lines"
    curves = {curve["name"]: curve for curve in card["curves"]}
    assert curves["valid_loss"]["at"] == list(range(8))
    assert curves["train_loss"]["at"] == list(range(1, 8))
    assert curves["valid_loss"]["values"][0] == card["heldout_loss_before"]
    assert curves["valid_loss"]["values"][-1] == card["heldout_loss_after"]
    assert shares[0] == 0.0 and shares[-1] == 1.0 and shares == sorted(shares)


def test_every_weight_has_moved_at_the_end(trained: Any, tiny: Path) -> None:
    before = load_file(tiny / "model.safetensors")
    after = load_file(trained[1] / "checkpoint" / "model.safetensors")
    assert set(after) == set(before)
    still = [k for k, weight in after.items() if torch.equal(weight[: len(before[k])], before[k])]
    assert not still


def test_a_finished_stage_keeps_one_checkpoint(trained: Any) -> None:
    kept = sorted(path.parent.name for path in (trained[1] / "scratch").glob("*/checkpoint-*"))
    assert kept == ["stage-1", "stage-2", "stage-3", "stage-4"]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.55, 0.9, 1.0])
def test_killed_in_any_stage_and_resumed_equals_undisturbed(
    trained: Any, tiny: Path, log_documents: Any, tmp_path: Path, share: float
) -> None:
    card, out, _ = trained
    scratch = tmp_path / "scratch"
    with pytest.raises(KilledError):
        adapt(tiny, log_documents, tmp_path / "a", scratch=scratch, progress=kill_at(share))
    shares: list[float] = []
    resumed = adapt(tiny, log_documents, tmp_path / "b", scratch=scratch, progress=shares.append)
    assert resumed == card
    assert files(tmp_path / "b") == files(out)
    assert shares[0] == pytest.approx(int(share * 7 - 1e-9) / 7), "from the last epoch's end"


def groups_of(folder: Path, layers: int) -> Any:
    with quiet():
        model = AutoModelForMaskedLM.from_pretrained(folder)
    return model, layer_groups(model, layers)


@pytest.mark.parametrize("kind", ["bert", "modernbert", "big_bird", "distilbert"])
def test_weights_are_grouped_from_the_head_to_the_embeddings(kind: str, tmp_path: Path) -> None:
    folder = build_twin(tmp_path / kind, {"model_type": kind}, ["radio 1 failed"])
    model, groups = groups_of(folder, 2)
    numbers = {name: number_of(name, groups) for name, _ in model.named_parameters()}
    assert set(numbers.values()) == {0, 1, 2, 3}
    inside = f"{model.base_model_prefix}."
    assert all(name.startswith(inside) for name, number in numbers.items() if number)
    last = [name for name, number in numbers.items() if number == 3]
    assert last and all("embeddings" in name for name in last)
    tops = {name for name, number in numbers.items() if number == 1}
    assert tops and all("1." in name for name in tops), "the upper layer"
    for count in (1, 3, 4):
        thaw(model, groups, count)
        told = {name for name, weight in model.named_parameters() if weight.requires_grad}
        assert told == {name for name, number in numbers.items() if number < count}


def test_layers_are_shared_out_evenly_and_layer_ten_is_not_layer_one() -> None:
    with torch.device("meta"):
        groups = layer_groups(AutoModelForMaskedLM.from_config(BertConfig()), 3)
    layers = [[int(name.split(".")[3]) for name in group] for group in groups[1:-1]]
    assert layers == [[11, 10, 9, 8], [7, 6, 5, 4], [3, 2, 1, 0]]
    assert number_of("bert.encoder.layer.1.output.dense.weight", groups) == 3
    assert number_of("bert.encoder.layer.10.output.dense.weight", groups) == 1


def test_stages_go_down_group_by_group_and_can_be_left_out() -> None:
    assert stages(SETTINGS, 3) == [Stage(1, 1, 1, 0), Stage(2, 2, 1, 1), Stage(3, 3, 4, 2)]
    assert stages(replace(SETTINGS, stage_epochs=0), 3) == [Stage(1, 3, 4, 0)]


def test_a_later_stage_repeats_neither_masks_nor_order(
    tiny: Path, log_documents: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    apply = SeededSentences.apply

    def noted(self: Any, block: Any, *, epoch: int, example: int) -> Any:
        asked.append((epoch, example))
        return apply(self, block, epoch=epoch, example=example)

    monkeypatch.setattr(SeededSentences, "apply", noted)
    card = adapt(tiny, log_documents, tmp_path, epochs=1, max_blocks=12)
    orders = {epoch: [i for e, i in asked if e == epoch] for epoch in (2, 3, 4)}
    assert card["train_blocks"] == 12
    assert all(sorted(order) == list(range(12)) for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) == 3
    assert max(epoch for epoch, _ in asked) == 4
    assert sum(epoch == 0 for epoch, _ in asked) > 4 * card["valid_blocks"], "validation's own"


def test_all_at_once_trains_from_the_start(tiny: Path, log_documents: Any, tmp_path: Path) -> None:
    card = adapt(tiny, log_documents, tmp_path, stage_epochs=0, epochs=1, max_blocks=4)
    assert card["stages"] == [{"groups": 4, "epochs": 1}]
    assert (card["train_blocks"], card["steps"]) == (4, 1)


def test_a_fresh_head_starts_at_the_frequencies(log_documents: Any, tmp_path: Path) -> None:
    headless = build_tiny(tmp_path / "tiny", [part for parts in log_documents for part in parts])
    card = adapt(headless, log_documents, tmp_path / "a", stage_epochs=0, epochs=1)
    assert card["fresh_head"] is True
    assert card["heldout_loss_before"] == pytest.approx(card["unigram_loss"], rel=0.1)


def test_hits_among_the_best_guesses_are_counted() -> None:
    logits = torch.tensor([[0.0, 3.0, 2.0, 1.0], [5.0, 1.0, 0.0, 2.0]])
    hits = top_hits(logits, torch.tensor([2, 2]), (1, 2, 9))
    assert {name: pair.tolist() for name, pair in hits.items()} == {
        "top_1": [0.0, 2.0],
        "top_2": [1.0, 2.0],
        "top_9": [2.0, 2.0],
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sentence_share": 0.0}, "sentence_share must be above 0 and at most 1"),
        ({"token_share": 1.5}, "token_share must be above 0 and at most 1"),
        ({"warmup_share": 1.0}, "warmup_share must be at least 0 and below 1"),
        ({"stage_epochs": -1}, "stage_epochs must be at least 0"),
        ({"rate_factor": 0.5}, "rate_factor must be at least 1"),
        ({"layer_groups": 0}, "layer_groups must be at least 1"),
        ({"epochs": 0}, "epochs must be at least 1"),
    ],
)
def test_impossible_settings_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        MaskedSentences(**changed)


def test_a_model_with_another_head_is_refused(log_documents: Any, tmp_path: Path) -> None:
    folder = build_twin(tmp_path / "t5", {"model_type": "t5"}, ["radio failed"])
    with pytest.raises(InputError, match="no head for `adapt: masked_sentences`: use `adapt: seq"):
        adapt(folder, log_documents, tmp_path)


def test_weights_in_four_bits_are_refused(tiny: Path, log_documents: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="masked_sentences trains all weights, and weights in 4"):
        SETTINGS.adapt(
            HuggingFaceAdapter(checkpoint=str(tiny), quantize="nf4"),
            log_documents,
            special_tokens=SPECIAL,
            out=tmp_path,
            scratch=tmp_path,
        )


def test_a_model_without_a_list_of_layers_is_refused() -> None:
    class Flat(torch.nn.Module):
        base_model_prefix = "flat"

        def __init__(self) -> None:
            super().__init__()
            self.base_model = torch.nn.Linear(2, 2)
            self.config = type("C", (), {"model_type": "flat"})()

    with pytest.raises(InputError, match="a flat model has no list of layers to thaw"):
        layer_groups(Flat(), 2)
