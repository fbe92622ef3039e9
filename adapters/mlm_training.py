"""Domain adaptation by masked language modelling: the model learns the logs' language first.

Devlin et al., "BERT", NAACL 2019, without next-sentence prediction: some tokens are hidden, the
model guesses them; all weights are trained. The held-out loss before and after is measured under
the same masks. A falling loss alone proves nothing where the head is fresh: compare with
`unigram_loss` and with the same training of the head alone (`head_only`).
"""

from pydantic import JsonValue

from adapters import blocks, masked_start
from adapters.blocks import END
from adapters.masked_batches import Collator, figures
from adapters.mlm import Mlm
from adapters.mlm_masking import Masking
from adapters.mlm_model import MaskedModel
from adapters.objective import Request


def adapt_mlm(settings: Mlm, request: Request) -> dict[str, JsonValue]:
    """Adapt an encoder; where it has no masked-language-model head, one is drawn.

    `out` gets the whole masked language model, as a checkpoint of its own. See `Objective.adapt`.
    """
    base = masked_start.start(settings, request)
    masking = Masking.of(base.tokenizer, base.own, settings)
    end_id = base.tokenizer.convert_tokens_to_ids(END)
    documents = blocks.tokenize(request.texts, base.framed, end_id)
    sides = blocks.divide(
        documents, settings, lambda some: blocks.pack(some, base.framed, size=base.block)
    )
    if settings.unigram_start:
        masked_start.settle_head(base, sides, masking)
    module = MaskedModel(base.model, head_only=settings.head_only)
    result = blocks.learn(module, sides, Collator(masking), settings, request)
    masked_start.save(settings, request, base)
    return {
        **blocks.card(settings, request, sides, result),
        **figures(sides, masking),
        **masked_start.told(base),
    }
