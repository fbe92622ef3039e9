"""What of a run may be passed on: cards, reasons and settings without a word of a log's text.

All of it works by what is allowed, never by what is forbidden: of a card the figures under known
names, of a failure its kind or our own sentence without what stands in quotes, of a path its last
part. `results.bundling` puts together what is left.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from results.records import Costs, Curve, Record

_TRAINED = (
    *("curves", "unigram_loss", "heldout_loss_before", "heldout_loss_after", "steps", "vocabulary"),
    *("train_documents", "valid_documents", "precision", "settings", "parameters", "characters"),
    *("objective", "mask_rate", "share_read"),
)
_CELL = (
    *("best_epoch", "bytes", "characters", "parameters", "trained_parameters", "architecture"),
    *("audit", "context", "coverage", "method", "pruning", "documents", "choice", "paragraphs"),
    *("distinct_paragraphs", "hidden_tokens", "documents_without_hidden_tokens"),
)
CARDS: Mapping[str, tuple[str, ...]] = {
    "corpus": (
        *("documents_read", "documents_kept", "removed", "dropped", "characters"),
        *("duplicates_exact", "lengths"),
    ),
    "labels": ("documents", "labelled", "unlabelled", "mapped_away", "classes"),
    "split": (
        *("by", "test_share", "train_share", "seed", "leaks", "hash", "documents", "classes"),
        "duplicates",
    ),
    "templates": (
        *("templates", "distinct_train_lines", "lines", "unmatched_lines", "most_frequent"),
    ),
    "alter": ("share", "seed", "documents", "lines", "altered_lines", "operations"),
    "adapt": _TRAINED,
    "char_lm": _TRAINED,
    "embed": (
        *("documents", "dimension", "tokens", "windows", "shards", "distinct_windows"),
        *("computed_tokens", "batch_tokens", "audit", "cosine"),
    ),
    **dict.fromkeys(("classify", "reference", "finetune", "compress", "anomaly"), _CELL),
}
"""Kind of job -> the entries of its card that are kept."""

_WORDS = (
    *("precision", "objective", "by", "leaks", "hash", "attention", "quantization"),
    *("architecture", "method", "criterion", "to"),
)
"""Entries that may hold a word; all others are figures, yes or no."""

_NAMES_OF_CLASSES = "classes"
_WORD = re.compile(r"[\w.+-]{1,80}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")
_QUOTED = re.compile(
    r"""(?<!\w)(?P<q>['"`\u2018\u201c])(?:\\.|(?!(?P=q)(?!\w))[^\\])*(?:(?P=q)(?!\w)|$)""",
    re.DOTALL,
)
_EXCEPTION = re.compile(r"((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?:: |:?$)")
_OUR_SENTENCE = re.compile(
    r"((?:out of memory|blocked by|not run yet|no space left on the disk)\b)"
)
_URI = re.compile(r"[A-Za-z][\w+.-]*://")
_ROOTED = re.compile(r"(?:[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\])")
_LEFT_OUT = "\N{HORIZONTAL ELLIPSIS}"


def card(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of a card what is known to hold no text; kinds that are not known have nothing."""
    kept = {name: content[name] for name in CARDS.get(kind, ()) if name in content}
    return {name: value for name, one in kept.items() if (value := _figures(one, name)) is not None}


def figures(content: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the figures of a card or audit whose entries are not known by name."""
    found: dict[str, Any] = _figures(content, "") or {}
    return found


def _figures(value: Any, name: str) -> Any:
    """Keep numbers, yes and no, and words where one may stand; `None` for what is left out."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if name in _WORDS and _WORD.fullmatch(value) else None
    if name == "curves":
        return [Curve.model_validate(one).model_dump(mode="json") for one in value]
    if isinstance(value, list):
        return [one for item in value if (one := _figures(item, name)) is not None]
    if isinstance(value, dict):
        return _entries(value, name)
    return None


def _entries(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name == "settings":  # the suite's own, which `run.json` has as well
        return {key: settings(one) for key, one in content.items()}
    if name == _NAMES_OF_CLASSES:  # by side, or at once; every table names them, too
        return {
            key: _entries(one, name) if isinstance(one, dict) else one
            for key, one in content.items()
            if isinstance(one, dict | int)
        }
    return {
        key: one
        for key, item in content.items()
        if _KEY.fullmatch(key) and (one := _figures(item, key)) is not None
    }


def reason(text: str | None) -> str | None:
    """Say why something failed in words of ours: no message of an exception, nothing quoted.

    Messages of exceptions may quote a log, so of those the kind alone is kept. What users are told
    quotes what it found, so what stands in quotes goes.
    """
    if text is None:
        return None
    line = next(iter(text.strip().splitlines()), "")
    if found := _EXCEPTION.match(line):
        return f"{found[1]} (its message is left out of bundles)"
    if (found := _OUR_SENTENCE.match(line)) and found[1] != "blocked by":
        return found[1]
    return _QUOTED.sub(_LEFT_OUT, " ".join(_place(word) for word in line.split()))


def command(line: str) -> str:
    """Keep of every path in a command line its last part, and of an address nothing."""
    try:
        words = shlex.split(line)
    except ValueError:
        return _LEFT_OUT
    kept = []
    for word in words:
        option, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
        kept.append(f"{option}{sign}{_place(value)}")
    return shlex.join(kept)


def settings(value: JsonValue) -> JsonValue:
    """Keep of every path that stands in settings its last part."""
    if isinstance(value, str):
        return _place(value)
    if isinstance(value, list):
        return [settings(one) for one in value]
    if isinstance(value, dict):
        return {key: settings(one) for key, one in value.items()}
    return value


def _place(word: str) -> str:
    """Shorten a path of this host to its last part; names with a slash in them stay."""
    if _URI.match(word):
        return _LEFT_OUT
    if not _ROOTED.match(word):
        return word
    return re.split(r"[/\\]", word.rstrip("/\\"))[-1] or _LEFT_OUT


def record(one: Record, *, anonymous: bool) -> Record:
    """Keep of a record everything but free text and this host's folders."""
    told = reason(one.reason)
    if anonymous and told is not None:
        told = f"{one.status} (the reason is left out of anonymous bundles)"
    changes: dict[str, Any] = {
        "reason": told,
        "audit": None if one.audit is None else figures(one.audit),
        "costs": {role: _costs(cost) for role, cost in one.costs.items()},
        "provenance": one.provenance.model_copy(
            update={"command": command(one.provenance.command)}
        ),
    }
    return one.model_copy(update=changes)


def _costs(cost: Costs) -> Costs:
    extra = {
        name: reason(value) if isinstance(value, str) else value
        for name, value in cost.extra.items()
        if isinstance(value, str | int | float)
    }
    return cost.model_copy(update={"extra": extra})


_META = (
    *("suite", "suite_hash", "resolved", "command", "started_utc", "recorded_utc", "jobs"),
    "report",
)


def meta(content: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what `run.json` has to say, less this host's folders."""
    kept = {name: content[name] for name in _META if name in content}
    cleaned = {"resolved": settings, "command": command}
    kept |= {name: clean(kept[name]) for name, clean in cleaned.items() if name in kept}
    return {**kept, "store": "store"}
