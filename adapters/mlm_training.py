"""Domain adaptation by masked language modelling: the model learns the logs' language first.

Devlin et al., "BERT", NAACL 2019, without next-sentence prediction: some tokens are hidden, the
model guesses them. Documents end with `<endsample>`, are packed into blocks, and a seeded share of
them is held out before packing, so that the loss before and after is measured on documents never
trained on, under the same masks. A falling loss alone proves nothing where the head is fresh:
compare with `unigram_loss` and with the same training of the head alone (`head_only`).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import JsonValue

from adapters import checkpoints
from adapters.encoder import Tokenizer
from adapters.loading import load_tokenizer, quiet, resolve_context
from adapters.mlm import Mlm
from adapters.mlm_masking import END, IGNORED, Collator, Masking, Tokens, unigram, unigram_loss
from adapters.mlm_model import MaskedModel, load_model, start_from
from adapters.training import TrainingResult, TrainingSettings, train
from results.errors import InputError

_HELD_OUT, _SAMPLED = 1, 2  # streams of the seed, beside one per (epoch, example)


def adapt_mlm(
    source: Path,
    texts: Iterable[Sequence[str]],
    *,
    special_tokens: Sequence[str],
    settings: Mlm,
    out: Path,
    scratch: Path,
    precision: Literal["fp32", "bf16"] = "fp32",
    progress: Callable[[float], None] | None = None,
) -> dict[str, JsonValue]:
    """Adapt an encoder to the language of `texts`, on the device that `train` chooses.

    Args:
        source: checkpoint folder; where it has no masked-language-model head, one is drawn.
        texts: documents as masked parts, read once.
        special_tokens: what masking puts in, `<endsample>` among them; added to the tokenizer.
        settings: how.
        out: gets ``checkpoint/`` with the adapted encoder (safetensors) and its tokenizer.
        scratch: private; holds the trainer's own checkpoints, from which a killed run goes on.
        precision: "bf16" runs the forward passes under autocast.
        progress: called with the share of the training done, 0 to 1.

    Returns:
        The card: held-out loss before and after (nats per hidden token), what a unigram model
        reaches, the effective mask rate, sizes, steps and the learning curves.

    Raises:
        InputError: a checkpoint without a mask token or a masked-language-model architecture, or
            fewer than two documents.
    """
    assert END in special_tokens, f"{END} ends every document"
    checkpoints.check(source)
    with quiet():
        tokenizer = load_tokenizer(source)
        objective = Masking.of(tokenizer, special_tokens, settings)
        model, fresh_head = load_model(source, len(tokenizer), settings)
        context = resolve_context(None, model.config, tokenizer, name=source.name)
    framed = Tokenizer.of(tokenizer)
    documents = _tokenize(texts, framed, objective.end_id)
    data = _blocks(documents, framed, settings, size=min(settings.block, context))
    if fresh_head and settings.unigram_start:
        start_from(model, unigram(data.train, objective))
    module = MaskedModel(model, head_only=settings.head_only)
    result = _train(module, data, objective, settings, scratch, precision, progress)
    with quiet():
        model.base_model.save_pretrained(out / "checkpoint")
        tokenizer.save_pretrained(out / "checkpoint")
    return {
        **_figures(data, objective, result),
        "objective": "mlm",
        "settings": asdict(settings),
        "fresh_head": fresh_head,
        "vocabulary": len(tokenizer),
        "precision": precision,
    }


@dataclass(frozen=True)
class _Data:
    """Blocks to train on and held-out ones, each with its number; sizes before any sampling."""

    train: list[tuple[int, Tokens]]
    valid: list[tuple[int, Tokens]]
    sizes: Mapping[str, int]


def _tokenize(texts: Iterable[Sequence[str]], tokenizer: Tokenizer, end_id: int) -> list[Tokens]:
    return [
        np.array([*(i for ids in tokenizer.encode(list(parts)) for i in ids), end_id], np.int64)
        for parts in texts
    ]


def _blocks(documents: list[Tokens], tokenizer: Tokenizer, settings: Mlm, *, size: int) -> _Data:
    """Hold documents out, then pack each side into blocks and sample where a limit is set."""
    if len(documents) < 2:
        raise InputError(
            f"adapt: {len(documents)} documents; at least 2 are needed to hold one out"
        )
    num_held = min(max(1, round(settings.validation_share * len(documents))), len(documents) - 1)
    order = np.random.default_rng([settings.seed, _HELD_OUT]).permutation(len(documents))
    held = set(order[:num_held].tolist())
    train = pack([d for i, d in enumerate(documents) if i not in held], tokenizer, size=size)
    valid = pack([documents[i] for i in sorted(held)], tokenizer, size=size)
    share = settings.validation_share
    limit = settings.max_blocks
    fewer = None if limit is None else math.ceil(limit * share / (1.0 - share))
    return _Data(
        train=_sample(train, limit, settings.seed),
        valid=_sample(valid, fewer, settings.seed),
        sizes={
            "train_documents": len(documents) - num_held,
            "valid_documents": num_held,
            "train_blocks_before_sampling": len(train),
            "valid_blocks_before_sampling": len(valid),
            "block": size,
        },
    )


def pack(documents: Sequence[Tokens], tokenizer: Tokenizer, *, size: int) -> list[Tokens]:
    """Put documents one after the other and cut them into blocks of `size` tokens.

    Each block gets the model's special tokens, which count; the last may be short.
    """
    stream = np.concatenate(documents)
    room = size - len(tokenizer.prefix) - len(tokenizer.suffix)
    if room < 1:
        raise InputError(f"adapt: block {size} leaves no room beside the special tokens: raise it")
    return [
        np.array(tokenizer.wrap(stream[start : start + room].tolist()), np.int64)
        for start in range(0, len(stream), room)
    ]


def _sample(blocks: list[Tokens], limit: int | None, seed: int) -> list[tuple[int, Tokens]]:
    if limit is not None and limit < len(blocks):
        chosen = np.random.default_rng([seed, _SAMPLED]).choice(len(blocks), limit, replace=False)
        blocks = [blocks[i] for i in sorted(chosen.tolist())]
    return list(enumerate(blocks))


def _train(
    module: MaskedModel,
    data: _Data,
    objective: Masking,
    settings: Mlm,
    scratch: Path,
    precision: Literal["fp32", "bf16"],
    progress: Callable[[float], None] | None,
) -> TrainingResult:
    return train(
        module,
        train_data=data.train,
        valid_data=data.valid,
        collate=Collator(objective),
        settings=TrainingSettings(
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            precision=precision,
        ),
        workdir=scratch,
        progress=progress,
    )


def _figures(data: _Data, objective: Masking, result: TrainingResult) -> dict[str, JsonValue]:
    held_out = next(curve.values for curve in result.curves if curve.name == "valid_loss")
    labels = [objective.apply(ids, epoch=1, example=i)[1] for i, ids in data.train]
    guessed = sum(int((row != IGNORED).sum()) for row in labels)
    tokens = sum(len(ids) for _, ids in data.train)
    maskable = sum(int(objective.maskable[ids].sum()) for _, ids in data.train)
    return {
        **data.sizes,
        "heldout_loss_before": held_out[0],
        "heldout_loss_after": held_out[-1],
        "unigram_loss": unigram_loss(data.train, data.valid, objective),
        "mask_rate": guessed / maskable,
        "mask_rate_of_all_tokens": guessed / tokens,
        "train_tokens": tokens,
        "valid_tokens": sum(len(ids) for _, ids in data.valid),
        "train_blocks": len(data.train),
        "valid_blocks": len(data.valid),
        "steps": result.steps,
        "curves": [curve.model_dump(mode="json") for curve in result.curves],
    }
