"""Checks of what is done to a model: quantization, and domain adaptation."""

import numpy as np

from adapters.quantization import PROMISE
from corpora.masking import SPECIAL_TOKENS
from jobs.conformance_subject import Broken, Inapplicable, Subject, distance
from results.errors import InputError

_LEAST_COSINE = 0.5  # of the 4-bit vectors with the others: anything worse is no rounding


def is_4_bit_where_asked(subject: Subject) -> str:
    """Asked for NF4, the audit finds it, and the vectors are still those of the model."""
    plain = subject.encoder
    if not subject.has("quantize"):
        raise Inapplicable("there is no setting `quantize`")
    try:
        quantized = subject.load(subject.with_settings(quantize="nf4"))
    except InputError as error:
        raise Broken(str(error)) from error
    audit, before = quantized.audit(), plain.audit()
    if audit.get("share_4bit_linear", 0.0) < PROMISE:
        raise Broken(f"the audit finds {audit.get('share_4bit_linear', 0.0):.1%} in 4 bits")
    some, others = subject.vectors, subject.embed(subject.documents, quantized)
    norms = np.linalg.norm(some, axis=1) * np.linalg.norm(others, axis=1)
    cosine = float(((some * others).sum(axis=1) / norms).min())
    if not cosine >= _LEAST_COSINE:
        raise Broken(
            f"the least cosine of a 4-bit vector with the {subject.precision} one is {cosine:.2f}"
        )
    held, once = (sum(one["bytes_by_dtype"].values()) for one in (audit, before))
    return (
        f"{audit['share_4bit_linear']:.1%} of the linear and expert weights, {held / once:.2f} of "
        f"the bytes, least cosine {cosine:.3f}"
    )


def learns(subject: Subject) -> str:
    """A short domain adaptation lowers the training loss."""
    card = subject.adaptation().card
    losses = next(curve["values"] for curve in card["curves"] if curve["name"] == "train_loss")
    if not losses[-1] < losses[0]:
        raise Broken(f"{card['objective']}: training loss {losses[0]:.3f} became {losses[-1]:.3f}")
    return f"{card['objective']}: training loss {losses[0]:.3f} -> {losses[-1]:.3f}"


def changes(subject: Subject) -> str:
    """The adapted model computes other vectors than the original."""
    before = subject.vectors
    after = subject.embed(subject.documents, subject.load(checkpoint=subject.adapted))
    if not np.isfinite(after).all():
        raise Broken("a vector of the adapted model is not finite")
    if not (apart := distance(before, after)) > 0.0:
        raise Broken("the adapted model's vectors are the original's")
    return f"vectors move by up to {apart:.1%} of their length"


def keeps_our_tokens_whole(subject: Subject) -> str:
    """After adaptation each of our special tokens is one id, wherever it stands."""
    encoder = subject.load(checkpoint=subject.adapted)
    ids = {}
    for token in SPECIAL_TOKENS:
        (alone, within, without) = encoder.tokenize([token, f"at {token} end", "at end"])
        if len(alone) != 1 or alone[0] not in within or alone[0] in without:
            raise Broken(f"{token} becomes {alone} alone, {within} in a text")
        ids[token] = alone[0]
    if len(set(ids.values())) < len(ids):
        raise Broken(f"two of them share an id: {ids}")
    return ", ".join(f"{token} {number}" for token, number in ids.items())
