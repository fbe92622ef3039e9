"""Checks of what an adapter is and what its encoder does with tokens."""

import json
from pathlib import Path
from typing import Any

from adapters.adapter import Encoder
from jobs.conformance_subject import Broken, Inapplicable, Subject, lines
from results.errors import InputError
from results.hashing import hash_json

_MEMBERS = (
    "context",
    "dimension",
    "num_special",
    "pad_id",
    "pooling",
    "tokenize",
    "wrap",
    "states",
    "audit",
)
_AUDITED = ("parameters", "bytes_by_dtype", "random_weights")
_UNKNOWN = 0.05  # share of a log's tokens that may be unknown
_TOO_LONG = 1 << 40


def loads(subject: Subject) -> str:
    """The adapter gives an encoder with all its members, or features that can be learnt."""
    if subject.adapter.fitted:
        return f"features of dimension {subject.vectors.shape[1]}"
    encoder, seconds = subject.loaded()
    lacks = [name for name in _MEMBERS if not hasattr(encoder, name)]
    if lacks:
        raise Broken(f"the encoder lacks {', '.join(lacks)}")
    random = " of random weights" if encoder.audit().get("random_weights") else ""
    return (
        f"{type(encoder).__name__} of {subject.parameters:,} parameters{random} in {seconds:.1f} s"
    )


def is_known_by_its_bytes(subject: Subject) -> str:
    """The identity is stable, hashable and free of paths; a copy elsewhere has the same one."""
    identity = subject.adapter.identity()
    again = subject.with_settings().identity()
    if hash_json(identity) != hash_json(again) or not identity:
        raise Broken(f"asked twice, it says {_short(identity)} and {_short(again)}")
    paths = [text for text in _strings(identity) if Path(text).is_absolute()]
    if paths:
        raise Broken(f"it contains the path {paths[0]!r}")
    if not _is_local(subject):
        return f"stable: {_short(identity)}"
    copied = subject.with_settings(checkpoint=str(mirror(subject, "elsewhere")))
    if hash_json(copied.identity()) != hash_json(identity):
        raise Broken("the same files in another folder have another identity")
    return "stable, and the same for the same files elsewhere"


def audits(subject: Subject) -> str:
    """The audit says what the weights occupy, in JSON."""
    audit = subject.encoder.audit()
    lacks = [name for name in _AUDITED if name not in audit]
    if lacks:
        raise Broken(f"the audit lacks {', '.join(lacks)}")
    held = json.loads(json.dumps(audit))["bytes_by_dtype"]
    if sum(held.values()) <= 0:
        raise Broken(f"bytes_by_dtype is {held}")
    return ", ".join(f"{bytes_:,} bytes of {dtype}" for dtype, bytes_ in held.items())


def takes_its_context(subject: Subject) -> str:
    """A full window goes through, and the context is the one that was set."""
    encoder, reach = subject.encoder, subject.reach
    wanted = getattr(subject.adapter, "context", None)
    if wanted is not None and encoder.context != wanted:
        raise Broken(f"context {wanted} was set, the encoder says {encoder.context}")
    window = encoder.wrap(_tokens(encoder, reach)[: reach - encoder.num_special])
    states = _states(encoder, [window])
    if states.shape[1] != reach or not bool(states.isfinite().all()):
        raise Broken(f"a window of {reach} tokens gives states of shape {tuple(states.shape)}")
    return f"a window of {reach} tokens goes through, of a context of {encoder.context}"


def refuses_a_longer_context(subject: Subject) -> str:
    """A context beyond the model's is refused with a reason, not cut or run into the ground."""
    encoder = subject.encoder
    if not subject.has("context"):
        raise Inapplicable("there is no setting `context`")
    try:
        encoder = subject.load(subject.with_settings(context=_TOO_LONG))
    except InputError as error:
        return f"refused: {error}"
    raise Broken(f"context {_TOO_LONG} was taken; the encoder says {encoder.context}")


def frames_a_window(subject: Subject) -> str:
    """`wrap` adds `num_special` tokens around a window, always the same ones."""
    encoder = subject.encoder
    window = _tokens(encoder, 5)[:5]
    before, behind = _around(encoder, window)
    if len(before) + len(behind) != encoder.num_special:
        raise Broken(f"num_special is {encoder.num_special}, wrap adds {[*before, *behind]}")
    for other in (window[:1], window[::-1], [-1]):
        if _around(encoder, other) != (before, behind):
            raise Broken(f"what stands around a window changes with the window: {other}")
    return f"{before} before and {behind} behind"


def tokenizes_without_weights(subject: Subject) -> str:
    """On the device "meta" the same windows are cut, and no weight takes memory."""
    encoder = subject.encoder
    frame = subject.adapter.load(device="meta", dtype=subject.asked)
    for name in ("context", "num_special", "dimension", "pooling"):
        if (here := getattr(frame, name)) != (there := getattr(encoder, name)):
            raise Broken(f"{name} is {here} without weights, {there} with them")
    texts = ["".join(parts) for parts in subject.documents.values()]
    if [list(ids) for ids in frame.tokenize(texts)] != [list(i) for i in encoder.tokenize(texts)]:
        raise Broken("other tokens without weights than with them")
    return f"{len(texts)} texts get the same tokens"


