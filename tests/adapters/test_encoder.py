"""Tokens as they are, special tokens where the model wants them, an honest audit."""

from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.encoder import Tokenizer, pad_id
from adapters.loading import load_encoder, load_tokenizer


@pytest.fixture
def encoder(tiny: Path) -> Any:
    return load_encoder(tiny, context=None, device="cpu", dtype="fp32")


def test_tokens_are_neither_cut_nor_framed_nor_warned_about(encoder: Any) -> None:
    [one, many] = encoder.tokenize(["radio", "radio " * 5000])
    assert many == one * 5000
    assert encoder.tokenize([""]) == [[]]


def test_texts_are_tokenized_one_by_one(encoder: Any) -> None:
    together = encoder.tokenize(["radio failed", "at code"])
    assert together == [encoder.tokenize(["radio failed"])[0], encoder.tokenize(["at code"])[0]]


def test_the_frame_is_the_one_transformers_puts(encoder: Any, tiny: Path) -> None:
    text = "radio failed at code"
    whole = load_tokenizer(tiny)(text)["input_ids"]
    assert encoder.wrap(encoder.tokenize([text])[0]) == whole
    assert encoder.num_special == 2


def test_truncation_saved_with_a_tokenizer_is_lifted(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    tokenizer.backend_tokenizer.enable_truncation(8)
    tokenizer.backend_tokenizer.enable_padding(length=8)
    assert len(Tokenizer.of(tokenizer).encode(["radio " * 20])[0]) == 20


def test_a_tokenizer_without_a_pad_token_pads_with_another() -> None:
    class Bare:
        pad_token_id = None
        eos_token_id = None
        unk_token_id = 7

    assert pad_id(Bare()) == 7
    Bare.unk_token_id = None  # type: ignore[assignment]  # the case tested
    assert pad_id(Bare()) == 0


def test_the_audit_counts_weights_and_bytes(encoder: Any) -> None:
    audit = encoder.audit()
    assert audit["parameters"] == sum(p.numel() for p in encoder.model.parameters())
    assert audit["bytes_by_dtype"]["float32"] == 4 * audit["parameters"]
    assert audit["share_4bit"] == 0.0
    assert audit["random_weights"] is True


def test_the_audit_sees_4_bit_weights(encoder: Any) -> None:
    from bitsandbytes.nn import Params4bit

    dense = encoder.model.encoder.layer[0].intermediate.dense
    weights = dense.weight.numel()
    total = encoder.audit()["parameters"]
    dense.weight = Params4bit(dense.weight.data, quant_type="nf4", requires_grad=False).to("cpu")
    if dense.weight.quant_state is None:
        dense.weight = dense.weight._quantize("cpu")
    audit = encoder.audit()
    assert audit["parameters"] == total
    assert audit["share_4bit"] == pytest.approx(weights / total)
    constants = audit["bytes_by_dtype"]["uint8"] - weights // 2
    assert 0 < constants < weights / 32  # one byte per block of 64 weights, and codebooks


def test_inference_keeps_no_graph(encoder: Any) -> None:
    assert not encoder.states(torch.tensor([[2, 5, 3]]), None).requires_grad
