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
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import JsonValue
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoModelForMaskedLM

from adapters import checkpoints
from adapters.encoder import Tokenizer
from adapters.loading import load_config, load_tokenizer, quiet, resolve_context
from adapters.training import TrainingResult, TrainingSettings, train
from results.errors import InputError

END = "<endsample>"
"""Closes every document of the adaptation corpus (DESIGN: masking)."""

IGNORED = -100  # label of a token that is not to be guessed, torch's convention
_HELD_OUT, _SAMPLED = 1, 2  # streams of the seed, beside one per (epoch, example)

Tokens = Int[np.ndarray, " t"]


@dataclass(frozen=True, kw_only=True)
class MlmSettings:
    """How masked language modelling is done; the paper's values where it gives them.

    Attributes:
        epochs: passes over the train blocks.
        batch_size: blocks per step.
        learning_rate: peak step size of AdamW, falling linearly to 0.
        mask_share: share of the maskable tokens to guess: 80 % of them hidden, 10 % replaced by a
            random token, 10 % left as they are.
        block: tokens of a block, special ones included; capped at what the model takes.
        max_blocks: train on a seeded sample of at most so many blocks; None takes all.
        validation_share: share of the documents that is held out.
        head_only: train the prediction head alone, as a control; the encoder stays as it was.
        unigram_start: give a fresh head the log frequencies of the train tokens as its bias, so
            that no step is spent on learning them (ours; a head that was loaded is left alone).
        seed: decides the held-out documents, masks, new embedding rows and a fresh head.
    """

    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 5e-5
    mask_share: float = 0.3
    block: int = 512
    max_blocks: int | None = None
    validation_share: float = 0.1
    head_only: bool = False
    unigram_start: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: a share outside (0, 1), or a count below 1.
        """
        for name in ("mask_share", "validation_share"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise InputError(f"adapt: {name} must lie between 0 and 1")
        for name in ("epochs", "batch_size", "block", "max_blocks"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise InputError(f"adapt: {name} must be at least 1")


def adapt_mlm(
    source: Path,
    texts: Iterable[Sequence[str]],
    *,
    special_tokens: Sequence[str],
    settings: MlmSettings,
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
        model, fresh_head = _load_model(source, len(tokenizer), settings)
        context = resolve_context(None, model.config, tokenizer, name=source.name)
    framed = Tokenizer.of(tokenizer)
    documents = _tokenize(texts, framed, objective.end_id)
    data = _blocks(documents, framed, settings, size=min(settings.block, context))
    if fresh_head and settings.unigram_start:
        _start_from(model, unigram(data.train, objective))
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
class Masking:
    """Which tokens are hidden: a function of (seed, epoch, example) and of nothing else.

    Attributes:
        maskable: by token id; ours are, the model's own special tokens are not.
        mask_id: the token that hides another.
        pad_id: the token to pad with.
        end_id: the token that ends a document.
        share: of the maskable tokens that are to be guessed.
        seed: of the suite.
    """

    maskable: Bool[np.ndarray, " v"]
    mask_id: int
    pad_id: int
    end_id: int
    share: float
    seed: int

    @classmethod
    def of(cls, tokenizer: Any, special_tokens: Sequence[str], settings: MlmSettings) -> "Masking":
        """Add our tokens to a tokenizer and say what is maskable in it.

        Raises:
            InputError: the tokenizer has no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise InputError(
                f"model {tokenizer.name_or_path!r} has no mask token: `adapt: mlm` needs a model "
                "that was trained with one, such as BERT"
            )
        own = list(tokenizer.all_special_ids)
        tokenizer.add_tokens(list(special_tokens), special_tokens=True)
        maskable = np.ones(len(tokenizer), dtype=bool)
        maskable[own] = False
        return cls(
            maskable=maskable,
            mask_id=tokenizer.mask_token_id,
            pad_id=Tokenizer.of(tokenizer).pad_id,
            end_id=tokenizer.convert_tokens_to_ids(END),
            share=settings.mask_share,
            seed=settings.seed,
        )

    def apply(self, ids: Tokens, *, epoch: int, example: int) -> tuple[Tokens, Tokens]:
        """Hide tokens of one block.

        Returns:
            What the model sees, and the labels: the token where it is to be guessed, else -100.
        """
        generator = np.random.default_rng([self.seed, epoch, example])
        can = self.maskable[ids]
        chosen = can & (generator.random(len(ids)) < self.share)
        if can.any() and not chosen.any():
            chosen[generator.choice(np.flatnonzero(can))] = True
        way = generator.random(len(ids))  # 80 % hidden, 10 % random, 10 % as they are
        drawn = generator.choice(np.flatnonzero(self.maskable), len(ids))
        seen = np.where(chosen & (way < 0.8), self.mask_id, ids)
        seen = np.where(chosen & (way >= 0.8) & (way < 0.9), drawn, seen)
        return seen, np.where(chosen, ids, IGNORED)


