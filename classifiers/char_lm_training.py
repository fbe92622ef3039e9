"""How `char_lm` is trained: sequences to ids, batches, the training engine, the card.

Id 0 is every character outside the alphabet, which is learnt from what is trained on; it is guessed
like any other. Held-out losses are compared with those of a model that knows nothing but how
frequent each character is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int
from pydantic import JsonValue

from adapters.blocks import IGNORED, frequencies, heldout, stack, unigram_loss
from adapters.training import TrainingResult, TrainingSettings, train
from classifiers.char_lm import CharEmbeddings, CharLm, FittedCharLm
from classifiers.char_lm_network import CharLmNetwork
from classifiers.char_lm_text import Excerpt, Survey, read, survey
from classifiers.characters import PADDING, CharVocabulary

UNKNOWN = 0
Ids = Int[np.ndarray, " chars"]


def fit_char_lm(
    settings: CharLm,
    texts: Iterable[Sequence[str]],
    *,
    seed: int,
    workdir: Path,
    precision: Literal["fp32", "bf16"],
    progress: Callable[[float], None] | None,
) -> FittedCharLm:
    """Train a network on documents; see `CharLm.fit`."""
    assert not isinstance(texts, Iterator), "the documents are gone through twice"
    found = survey(texts, settings)
    excerpt = read(texts, found, settings, seed=seed)
    vocabulary = learn_alphabet(excerpt.train, settings.alphabet)
    learnt, held = (
        [encode(vocabulary, t) for t in side] for side in (excerpt.train, excerpt.valid)
    )
    size = len(vocabulary.characters) + 1
    network = CharLmNetwork(size, embedding=settings.embedding, units=settings.units, seed=seed)
    result = train(
        network,
        train_data=learnt,
        valid_data=held,
        collate=collate,
        settings=_training(settings, seed, precision),
        workdir=workdir,
        progress=progress,
    )
    card: dict[str, JsonValue] = {
        "settings": asdict(settings),
        "seed": seed,
        "precision": precision,
        "characters": len(vocabulary.characters),
        "vocabulary": size,
        "parameters": network.parameters_trained,
        **_text(found, excerpt),
        **_losses(result, _targets(learnt), _targets(held), size),
    }
    vectors = network.embedding.weight.detach().cpu().numpy()[UNKNOWN + 1 :].copy()
    return FittedCharLm(CharEmbeddings(vocabulary.characters, vectors), network, card)


def learn_alphabet(texts: Sequence[str], alphabet: int) -> CharVocabulary:
    """Take the most frequent characters; of `alphabet` ids unknown is one, padding is none."""
    return CharVocabulary.learn(([text] for text in texts), alphabet + 1)


def encode(vocabulary: CharVocabulary, text: str) -> Ids:
    """Turn a sequence into ids: 0 for unknown, i + 1 for character number i."""
    return vocabulary.encode([text], context=len(text), keep="head").ids - (PADDING + 1)


def collate(examples: Sequence[Ids]) -> dict[str, torch.Tensor]:
    """``ids`` (n x chars) and ``labels``: the same shifted by one character, -100 behind the end.

    Padding has an id of its own nowhere: it stands behind what is guessed, so nothing reads it.
    """
    return {
        "ids": stack([ids[:-1].astype(np.int64) for ids in examples], UNKNOWN),
        "labels": stack([ids[1:].astype(np.int64) for ids in examples], IGNORED),
    }


def _training(settings: CharLm, seed: int, precision: Literal["fp32", "bf16"]) -> TrainingSettings:
    return TrainingSettings(
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        seed=seed,
        precision=precision,
    )


def _targets(side: Sequence[Ids]) -> Ids:
    """What is to be guessed on a side."""
    return np.concatenate([ids[1:] for ids in side])


def _text(found: Survey, excerpt: Excerpt) -> dict[str, JsonValue]:
    """Say how much text there is, in guessable characters: all of a document but the first."""
    guessed = {
        "train_chars": sum(len(text) - 1 for text in excerpt.train),
        "valid_chars": sum(len(text) - 1 for text in excerpt.valid),
    }
    there = int((found.lengths - 1).clip(min=0).sum())
    return {
        "sequence": asdict(found.sequence),
        "train_documents": excerpt.train_documents,
        "valid_documents": excerpt.valid_documents,
        "train_sequences": len(excerpt.train),
        "valid_sequences": len(excerpt.valid),
        **guessed,
        "corpus_chars": there,
        "share_read": sum(guessed.values()) / there,
    }


def _losses(result: TrainingResult, train: Ids, valid: Ids, size: int) -> dict[str, JsonValue]:
    return {
        "steps": result.steps,
        "curves": [curve.model_dump(mode="json") for curve in result.curves],
        "unigram_loss": unigram_loss(frequencies([train], size), valid),
        "heldout_unknown_share": float((valid == UNKNOWN).mean()),
        **heldout(result),
    }
