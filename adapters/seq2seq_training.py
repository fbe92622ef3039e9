"""Domain adaptation of an encoder-decoder: the decoder says the encoder's tokens, shifted.

The target of a block is the stream of tokens from k further on, across the block's edge, so all but
the last k tokens of a target could be copied from what the encoder sees. The loss of those k is
therefore reported apart (`tail`): only there does the model have to know the language.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int
from pydantic import JsonValue
from torch import Tensor, nn

from adapters import blocks
from adapters.blocks import END, IGNORED, Sides, Tokens
from adapters.encoder import Tokenizer
from adapters.lora_training import NewRows, figures, losses, prepare, save
from adapters.objective import Request
from adapters.seq2seq import Seq2Seq


class Pair(NamedTuple):
    """A block and what is to be said of it.

    Attributes:
        ids: what the encoder sees, special tokens included.
        target: the stream from `shift` tokens further on; shorter where the stream ends.
        copied: so many of the target's tokens lie inside the block.
    """

    ids: Tokens
    target: Tokens
    copied: int


def adapt_seq2seq(settings: Seq2Seq, request: Request) -> dict[str, JsonValue]:
    """Adapt an encoder-decoder; `out` gets the updates of its encoder. See `Objective.adapt`."""
    prepared = prepare(settings, request)
    base = prepared.base
    end_id = base.tokenizer.convert_tokens_to_ids(END)
    documents = blocks.tokenize(request.texts, base.framed, end_id)
    sides = blocks.divide(
        documents,
        settings,
        lambda some: pack_pairs(some, base.framed, size=base.block, shift=settings.shift),
    )
    module = ShiftedModel(base.model, prepared.rows)
    collate = Collator(base.framed.pad_id)
    result = blocks.learn(module, sides, collate, settings, request)
    save(settings, request, prepared)
    return {
        **blocks.card(settings, request, sides, result),
        **figures(prepared, request),
        **_unigram(sides, len(base.tokenizer)),
    }


def pack_pairs(
    documents: list[Tokens], tokenizer: Tokenizer, *, size: int, shift: int
) -> list[Pair]:
    """Cut the stream of documents into blocks with their targets; a block without one is left."""
    stream, step = np.concatenate(documents), blocks.room(tokenizer, size=size)
    pairs = []
    for start in range(0, len(stream) - shift, step):
        block, target = stream[start : start + step], stream[start + shift :][:step]
        ids = np.array(tokenizer.wrap(block.tolist()), np.int64)
        pairs.append(Pair(ids, target, copied=min(max(len(block) - shift, 0), len(target))))
    return pairs


class Collator:
    """Makes a batch of blocks; nothing in it is random."""

    def __init__(self, pad_id: int) -> None:
        """Remember what to pad with."""
        self.pad_id = pad_id

    def __call__(self, examples: list[tuple[int, Pair]]) -> dict[str, Tensor]:
        """Stack (index, pair) examples; `tail` marks the labels that cannot be copied."""
        pairs = [pair for _, pair in examples]
        tails = [np.arange(len(pair.target)) >= pair.copied for pair in pairs]
        return {
            "input_ids": blocks.stack([pair.ids for pair in pairs], self.pad_id),
            "labels": blocks.stack([pair.target for pair in pairs], IGNORED),
            "tail": blocks.stack(tails, filler=False),
            **blocks.attention_mask([pair.ids for pair in pairs]),
        }


class ShiftedModel(nn.Module):
    """An encoder-decoder with its loss, of all labels and of those that cannot be copied."""

    def __init__(self, model: Any, rows: NewRows | None) -> None:
        """Wrap one of transformers' models; `rows` are trained with it."""
        super().__init__()
        self.model = model
        self.rows = rows

    def forward(
        self,
        input_ids: Int[Tensor, "b t"],
        labels: Int[Tensor, "b u"],
        tail: Bool[Tensor, "b u"],
        attention_mask: Int[Tensor, "b t"] | None = None,
    ) -> dict[str, Any]:
        """Compute the mean loss (nats), and sum and number of the losses of the tail."""
        said = self.model.prepare_decoder_input_ids_from_labels(labels=labels)
        logits = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            decoder_input_ids=said,
            use_cache=False,
        ).logits
        each = losses(logits, labels)
        last = each.detach()[tail[labels != IGNORED]].double()
        return {
            "loss": each.mean(),
            "sums": {"tail_loss": torch.stack([last.sum(), last.new_tensor(len(last))])},
        }


def _unigram(sides: Sides[Pair], vocabulary: int) -> dict[str, JsonValue]:
    shares = blocks.frequencies((pair.target for _, pair in sides.train), vocabulary)
    targets = np.concatenate([pair.target for _, pair in sides.valid])
    tails = np.concatenate([pair.target[pair.copied :] for _, pair in sides.valid])
    return {
        "unigram_loss": blocks.unigram_loss(shares, targets),
        "unigram_tail_loss": blocks.unigram_loss(shares, tails) if len(tails) else None,
        "train_tokens": sum(len(pair.target) for _, pair in sides.train),
        "valid_tokens": len(targets),
        "valid_tail_tokens": len(tails),
    }
