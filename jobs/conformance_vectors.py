"""Checks of a document's vector: what it may depend on, and what it must not."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from adapters import checkpoints, windows
from adapters.adapter import Encoder
from adapters.family import Family
from embedders.cutting import tokenize
from embedders.engine import embed
from jobs.conformance_encoding import mirror
from jobs.conformance_process import compute_elsewhere, request
from jobs.conformance_subject import WINDOW, Broken, Inapplicable, Narrow, Subject, distance, lines
from results.errors import InputError

_ODD = {
    "control": ["\x00\x07\x1b[31m \r\n\t"],
    "foreign": ["na\u00efve \u6587\u5b57 \U0001f642 \u200b\ufffd"],
    "marks": ["<s></s>[CLS] <pad> <weird>"],
    "unbroken": ["x" * 3000],
}


def is_finite(subject: Subject) -> str:
    """No vector is zero, infinite or not a number, and no two different documents share one."""
    found = subject.vectors
    if not np.isfinite(found).all():
        raise Broken(
            f"{int((~np.isfinite(found)).any(axis=1).sum())} of {len(found)} are not finite"
        )
    if not np.abs(found).max(axis=1).all():
        raise Broken("a vector is zero")
    if len(np.unique(found, axis=0)) < len(found):
        raise Broken("different documents have the same vector")
    return f"{len(found)} vectors, all different"


def is_the_same_in_other_batches(subject: Subject) -> str:
    """How many windows are computed together does not matter."""
    _needs_encoder(subject)
    return _close(subject, subject.embed(subject.documents, batch_tokens=1), "one by one")


def is_the_same_padded(subject: Subject) -> str:
    """Padding behind a window does not reach its vector."""
    _needs_encoder(subject)
    padded = subject.embed(subject.documents, padding=1.0, batch_tokens=1 << 14)
    return _close(subject, padded, "padded to the longest")


def is_the_same_whatever_side_is_padded(subject: Subject) -> str:
    """The side that a tokenizer is set to pad on does not matter."""
    _needs_encoder(subject)
    name = "tokenizer_config.json"
    folder = _folder(subject)
    if not (folder / name).is_file():
        raise Inapplicable(f"the checkpoint has no {name}")
    settings = json.loads((folder / name).read_text(encoding="utf-8"))
    sides = []
    for side in ("left", "right"):
        copy = mirror(subject, f"padded-{side}", without=name)
        (copy / name).write_text(json.dumps({**settings, "padding_side": side}), encoding="utf-8")
        sides.append(subject.embed(subject.documents, subject.load(checkpoint=copy), padding=1.0))
    if (apart := distance(*sides)) > subject.tolerance:
        raise Broken(f"left and right lie {apart:.1e} apart, {_allowed(subject)}")
    return f"left and right lie {apart:.1e} apart ({_allowed(subject)})"


def is_the_same_beside_others(subject: Subject) -> str:
    """A document that joins or leaves does not change the others."""
    alone = [subject.embed({name: parts}) for name, parts in subject.documents.items()]
    return _close(subject, np.concatenate(alone), "alone")


def is_the_same_again(subject: Subject) -> str:
    """Two calls give the same bits."""
    return _equal(subject.vectors, subject.embed(subject.documents), "computed again")


def is_the_same_loaded_again(subject: Subject) -> str:
    """Two loads give the same bits."""
    _needs_encoder(subject)
    here, again = subject.vectors, subject.embed(subject.documents, subject.load())
    return _equal(here, again, "loaded again")


def forgets_what_it_read(subject: Subject) -> str:
    """A short window does not change a later long one (BigBird's attention once did)."""
    _needs_encoder(subject)
    fresh, reach = subject.load(), subject.reach
    long = {"long": lines(max(20, reach // 8), seed=13)}
    first = subject.embed(long, fresh, context=reach)
    subject.embed({"short": ["link 3 started"]}, fresh, context=reach)
    if not np.array_equal(first, later := subject.embed(long, fresh, context=reach)):
        raise Broken(f"after a short document a long one lies {distance(first, later):.1e} off")
    return f"a window of {reach} tokens is the same before and after a short one"


def is_the_same_elsewhere(subject: Subject) -> str:
    """A process of its own computes the same bits."""
    here, out = subject.vectors, subject.scratch / "elsewhere.npy"
    compute_elsewhere([request(subject, out)])
    return _equal(here, np.load(out), "computed in another process")


@dataclass(frozen=True)
class _Given:
    """An encoder that takes any text for the same tokens."""

    encoder: Encoder
    tokens: Sequence[int]

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Give the tokens, whatever the text."""
        return [list(self.tokens)]

    def __getattr__(self, name: str) -> Any:
        """Take everything else from the encoder."""
        return getattr(self.encoder, name)


def sees_every_token(subject: Subject) -> str:
    """The windows are those of Eq. 4, and each token has a part in the vector."""
    encoder: Any = Narrow(subject.encoder, min(WINDOW, subject.encoder.context))
    tokens = tokenize(subject.documents["long"], encoder).tolist()
    row = next(embed([("long", subject.documents["long"])], encoder)).coverage[0]
    room = encoder.context - encoder.num_special
    expected = windows.count(len(tokens), capacity=room, overlap=encoder.context // 2)
    if (row.tokens, row.windows, row.share) != (len(tokens), expected, 1.0):
        raise Broken(f"{len(tokens)} tokens make {expected} windows; the ledger says {row}")

    def vector(given: list[int]) -> Float[np.ndarray, "1 d"]:
        changed: Any = _Given(encoder, given)
        return next(embed([("long", ["given"])], changed, overlap=0)).vectors

    before = vector(tokens)
    tried = [0, room // 2, room - 1, room, len(tokens) - 1]
    for at in (at for at in tried if at < len(tokens)):
        other = next(token for token in tokens if token != tokens[at])
        if np.array_equal(vector([*tokens[:at], other, *tokens[at + 1 :]]), before):
            raise Broken(f"token {at + 1} of {len(tokens)} can be changed without an effect")
    return f"{len(tokens)} tokens in {row.windows} windows; those at {tried} matter"


def refuses_an_empty_document(subject: Subject) -> str:
    """A document without a token is refused by its name."""
    _needs_encoder(subject)
    try:
        found = subject.embed({"hollow": [""]})
    except InputError as error:
        if "hollow" in str(error):
            return "refused by its name"
        raise Broken(f"the reason does not name it: {error}") from error
    raise Broken(f"it was given a vector of length {np.linalg.norm(found):.2g}")


def stands_odd_text(subject: Subject) -> str:
    """Control characters, other scripts and endless words get a vector too, or none at all."""
    _needs_encoder(subject)
    readable = {n: parts for n, parts in _ODD.items() if len(tokenize(parts, subject.encoder))}
    if not np.isfinite(subject.embed(readable)).all():
        raise Broken("a vector is not finite")
    if "unbroken" not in readable or len(readable) < 3:
        raise Broken(f"only {', '.join(readable)} have tokens")
    return f"{', '.join(readable)}: finite"


def survives_saving(subject: Subject) -> str:
    """What is saved and loaded again computes the same."""
    _needs_encoder(subject)
    if getattr(subject.adapter, "quantize", None):
        raise Inapplicable("4-bit weights are not saved; what adaptation learns is")
    if subject.is_slow:
        raise Inapplicable("too large for a second copy on this machine")
    folder = _save(subject)
    again = subject.embed(subject.documents, subject.load(checkpoint=folder))
    return _close(subject, again, "saved and loaded")


def _save(subject: Subject) -> Path:
    """Load the bare encoder without the adapter and save it with its tokenizer."""
    from adapters.loading import DTYPES, load_tokenizer, quiet
    from adapters.pretrained import load_pretrained

    source, folder = _folder(subject), subject.scratch / "saved"
    family = getattr(subject.adapter, "family", Family())
    with quiet():
        model = load_pretrained(source, family.architecture, dtype=DTYPES[subject.asked]).model
        model.save_pretrained(folder)
        load_tokenizer(source).save_pretrained(folder)
    return folder


def _folder(subject: Subject) -> Path:
    """Find the checkpoint's folder, where there is one in the format of transformers."""
    try:
        folder: Path = subject.adapter.folder()
        checkpoints.check(folder)
    except InputError as error:
        raise Inapplicable(f"no checkpoint of transformers: {error}") from error
    return folder


def _needs_encoder(subject: Subject) -> None:
    """Skip the check of what has no windows."""
    assert subject.encoder is not None


def _close(subject: Subject, found: Float[np.ndarray, "n d"], how: str) -> str:
    apart = distance(subject.vectors, found)
    if not apart <= subject.tolerance:
        raise Broken(f"{how}, a vector lies {apart:.1e} off; {_allowed(subject)}")
    return f"{how}, all lie within {apart:.1e} ({_allowed(subject)})"


def _equal(here: Float[np.ndarray, "n d"], found: Float[np.ndarray, "n d"], how: str) -> str:
    if not np.array_equal(here, found):
        raise Broken(f"{how}, a vector lies {distance(here, found):.1e} off")
    return f"{how}: the same bits"


def _allowed(subject: Subject) -> str:
    return f"{subject.tolerance:.0e} allowed in {subject.precision}"