def tokenizes_everything(subject: Subject) -> str:
    """No text is cut, padded or framed, no word is dropped; few tokens are unknown."""
    encoder = subject.encoder
    texts = ["link 3 started", *lines(20, seed=11)]
    ids = encoder.tokenize(texts)
    if ids != [encoder.tokenize([text])[0] for text in texts]:
        raise Broken("a text has other tokens beside longer ones: padded or cut")
    many = encoder.tokenize([" ".join(texts * 40)])[0]
    if len(many) < 39 * sum(map(len, ids)) * 0.9:
        raise Broken(f"{40 * sum(map(len, ids))} tokens were to be expected, {len(many)} came")
    words = sorted({word for text in texts for word in text.split()})
    dropped = [
        word for word, found in zip(words, encoder.tokenize(words), strict=True) if not found
    ]
    if dropped:
        raise Broken(f"dropped without a token: {' '.join(dropped)}")
    return (
        f"{len(many):,} tokens of {len(' '.join(texts * 40)):,} characters{_unknown(subject, many)}"
    )


def gives_states(subject: Subject) -> str:
    """States are `b t d`, in the precision asked for, without a gradient."""
    import torch

    from adapters.loading import DTYPES

    encoder = subject.encoder
    window = encoder.wrap(_tokens(encoder, 9)[:9])
    states = _states(encoder, [window, window])
    shape = (2, len(window), encoder.dimension)
    if not isinstance(states, torch.Tensor) or tuple(states.shape) != shape:
        raise Broken(f"shape {shape} was promised, {tuple(states.shape)} came")
    if states.dtype != DTYPES[subject.precision]:
        raise Broken(f"{subject.precision} was asked for, {states.dtype} came")
    if states.requires_grad:
        raise Broken("the states carry a gradient, which keeps the whole graph in memory")
    return f"{shape}, {str(states.dtype).removeprefix('torch.')}"


def has_its_dimension(subject: Subject) -> str:
    """The vectors are as wide as the encoder and its configuration promise."""
    width = subject.vectors.shape[1]
    read = getattr(subject.adapter, "config", None)
    config = (read() if read else None) or {}
    promised = {} if subject.adapter.fitted else {"encoder": subject.encoder.dimension}
    names = ("hidden_size", "d_model", "dim")
    promised |= {f"config.json {name}": config[name] for name in names if config.get(name)}
    wrong = [f"{who} promises {size}" for who, size in promised.items() if size != width]
    if wrong:
        raise Broken(f"vectors are {width} wide, {', '.join(wrong)}")
    return f"{width} ({', '.join(promised) or 'nothing'} says so)"


def mirror(subject: Subject, name: str, *, without: str = "") -> Path:
    """Show the checkpoint's files in another folder, without copying them."""
    source, folder = subject.adapter.folder(), subject.scratch / name
    folder.mkdir(parents=True)
    for path in source.iterdir():
        if path.name != without:
            (folder / path.name).symlink_to(path.absolute())
    return folder


def _is_local(subject: Subject) -> bool:
    checkpoint = getattr(subject.adapter, "checkpoint", None)
    return isinstance(checkpoint, str) and Path(checkpoint).is_dir() and subject.has("checkpoint")


def _unknown(subject: Subject, ids: list[int]) -> str:
    """Tell the share of unknown tokens, where the checkpoint's tokenizer has such a token."""
    from adapters.loading import load_tokenizer, quiet

    try:
        with quiet():
            unknown = load_tokenizer(subject.adapter.folder()).unk_token_id
    except InputError:
        return ""
    if unknown is None:
        return ", none can be unknown"
    share = ids.count(unknown) / len(ids)
    if share > _UNKNOWN:
        raise Broken(f"{share:.1%} of a log's tokens are unknown to the tokenizer")
    return f", {share:.1%} unknown"


def _tokens(encoder: Encoder, count: int) -> list[int]:
    """Take at least so many tokens of a log."""
    found: list[int] = []
    seed = 12
    while len(found) < count:
        found += encoder.tokenize(["\n".join(lines(50, seed=seed))])[0]
        seed += 1
    return found


def _states(encoder: Encoder, windows: list[list[int]]) -> Any:
    import torch

    return encoder.states(torch.tensor(windows), None)


def _around(encoder: Encoder, window: list[int]) -> tuple[list[int], list[int]]:
    wrapped = encoder.wrap(window)
    for start in range(len(wrapped) - len(window) + 1):
        if wrapped[start : start + len(window)] == window:
            return wrapped[:start], wrapped[start + len(window) :]
    raise Broken(f"wrap does not keep the window together: {window} became {wrapped}")


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    return [value] if isinstance(value, str) else []


def _short(identity: Any) -> str:
    text = json.dumps(identity, sort_keys=True, default=repr)
    return text if len(text) <= 80 else text[:77] + "..."
