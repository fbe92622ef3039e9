"""Masked language modelling: what is masked, what is trained, what is recorded."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM

from adapters.blocks import IGNORED, unigram_loss
from adapters.huggingface import HuggingFaceAdapter
from adapters.loading import load_encoder, load_tokenizer, quiet
from adapters.masked_batches import Collator, labels_of, unigram
from adapters.mlm import Mlm
from adapters.mlm_masking import Masking
from adapters.mlm_model import MaskedModel
from adapters.tiny import build_tiny, build_twin
from results.errors import InputError

SPECIAL = ("<hex>", "<num>", "<ipaddr>", "<newline>", "<endsample>")
SETTINGS = Mlm(epochs=2, batch_size=8, learning_rate=2e-3, block=32, validation_share=0.2)


def adapt(source: Path, documents: Any, out: Path, **changed: Any) -> Any:
    return replace(SETTINGS, **changed).adapt(
        HuggingFaceAdapter(checkpoint=str(source)),
        documents,
        special_tokens=SPECIAL,
        out=out,
        scratch=out / "scratch",
    )


@pytest.fixture(scope="module")
def adapted(tiny: Path, log_documents: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The card and the folder of one adaptation."""
    out = tmp_path_factory.mktemp("adapted")
    return adapt(tiny, log_documents, out, epochs=8, learning_rate=5e-3), out


@pytest.fixture
def masking(tiny: Path) -> Masking:
    tokenizer = load_tokenizer(tiny)
    own = list(tokenizer.all_special_ids)
    tokenizer.add_tokens(list(SPECIAL), special_tokens=True)
    return Masking.of(tokenizer, own, SETTINGS)


def test_our_tokens_are_maskable_and_the_models_own_are_not(tiny: Path, masking: Masking) -> None:
    tokenizer = load_tokenizer(tiny)
    own = list(tokenizer.all_special_ids)
    assert len(own) == 5 and not masking.maskable[own].any()
    tokenizer.add_tokens(list(SPECIAL), special_tokens=True)
    ours = tokenizer.convert_tokens_to_ids(list(SPECIAL))
    ids = np.array([*own, *ours] * 500)
    seen, labels = masking.apply(ids, epoch=1, example=0)
    chosen = labels != IGNORED
    assert set(ids[chosen]) == set(ours)
    assert not chosen[np.isin(ids, own)].any()
    assert (seen[np.isin(ids, own)] == ids[np.isin(ids, own)]).all()


def test_about_thirty_percent_are_guessed_80_10_10(masking: Masking) -> None:
    ids = np.full(200_000, 40)
    seen, labels = masking.apply(ids, epoch=1, example=0)
    chosen = labels != IGNORED
    assert chosen.mean() == pytest.approx(0.3, abs=0.005)
    assert (labels[chosen] == 40).all() and (seen[~chosen] == 40).all()
    assert (seen[chosen] == masking.mask_id).mean() == pytest.approx(0.8, abs=0.01)
    assert (seen[chosen] == 40).mean() == pytest.approx(0.1, abs=0.01)
    assert masking.maskable[seen[chosen & (seen != masking.mask_id)]].all()


def test_masks_derive_from_seed_epoch_and_example_alone(masking: Masking) -> None:
    ids = np.arange(20, 60)
    labels = masking.apply(ids, epoch=1, example=5)[1]
    np.testing.assert_array_equal(masking.apply(ids, epoch=1, example=5)[1], labels)
    others = [
        masking.apply(ids, epoch=2, example=5),
        masking.apply(ids, epoch=1, example=6),
        replace(masking, seed=1).apply(ids, epoch=1, example=5),
    ]
    assert all((other != labels).any() for _, other in others)


def test_a_block_is_never_without_a_guess(masking: Masking) -> None:
    for example in range(50):
        labels = masking.apply(np.array([2, 30, 3]), epoch=1, example=example)[1]
        assert labels.tolist() == [IGNORED, 30, IGNORED]


def test_a_batch_does_not_depend_on_who_else_is_in_it(masking: Masking) -> None:
    collate = Collator(masking)
    collate.set_epoch(3)
    long, short = np.arange(20, 40), np.arange(20, 30)
    both = collate([(0, long), (1, short)])
    alone = collate([(1, short)])
    assert torch.equal(both["input_ids"][1, :10], alone["input_ids"][0])
    assert torch.equal(both["labels"][1, :10], alone["labels"][0])
    assert both["attention_mask"].sum(dim=1).tolist() == [20, 10]
    assert (both["labels"][1, 10:] == IGNORED).all()
    assert "attention_mask" not in alone


