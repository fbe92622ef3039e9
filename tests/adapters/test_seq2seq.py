"""The shifted sequence-to-sequence adaptation: its targets, what it trains, what it reports."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from adapters import lora, lora_training
from adapters.blocks import IGNORED
from adapters.encoder import Tokenizer
from adapters.huggingface import HuggingFaceAdapter
from adapters.lora_training import losses
from adapters.objective import Request
from adapters.seq2seq import Seq2Seq
from adapters.seq2seq_training import Collator, Pair, ShiftedModel, pack_pairs
from adapters.t5 import T5Adapter
from adapters.tiny import build_twin
from corpora.masking import SPECIAL_TOKENS
from results.errors import InputError

SETTINGS = Seq2Seq(epochs=2, batch_size=8, learning_rate=5e-3, block=48, validation_share=0.2)
FRAMED = Tokenizer(encode=lambda texts: [], prefix=[], suffix=[1], pad_id=0)


def options(out: Path, **changed: Any) -> dict[str, Any]:
    return {"special_tokens": SPECIAL_TOKENS, "out": out, "scratch": out / "scratch", **changed}


def adapt(source: Path, documents: Any, out: Path, **changed: Any) -> Any:
    adapter = T5Adapter(checkpoint=str(source))
    return replace(SETTINGS, **changed).adapt(adapter, documents, **options(out))


def prepare(source: Path, out: Path, **changed: Any) -> lora_training.Prepared:
    request = Request(
        adapter=T5Adapter(checkpoint=str(source)),
        texts=[],
        **options(out, precision="fp32", workers=1, progress=None),
    )
    return lora_training.prepare(replace(SETTINGS, **changed), request)


@pytest.fixture(scope="module", params=[False, True], ids=["untied", "tied"])
def t5(request: Any, tmp_path_factory: pytest.TempPathFactory, log_documents: Any) -> Path:
    """Flan-T5's shape, whose head is its own, and T5's, where it is the embedding."""
    config = {
        "model_type": "t5",
        "feed_forward_proj": "relu" if request.param else "gated-gelu",
        "tie_word_embeddings": request.param,
    }
    texts = [part for parts in log_documents for part in parts]
    return build_twin(tmp_path_factory.mktemp("t5"), config, texts)


@pytest.fixture(scope="module")
def flan(tmp_path_factory: pytest.TempPathFactory, log_documents: Any) -> Path:
    config = {"model_type": "t5", "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    texts = [part for parts in log_documents for part in parts]
    return build_twin(tmp_path_factory.mktemp("flan"), config, texts)


@pytest.fixture(scope="module")
def adapted(flan: Path, log_documents: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The card and the folder of one adaptation."""
    out = tmp_path_factory.mktemp("adapted")
    return adapt(flan, log_documents, out, epochs=6), out


@pytest.mark.parametrize("shift", [1, 2, 4, 5, 9])
def test_targets_are_the_stream_shifted_across_the_blocks_edges(shift: int) -> None:
    stream = np.arange(10, 33)
    pairs = pack_pairs([stream[:9], stream[9:]], FRAMED, size=6, shift=shift)
    for number, pair in enumerate(pairs):
        inside = stream[number * 5 : number * 5 + 5]
        assert pair.ids.tolist() == [*inside, 1]
        assert pair.target.tolist() == [*range(inside[0] + shift, min(inside[0] + shift + 5, 33))]
        assert set(pair.target[: pair.copied]) <= set(inside)
        assert not set(pair.target[pair.copied :]) & set(inside)
    said = np.concatenate([pair.target for pair in pairs])
    np.testing.assert_array_equal(said, stream[shift:])
    assert {len(pair.target) - pair.copied for pair in pairs[:-2]} <= {min(shift, 5)}


def test_a_stream_too_short_to_be_shifted_has_no_block() -> None:
    assert pack_pairs([np.arange(3)], FRAMED, size=6, shift=3) == []


