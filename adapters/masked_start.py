"""Where objectives that hide tokens begin and end: a masked language model, loaded and saved."""

import torch
from pydantic import JsonValue

from adapters.blocks import Sides
from adapters.heads import Start, save_tokenizer
from adapters.heads import start as start_with_head
from adapters.loading import quiet
from adapters.masked_batches import B, Hiding, unigram
from adapters.mlm_model import start_from
from adapters.objective import Objective, Request
from results.errors import InputError


def start(settings: Objective, request: Request) -> Start:
    """Load the model in fp32; where it has no masked-language-model head, one is drawn.

    Raises:
        InputError: see `adapters.heads.start`; or the model is held in 4 bits.
    """
    if getattr(request.adapter, "quantize", None) is not None:
        raise InputError(
            f"adapt: {settings.name} trains all weights, and weights in 4 bits cannot be trained: "
            "leave `quantize` out of this model"
        )
    with quiet():
        return start_with_head(settings, request, dtype=torch.float32)


def settle_head(base: Start, sides: Sides[B], hiding: Hiding[B]) -> None:
    """Give a fresh head the log frequencies of the train tokens; one that was loaded stays."""
    if base.fresh:
        start_from(base.model, unigram(sides.train, hiding))


def save(settings: Objective, request: Request, base: Start) -> None:
    """Write the whole model, head included, so that tokens can be guessed later."""
    with quiet():
        base.model.save_pretrained(save_tokenizer(settings, request, base.tokenizer))


def told(base: Start) -> dict[str, JsonValue]:
    """Say what was started from, for the card."""
    return {
        "block": base.block,
        "fresh_head": bool(base.fresh),
        "vocabulary": len(base.tokenizer),
    }
