"""Loading a masked language model whole, with its head, so that hidden tokens can be guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import checkpoints, lora
from adapters.adapter import Adapter
from adapters.encoder import Tokenizer, audit_weights
from adapters.family import Family
from adapters.heads import fitting
from adapters.loading import (
    DTYPES,
    RANDOM_WEIGHTS,
    check_family,
    framed,
    load_config,
    load_tokenizer,
    quiet,
    resolve_context,
)
from adapters.mlm_model import MaskedModel
from adapters.pretrained import load_pretrained
from adapters.training import device
from results.errors import InputError


@dataclass(frozen=True, kw_only=True)
class MaskedLoaded:
    """A masked language model ready to guess, and what reads for it.

    Attributes:
        model: in evaluation mode, on `adapters.training.device()`.
        tokenizer: of the same checkpoint.
        framed: the same one, to tokenize with.
        own: ids of the model's own special tokens, which are never hidden; those that an adaptation
            added are not among them.
        context: tokens of a paragraph, special ones included.
        audit: of the weights; see `adapters.encoder.audit_weights`.
    """

    model: MaskedModel
    tokenizer: Any
    framed: Tokenizer
    own: list[int]
    context: int
    audit: Mapping[str, Any]


def load_masked(
    adapter: Adapter, *, adapted: Path | None, attention: str, precision: str
) -> MaskedLoaded:
    """Load an adapter's checkpoint, or what domain adaptation made of it, with a trained head.

    Args:
        adapter: whose checkpoint, context and quantization are meant.
        adapted: the folder `checkpoint/` that `adapt: mlm` or `masked_sentences` wrote.
        attention: the implementation wished for; what it became stands in the audit.
        precision: of the weights, a name in `adapters.loading.DTYPES`.

    Raises:
        InputError: an unusable checkpoint, or one without a trained masked-language-model head.
    """
    folder, code = _folder(adapter, adapted), getattr(adapter, "remote_code", False)
    quantize = getattr(adapter, "quantize", None)
    checkpoints.check(folder)
    with quiet():
        config = load_config(folder, remote_code=code)
        check_family(config, getattr(adapter, "family", Family()), folder.name)
        if fitting(config) != "mlm":
            raise _headless(folder, f"a {config.model_type} model has none")
        tokenizer = load_tokenizer(folder, remote_code=code)
        context = resolve_context(adapter.context, config, tokenizer, name=folder.name)
        loaded = load_pretrained(
            folder,
            "AutoModelForMaskedLM",
            dtype=DTYPES["bf16" if quantize else precision],
            attention=attention,
            quantize=quantize,
            device=device(),
            trust_remote_code=code,
        )
    if loaded.fresh:
        raise _headless(folder, f"{loaded.fresh[0]} is not in it")
    random_weights = bool(getattr(config, RANDOM_WEIGHTS, False))
    return MaskedLoaded(
        model=MaskedModel(loaded.model).eval(),
        tokenizer=tokenizer,
        framed=framed(tokenizer, context),
        own=list(tokenizer.all_special_ids),
        context=context,
        audit=audit_weights(loaded.model, quantization=quantize, random_weights=random_weights),
    )


def _folder(adapter: Adapter, adapted: Path | None) -> Path:
    if adapted is None:
        return adapter.folder()
    if lora.is_lora(adapted):
        raise _headless(adapted, "it was adapted by low-rank updates (seq2seq or causal)")
    return adapted


def _headless(folder: Path, reason: str) -> InputError:
    return InputError(
        f"checkpoint {str(folder)!r} has no trained masked-language-model head ({reason}), so it "
        "can guess no hidden token: adapt it first (`adapt: mlm` or `adapt: masked_sentences`)"
    )