class Collator:
    """Makes a batch of masked blocks; the training engine tells it the epoch, 0 for validation."""

    def __init__(self, masking: Masking) -> None:
        """Store the masking; the epoch is 0 until told."""
        self.masking = masking
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the number of the epoch whose masks come next."""
        self.epoch = epoch

    def __call__(self, examples: list[tuple[int, Tokens]]) -> dict[str, Tensor]:
        """Mask and stack (index, block) pairs; a mask of attention only where one is padded."""
        pairs = [self.masking.apply(ids, epoch=self.epoch, example=i) for i, ids in examples]
        lengths = [len(ids) for _, ids in examples]
        batch = {
            "input_ids": _stack([seen for seen, _ in pairs], self.masking.pad_id),
            "labels": _stack([labels for _, labels in pairs], IGNORED),
        }
        if min(lengths) < max(lengths):
            ones = [np.ones(length, dtype=np.int64) for length in lengths]
            batch["attention_mask"] = _stack(ones, 0)
        return batch


class MaskedModel(nn.Module):
    """A masked language model that predicts only where a token is hidden.

    The vocabulary is projected at the hidden positions alone: a head works position by position,
    so a hook on the encoder that passes on only those states changes nothing but the cost.
    """

    def __init__(self, model: Any, *, head_only: bool = False) -> None:
        """Wrap one of transformers' masked language models; it is trained in place."""
        super().__init__()
        self.model = model
        self.hidden: Bool[Tensor, "b t"] | None = None
        model.base_model.register_forward_hook(self._keep_hidden)
        untyped: Any = self
        untyped.register_state_dict_post_hook(_keep_first_of_tied)
        if head_only:
            model.base_model.requires_grad_(False)

    def _keep_hidden(self, module: nn.Module, args: Any, output: Any) -> Any:
        if self.hidden is not None:
            output["last_hidden_state"] = output.last_hidden_state[self.hidden][None]
        return output

    def forward(
        self,
        input_ids: Int[Tensor, "b t"],
        labels: Int[Tensor, "b t"],
        attention_mask: Int[Tensor, "b t"] | None = None,
    ) -> dict[str, Tensor]:
        """Compute the mean loss over the hidden tokens (nats) and their logits, n x v."""
        self.hidden = labels != IGNORED
        try:
            output = self.model(input_ids=input_ids, attention_mask=attention_mask)
        finally:
            hidden, self.hidden = self.hidden, None
        logits = output.logits[0].float()
        return {"loss": nn.functional.cross_entropy(logits, labels[hidden]), "logits": logits}


def _keep_first_of_tied(
    module: nn.Module, state: dict[str, Tensor], prefix: str, metadata: Any
) -> None:
    """Leave tied weights in a checkpoint once: safetensors refuses two names for one tensor."""
    seen: set[int] = set()
    for name in list(state):
        if state[name].data_ptr() in seen:
            del state[name]
        else:
            seen.add(state[name].data_ptr())


@dataclass(frozen=True)
class _Data:
    """Blocks to train on and held-out ones, each with its number; sizes before any sampling."""

    train: list[tuple[int, Tokens]]
    valid: list[tuple[int, Tokens]]
    sizes: Mapping[str, int]


def _load_model(source: Path, vocabulary: int, settings: MlmSettings) -> tuple[Any, bool]:
    """Load the model with its head, drawing what is new (head, rows of tokens) from the seed."""
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            model, report = AutoModelForMaskedLM.from_pretrained(
                source,
                config=load_config(source),
                dtype=torch.float32,
                attn_implementation="sdpa",
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
            if vocabulary > model.get_input_embeddings().num_embeddings:
                model.resize_token_embeddings(vocabulary)
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"checkpoint {str(source)!r} cannot be adapted with `mlm` ({reason})"
        ) from error
    prefix = f"{model.base_model_prefix}."
    lacks = sorted(key for key in report["missing_keys"] if key.startswith(prefix))
    if lacks:
        raise InputError(
            f"checkpoint {str(source)!r} lacks {len(lacks)} of the encoder's weights ({lacks[0]}, "
            "...), which would be random: use a complete checkpoint"
        )
    return model, bool(report["missing_keys"])


def _start_from(model: Any, frequencies: Float[np.ndarray, " v"]) -> None:
    """Set the bias of a fresh head, where it has one, to the log of the tokens' frequencies."""
    head = model.get_output_embeddings()
    if getattr(head, "bias", None) is not None:
        with torch.no_grad():
            head.bias[: len(frequencies)] = torch.from_numpy(np.log(frequencies))


def _tokenize(texts: Iterable[Sequence[str]], tokenizer: Tokenizer, end_id: int) -> list[Tokens]:
    return [
        np.array([*(i for ids in tokenizer.encode(list(parts)) for i in ids), end_id], np.int64)
        for parts in texts
    ]


def _blocks(
    documents: list[Tokens], tokenizer: Tokenizer, settings: MlmSettings, *, size: int
) -> _Data:
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
    settings: MlmSettings,
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


def unigram(blocks: Sequence[tuple[int, Tokens]], masking: Masking) -> Float[np.ndarray, " v"]:
    """Estimate how frequent each token is, adding one; the model's own special ones stay at one."""
    counts: Float[np.ndarray, " v"] = np.ones(len(masking.maskable))
    for _, ids in blocks:
        counts += np.bincount(ids[masking.maskable[ids]], minlength=len(counts))
    frequencies: Float[np.ndarray, " v"] = counts / counts.sum()
    return frequencies


def unigram_loss(
    train_blocks: Sequence[tuple[int, Tokens]],
    valid_blocks: Sequence[tuple[int, Tokens]],
    masking: Masking,
) -> float:
    """Score the held-out hidden tokens by their frequency in training (add one), in nats.

    What a model reaches that ignores the context; same masks as the held-out loss.
    """
    frequencies = unigram(train_blocks, masking)
    hidden = [masking.apply(ids, epoch=0, example=i)[1] for i, ids in valid_blocks]
    labels = np.concatenate(hidden)
    return float(-np.log(frequencies[labels[labels != IGNORED]]).mean())


def _stack(rows: list[Tokens], filler: int) -> Int[Tensor, "b t"]:
    longest = max(map(len, rows))
    padded = [np.pad(row, (0, longest - len(row)), constant_values=filler) for row in rows]
    return torch.from_numpy(np.stack(padded))