def test_documents_too_short_for_the_shift_are_refused(flan: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too short for a single token to be guessed"):
        adapt(flan, [["a"], ["b"]], tmp_path, shift=40)


def test_the_tail_is_what_cannot_be_copied(flan: Path, tmp_path: Path) -> None:
    model = prepare(flan, tmp_path).base.model.eval()
    stream = np.random.default_rng(0).integers(5, 100, 30)
    pairs = pack_pairs([stream], FRAMED, size=11, shift=2)
    batch = Collator(pad_id=0)(list(enumerate(pairs)))
    assert batch["tail"].sum(dim=1).tolist() == [2, 2, 0]
    output = ShiftedModel(model, None)(**batch)
    logits = model(
        input_ids=batch["input_ids"],
        labels=batch["labels"],
    ).logits
    each = losses(logits.detach(), batch["labels"])
    assert len(each) == int((batch["labels"] != IGNORED).sum()) == 28
    torch.testing.assert_close(output["loss"].detach(), each.mean())
    total, count = output["sums"]["tail_loss"].tolist()
    tail = each[batch["tail"][batch["labels"] != IGNORED]]
    assert count == 4 and total == pytest.approx(float(tail.sum()), rel=1e-6)


def test_the_stock_loss_is_ours(flan: Path, tmp_path: Path) -> None:
    model = prepare(flan, tmp_path).base.model.eval()
    batch = Collator(pad_id=0)([(0, Pair(np.arange(5, 15), np.arange(6, 16), 9))])
    stock = model(input_ids=batch["input_ids"], labels=batch["labels"]).loss
    torch.testing.assert_close(ShiftedModel(model, None)(**batch)["loss"], stock)


@pytest.mark.parametrize("train_new_tokens", [False, True])
def test_only_updates_and_if_asked_new_rows_move(
    t5: Path, log_documents: Any, tmp_path: Path, train_new_tokens: bool, monkeypatch: Any
) -> None:
    kept: list[lora_training.Prepared] = []
    before: dict[str, torch.Tensor] = {}
    real = lora_training.prepare

    def watched(*args: Any) -> lora_training.Prepared:
        kept.append(real(*args))
        everything = ShiftedModel(kept[0].base.model, kept[0].rows).named_parameters()
        before.update({name: parameter.detach().clone() for name, parameter in everything})
        return kept[0]

    monkeypatch.setattr("adapters.seq2seq_training.prepare", watched)
    adapt(t5, log_documents, tmp_path, train_new_tokens=train_new_tokens)
    after = dict(ShiftedModel(kept[0].base.model, kept[0].rows).named_parameters())
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    updates = {name for name in before if ".lora_A." in name or ".lora_B." in name}
    rows = {name for name in before if name.startswith("rows.")}
    assert len(rows) == (0 if not train_new_tokens else 1 if _tied(kept[0]) else 2)
    assert moved == updates | rows
    assert len(updates) == 2 * 2 * 3 * 2  # A and B; q and v; encoder, decoder and cross; layers
    assert len(before) > 2 * len(updates)


def _tied(prepared: lora_training.Prepared) -> bool:
    assert prepared.rows is not None
    return prepared.rows.inner is prepared.rows.outer


def test_trained_rows_stand_in_for_those_of_the_matrices(t5: Path, tmp_path: Path) -> None:
    hooked = prepare(t5, tmp_path, train_new_tokens=True)
    plain = prepare(t5, tmp_path).base
    assert hooked.rows is not None
    ids = torch.tensor([[7, *hooked.base.added, 9]])
    with torch.no_grad():
        hooked.rows.inner.add_(0.5)
        plain.model.get_input_embeddings().weight[plain.added] += 0.5
        if not _tied(hooked):
            hooked.rows.outer.sub_(0.25)
            plain.model.get_output_embeddings().weight[plain.added] -= 0.25
        one = hooked.base.model.eval()(input_ids=ids, labels=ids).logits
        two = plain.model.eval()(input_ids=ids, labels=ids).logits
    torch.testing.assert_close(one, two)


def test_new_rows_are_distinct_seeded_and_of_the_models_scale(flan: Path, tmp_path: Path) -> None:
    one, two = (prepare(flan, tmp_path).base for _ in range(2))
    other = prepare(flan, tmp_path, seed=1).base
    for matrix in ("get_input_embeddings", "get_output_embeddings"):
        rows = [getattr(base.model, matrix)().weight[base.added] for base in (one, two, other)]
        assert torch.equal(rows[0], rows[1]) and not torch.equal(rows[0], rows[2])
        old = getattr(one.model, matrix)().weight[: one.added[0]]
        assert float(rows[0].std() / old.std()) == pytest.approx(1.0, abs=0.2)
        assert len({tuple(row.tolist()) for row in rows[0]}) == len(one.added) == 5


def test_the_card_tells_the_tail_apart(adapted: Any, log_documents: Any) -> None:
    card, _ = adapted
    assert card["train_documents"] + card["valid_documents"] == len(log_documents)
    assert card["heldout_loss_after"] < card["heldout_loss_before"]
    assert card["heldout_tail_loss_after"] < card["heldout_tail_loss_before"]
    assert card["unigram_tail_loss"] > 0 and card["unigram_loss"] > 0
    assert 0 < card["valid_tail_tokens"] < card["valid_tokens"] / 20
    assert (card["targets"], card["new_tokens"], card["quantization"]) == (["q", "v"], 5, None)
    curves = {curve["name"]: curve for curve in card["curves"]}
    assert set(curves) == {"train_loss", "valid_loss", "valid_tail_loss"}
    assert curves["valid_tail_loss"]["at"] == list(range(7))
    assert curves["valid_tail_loss"]["values"][-1] == card["heldout_tail_loss_after"]


def test_the_same_seed_gives_the_same_bytes(
    adapted: Any, flan: Path, log_documents: Any, tmp_path: Path
) -> None:
    torch.rand(3)  # the state of the process's generator must not matter
    assert adapt(flan, iter(log_documents), tmp_path, epochs=6) == adapted[0]
    names = sorted(path.name for path in (tmp_path / "checkpoint").iterdir())
    assert "adapter_model.safetensors" in names and "logmark.json" in names
    for name in names:
        assert (tmp_path / "checkpoint" / name).read_bytes() == (
            adapted[1] / "checkpoint" / name
        ).read_bytes()


class KilledError(Exception):
    pass


def test_a_training_that_is_resumed_equals_an_undisturbed_one(
    adapted: Any, flan: Path, log_documents: Any, tmp_path: Path
) -> None:
    def die(share: float) -> None:
        if share > 0.55:
            raise KilledError

    settings, adapter = replace(SETTINGS, epochs=6), T5Adapter(checkpoint=str(flan))
    with pytest.raises(KilledError):
        settings.adapt(adapter, log_documents, **options(tmp_path, progress=die))
    seen: list[float] = []
    card = settings.adapt(adapter, log_documents, **options(tmp_path, progress=seen.append))
    assert seen[0] == 0.5 and card == adapted[0]
    for name in ("adapter_model.safetensors", "new_tokens.safetensors"):
        assert (tmp_path / "checkpoint" / name).read_bytes() == (
            adapted[1] / "checkpoint" / name
        ).read_bytes()


def test_the_trainers_checkpoints_hold_only_what_is_trained(adapted: Any, flan: Path) -> None:
    _, out = adapted
    sizes = [path.stat().st_size for path in out.glob("scratch/checkpoint-*/model.safetensors")]
    card, whole = adapted[0], (flan / "model.safetensors").stat().st_size
    assert len(sizes) == 2
    assert max(sizes) < 4 * card["update_parameters"] + 20_000 < whole


def test_a_frozen_adaptation_still_gives_states_for_every_new_token(
    adapted: Any, flan: Path
) -> None:
    _, out = adapted
    place: dict[str, Any] = {"device": "cpu", "dtype": "fp32"}
    encoder = T5Adapter(checkpoint=str(flan)).load(**place, checkpoint=out / "checkpoint")
    before = T5Adapter(checkpoint=str(flan)).load(**place)
    ids = [encoder.tokenize([token])[0][-1] for token in SPECIAL_TOKENS]
    assert len(set(ids)) == 5 and min(ids) >= before.model.config.vocab_size
    inner = torch.tensor([encoder.wrap([20, 21, 22])])
    assert not torch.equal(encoder.states(inner, None), before.states(inner, None))
    assert lora.is_lora(out / "checkpoint") and not lora.is_lora(flan)


def test_a_model_without_this_head_is_told_what_fits(
    tiny: Path, log_documents: Any, tmp_path: Path
) -> None:
    adapter = HuggingFaceAdapter(checkpoint=str(tiny))
    with pytest.raises(
        InputError, match=r"\(bert\) has no head for `adapt: seq2seq`: use `adapt: mlm`"
    ):
        SETTINGS.adapt(adapter, log_documents, **options(tmp_path))


def test_a_target_that_is_no_layer_is_refused(
    flan: Path, log_documents: Any, tmp_path: Path
) -> None:
    with pytest.raises(
        InputError, match="no layer is called q_proj in a 't5' model: set `targets`"
    ):
        adapt(flan, log_documents, tmp_path, targets=("q_proj",))


def test_new_tokens_leave_flan_t5_the_head_it_came_with(flan: Path, tmp_path: Path) -> None:
    saved = load_file(flan / "model.safetensors")["lm_head.weight"]
    model = prepare(flan, tmp_path).base.model
    assert len(model.lm_head.weight) > len(saved)
    assert torch.equal(model.lm_head.weight[: len(saved)], saved)
