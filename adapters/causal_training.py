"""Domain adaptation of a decoder: it guesses each next token; low-rank updates over a frozen model.

Over 4-bit weights this is QLoRA (Dettmers et al., NeurIPS 2023), the way to adapt a model of
billions of weights on one device. The model's own special tokens around a block are not guessed.
"""

from typing import Any

import numpy as np
from jaxtyping import Int
from pydantic import JsonValue
from torch import Tensor, nn

from adapters import blocks
from adapters.blocks import END, IGNORED, Sides, Tokens
from adapters.causal import Causal
from adapters.encoder import Tokenizer
from adapters.lora_training import NewRows, figures, losses, prepare, save
from adapters.objective import Request


def adapt_causal(settings: Causal, request: Request) -> dict[str, JsonValue]:
    """Adapt a decoder; `out` gets the updates, without the head. See `Objective.adapt`."""
    prepared = prepare(settings, request)
    base = prepared.base
    end_id = base.tokenizer.convert_tokens_to_ids(END)
    documents = blocks.tokenize(request.texts, base.framed, end_id)
    collate = Collator(base.framed)
    sides = blocks.divide(
        documents,
        settings,
        lambda some: [
            ids
            for ids in blocks.pack(some, base.framed, size=base.block)
            if (collate.labels(ids) != IGNORED).any()
        ],
    )
    module = NextTokenModel(base.model, prepared.rows)
    result = blocks.learn(module, sides, collate, settings, request)
    save(settings, request, prepared)
    return {
        **blocks.card(settings, request, sides, result),
        **figures(prepared, request),
        **_unigram(sides, collate, len(base.tokenizer)),
    }


class Collator:
    """Makes a batch of blocks; nothing in it is random."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Remember what stands around a block, and what to pad with."""
        self.tokenizer = tokenizer

    def labels(self, ids: Tokens) -> Tokens:
        """Say what is to be guessed at each place of a block: its token, if the text's own."""
        labels = ids.copy()
        labels[: max(1, len(self.tokenizer.prefix))] = IGNORED  # nothing stands before the first
        labels[len(ids) - len(self.tokenizer.suffix) :] = IGNORED
        return labels

    def __call__(self, examples: list[tuple[int, Tokens]]) -> dict[str, Int[Tensor, "b t"]]:
        """Stack (index, block) pairs."""
        rows = [ids for _, ids in examples]
        return {
            "input_ids": blocks.stack(rows, self.tokenizer.pad_id),
            "labels": blocks.stack([self.labels(ids) for ids in rows], IGNORED),
            **blocks.attention_mask(rows),
        }


class NextTokenModel(nn.Module):
    """A decoder with its loss."""

    def __init__(self, model: Any, rows: NewRows | None) -> None:
        """Wrap one of transformers' models; `rows` are trained with it."""
        super().__init__()
        self.model = model
        self.rows = rows

    def forward(
        self,
        input_ids: Int[Tensor, "b t"],
        labels: Int[Tensor, "b t"],
        attention_mask: Int[Tensor, "b t"] | None = None,
    ) -> dict[str, Tensor]:
        """Compute the mean loss of the labels, each guessed from what stands before it (nats)."""
        logits = self.model(
            input_ids=input_ids, attention_mask=attention_mask, use_cache=False
        ).logits
        return {"loss": losses(logits[:, :-1], labels[:, 1:]).mean()}


def _unigram(sides: Sides[Tokens], collate: Collator, vocabulary: int) -> dict[str, JsonValue]:
    def told(side: list[tuple[int, Tokens]]) -> Tokens:
        labels: Tokens = np.concatenate([collate.labels(ids) for _, ids in side])
        return np.asarray(labels[labels != IGNORED])

    train, valid = told(sides.train), told(sides.valid)
    return {
        "unigram_loss": blocks.unigram_loss(blocks.frequencies([train], vocabulary), valid),
        "train_tokens": len(train),
        "valid_tokens": len(valid),
    }
