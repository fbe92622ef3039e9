"""Domain adaptation by masked language modelling: the model learns the logs' language first.

Devlin et al., "BERT", NAACL 2019, without next-sentence prediction: some tokens are hidden, the
model guesses them; all weights are trained. The held-out loss before and after is measured under
the same masks. A falling loss alone proves nothing where the head is fresh: compare with
`unigram_loss` and with the same training of the head alone (`head_only`).
"""

import torch
from pydantic import JsonValue

from adapters import blocks
from adapters.blocks import END, IGNORED, Sides, Tokens
from adapters.heads import save_tokenizer, start
from adapters.loading import quiet
from adapters.mlm import Mlm
from adapters.mlm_masking import Collator, Masking, unigram
from adapters.mlm_model import MaskedModel, start_from
from adapters.objective import Request
from results.errors import InputError


def adapt_mlm(settings: Mlm, request: Request) -> dict[str, JsonValue]:
    """Adapt an encoder; where it has no masked-language-model head, one is drawn.

    `out` gets the encoder alone, as a checkpoint of its own. See `Objective.adapt`.
    """
    if getattr(request.adapter, "quantize", None) is not None:
        raise InputError(
            "adapt: mlm trains all weights, and weights in 4 bits cannot be trained: leave "
            "`quantize` out of this model"
        )
    with quiet():
        base = start(settings, request, dtype=torch.float32)
    masking = Masking.of(base.tokenizer, base.own, settings)
    end_id = base.tokenizer.convert_tokens_to_ids(END)
    documents = blocks.tokenize(request.texts, base.framed, end_id)
    sides = blocks.divide(
        documents, settings, lambda some: blocks.pack(some, base.framed, size=base.block)
    )
    if base.fresh and settings.unigram_start:
        start_from(base.model, unigram(sides.train, masking))
    module = MaskedModel(base.model, head_only=settings.head_only)
    result = blocks.learn(module, sides, Collator(masking), settings, request)
    with quiet():
        base.model.base_model.save_pretrained(save_tokenizer(settings, request, base.tokenizer))
    return {
        **blocks.card(settings, request, sides, result),
        **_figures(sides, masking),
        "block": base.block,
        "fresh_head": bool(base.fresh),
        "vocabulary": len(base.tokenizer),
    }


def _figures(sides: Sides[Tokens], masking: Masking) -> dict[str, JsonValue]:
    guessed = int((masking.labels(sides.train, epoch=1) != IGNORED).sum())
    tokens = sum(len(ids) for _, ids in sides.train)
    maskable = sum(int(masking.maskable[ids].sum()) for _, ids in sides.train)
    shares = unigram(sides.train, masking)
    return {
        "unigram_loss": blocks.unigram_loss(shares, masking.labels(sides.valid, epoch=0)),
        "mask_rate": guessed / maskable,
        "mask_rate_of_all_tokens": guessed / tokens,
        "train_tokens": tokens,
        "valid_tokens": sum(len(ids) for _, ids in sides.valid),
    }