def test_predicting_only_hidden_tokens_is_the_stock_loss(tiny: Path, masking: Masking) -> None:
    with quiet():
        model = AutoModelForMaskedLM.from_pretrained(tiny)
        model.resize_token_embeddings(len(masking.maskable))
    model.eval()
    batch = Collator(masking)([(0, np.arange(8, 38)), (1, np.arange(10, 30))])
    stock = model(**batch).loss
    output = MaskedModel(model)(**batch)
    torch.testing.assert_close(output["loss"], stock)
    assert len(output["logits"]) == int((batch["labels"] != IGNORED).sum())


def test_it_learns_more_than_frequencies_on_documents_held_out(adapted: Any) -> None:
    card, _ = adapted
    assert card["heldout_loss_after"] < card["heldout_loss_before"]
    assert card["heldout_loss_after"] < card["unigram_loss"]


def test_the_card_accounts_for_every_document_and_step(adapted: Any, log_documents: Any) -> None:
    card, _ = adapted
    assert card["train_documents"] + card["valid_documents"] == len(log_documents)
    assert card["valid_documents"] == 3  # 20 % of 16
    assert card["steps"] == 8 * -(-card["train_blocks"] // 8)
    assert card["mask_rate"] == pytest.approx(0.3, abs=0.03)
    assert card["mask_rate_of_all_tokens"] < card["mask_rate"]
    curve = next(c for c in card["curves"] if c["name"] == "valid_loss")
    assert curve["at"] == list(range(9))
    assert curve["values"][0] == card["heldout_loss_before"]
    assert curve["values"][-1] == card["heldout_loss_after"]
    assert (card["fresh_head"], card["block"]) == (False, 32)


def test_the_adapted_encoder_loads_with_one_row_per_new_token(adapted: Any, tiny: Path) -> None:
    _, out = adapted
    encoder = load_encoder(out / "checkpoint", context=None, device="cpu", dtype="fp32")
    before = load_encoder(tiny, context=None, device="cpu", dtype="fp32")
    ids = encoder.tokenize([" ".join(SPECIAL)])[0]
    assert len(ids) == len(set(ids)) == 5 and min(ids) >= before.model.config.vocab_size
    rows = encoder.model.get_input_embeddings().num_embeddings
    assert rows == before.model.config.vocab_size + 5 == max(ids) + 1
    inner = torch.tensor([encoder.wrap([20, 21, 22])])
    assert not torch.equal(encoder.states(inner, None), before.states(inner, None))
    assert encoder.audit()["random_weights"] is True


def test_every_weight_of_the_encoder_has_moved(adapted: Any, tiny: Path) -> None:
    before = load_file(tiny / "model.safetensors")
    after = load_file(adapted[1] / "checkpoint" / "model.safetensors")
    assert set(after) == set(before), "the head is saved too"
    for name, weight in after.items():
        old = before[name]
        assert not torch.equal(weight[: len(old)], old), name


def test_the_folder_tells_its_objective_and_tokens(adapted: Any) -> None:
    told = json.loads((adapted[1] / "checkpoint" / "logmark.json").read_text())
    assert told == {"version": 1, "objective": "mlm", "special_tokens": list(SPECIAL)}


def test_the_same_seed_gives_the_same_bytes(
    adapted: Any, tiny: Path, log_documents: Any, tmp_path: Path
) -> None:
    torch.rand(3)  # the state of the process's generator must not matter
    card = adapt(tiny, iter(log_documents), tmp_path, epochs=8, learning_rate=5e-3)
    assert card == adapted[0]
    for path in (tmp_path / "checkpoint").iterdir():
        assert path.read_bytes() == (adapted[1] / "checkpoint" / path.name).read_bytes()


def test_another_seed_holds_out_and_learns_otherwise(
    adapted: Any, tiny: Path, log_documents: Any, tmp_path: Path
) -> None:
    card = adapt(tiny, log_documents, tmp_path, seed=1, epochs=1)
    assert card["heldout_loss_before"] != adapted[0]["heldout_loss_before"]


def test_a_fresh_head_starts_at_the_frequencies(log_documents: Any, tmp_path: Path) -> None:
    texts = [part for parts in log_documents for part in parts]
    headless = build_tiny(tmp_path / "tiny", texts)
    started = adapt(headless, log_documents, tmp_path / "a", epochs=1)
    plain = adapt(headless, log_documents, tmp_path / "b", epochs=1, unigram_start=False)
    assert started["fresh_head"] and plain["fresh_head"]
    assert started["heldout_loss_before"] == pytest.approx(started["unigram_loss"], rel=0.1)
    assert plain["heldout_loss_before"] > started["heldout_loss_before"] + 1


def test_the_head_alone_leaves_the_encoder_as_it_was(
    tiny: Path, log_documents: Any, tmp_path: Path
) -> None:
    card = adapt(tiny, log_documents, tmp_path, head_only=True)
    assert card["heldout_loss_after"] < card["heldout_loss_before"]
    after = load_encoder(tmp_path / "checkpoint", context=None, device="cpu", dtype="fp32")
    before = load_encoder(tiny, context=None, device="cpu", dtype="fp32")
    ids = torch.tensor([before.wrap([20, 21, 22])])
    assert torch.equal(after.states(ids, None), before.states(ids, None))


def test_max_blocks_trains_on_a_sample(tiny: Path, log_documents: Any, tmp_path: Path) -> None:
    card = adapt(tiny, log_documents, tmp_path, max_blocks=8, epochs=1)
    assert (card["train_blocks"], card["valid_blocks"], card["steps"]) == (8, 2, 1)
    assert card["train_blocks_before_sampling"] > 8


def test_the_block_is_capped_at_the_models_limit(
    tiny: Path, log_documents: Any, tmp_path: Path
) -> None:
    card = adapt(tiny, log_documents, tmp_path, block=512, epochs=1)
    assert card["block"] == 64


def test_unigram_is_the_entropy_of_add_one_counts(masking: Masking) -> None:
    train, valid = [(0, np.array([20] * 90 + [21] * 10))], [(0, np.array([20] * 10))]
    vocabulary = len(masking.maskable)
    expected = -np.log(91 / (vocabulary + 100))
    labels = labels_of(valid, masking, epoch=0)
    assert unigram_loss(unigram(train, masking), labels) == pytest.approx(expected)


def test_one_document_cannot_be_held_out(tiny: Path, log_documents: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 documents; at least 2 are needed"):
        adapt(tiny, log_documents[:1], tmp_path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mask_share": 0.0}, "mask_share must lie between 0 and 1"),
        ({"validation_share": 1.0}, "validation_share must lie between 0 and 1"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"max_blocks": 0}, "max_blocks must be at least 1"),
    ],
)
def test_impossible_settings_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Mlm(**changed)


def test_a_tokenizer_without_a_mask_token_is_refused(
    tiny: Path, log_documents: Any, tmp_path: Path
) -> None:
    bare = build_tiny(tmp_path / "bare", ["radio failed"])
    tokenizer = load_tokenizer(bare)
    tokenizer.mask_token = None
    tokenizer.save_pretrained(bare)
    with pytest.raises(InputError, match="has no mask token"):
        adapt(bare, log_documents, tmp_path)


def test_bigbird_adapts_in_bf16_with_blocks_on_both_sides_of_its_full_attention(
    tmp_path: Path, log_documents: Any
) -> None:
    """The twin attends block-sparsely from 177 tokens on; a stream's last block is short."""
    config = {"model_type": "big_bird", "max_position_embeddings": 512}
    texts = [part for parts in log_documents for part in parts]
    folder = build_twin(tmp_path / "bigbird", config, texts)
    lengths: list[int] = []
    forward = MaskedModel.forward

    def noted(self: Any, input_ids: Any, *rest: Any, **named: Any) -> Any:
        lengths.append(input_ids.shape[1])
        output = forward(self, input_ids, *rest, **named)
        sparse = self.model.base_model.attention_type == "block_sparse"
        assert sparse == (input_ids.shape[1] > 176)
        return output

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MaskedModel, "forward", noted)
        card = replace(SETTINGS, block=200, batch_size=1, epochs=2).adapt(
            HuggingFaceAdapter(checkpoint=str(folder)),
            log_documents,
            special_tokens=SPECIAL,
            out=tmp_path / "out",
            scratch=tmp_path / "scratch",
            precision="bf16",
        )
    assert min(lengths) <= 176 < max(lengths)
    assert card["heldout_loss_after"] < card["heldout_loss_before"]
