"""Checkpoint folders: what is in them, what identifies them, and how one is had from the hub.

Imports neither torch nor transformers, since `logmark plan` asks every model for its identity. Only
safetensors are ever read, and of the folder itself; a folder that would have transformers read
pickles, files that its identity does not cover, or code is refused with a way out.
"""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from adapters.adapter import Hasher
from results.errors import InputError
from results.hashing import hash_file

ADAPTATION = "logmark.json"
"""In a checkpoint that was adapted here: the objective and the special tokens."""

_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "*.model",
)
_WEIGHTS = "*.safetensors"
_INDEX = "model.safetensors.index.json"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_ID = re.compile(r"(?!.*(--|\.\.))\w[\w.-]*(/\w[\w.-]*)?")
_HUB_TIMEOUT_S = 15
_NOT_ROOT = ["[!1]*/*", "1[!_]*/*"]  # folders beside the root, but for 1_Pooling
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
_UPDATES = "adapter_config.json"  # peft's


def files(folder: Path, *, code: bool = False) -> list[Path]:
    """List the files of a folder that decide what the model computes, in the order of names."""
    patterns = ("config.json", _WEIGHTS, _INDEX, *_TOKENIZER, *(("*.py",) if code else ()))
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def missing(folder: Path) -> list[str]:
    """Name what a folder lacks to be loaded: configuration, all safetensors, vocabulary."""
    lacks = [] if (folder / "config.json").is_file() else ["config.json"]
    if not any(folder.glob(_WEIGHTS)):
        lacks.append("model.safetensors")
    lacks += [name for name in _shards(folder) if not (folder / name).is_file()]
    if not any(path for pattern in _VOCABULARIES for path in folder.glob(pattern)):
        lacks.append("tokenizer.json")
    return lacks


def check(folder: Path) -> None:
    """Refuse a folder that cannot be loaded safely.

    Raises:
        InputError: it does not exist, lacks a file, holds only pickled weights, or leads to other
            weights or to code.
    """
    if not folder.is_dir():
        raise InputError(f"checkpoint {str(folder)!r} is not a folder: check the path")
    _refuse_what_leads_elsewhere(folder)
    lacks = missing(folder)
    pickles = sorted(path.name for path in folder.glob("*.bin"))
    if "model.safetensors" in lacks and pickles:
        raise InputError(
            f"checkpoint {str(folder)!r} holds pickled weights only ({pickles[0]}), which Logmark "
            "never loads: convert them where you trust them, "
            "AutoModel.from_pretrained(folder).save_pretrained(folder) writes model.safetensors"
        )
    if lacks:
        raise InputError(
            f"checkpoint {str(folder)!r} lacks {', '.join(lacks)}: complete the folder"
        )


def _refuse_what_leads_elsewhere(folder: Path) -> None:
    """Refuse weights that are not this folder's own, and code that would be fetched.

    transformers takes the updates of a peft adapter unasked, reads whatever files the index and
    `transformers_weights` name (pickles, other folders), and gets kernels from the hub.
    """
    if (folder / _UPDATES).is_file():
        raise InputError(
            f"checkpoint {str(folder)!r} holds a peft adapter ({_UPDATES}), which would be put on "
            "the model unasked: save the model merged, PeftModel.merge_and_unload(), or remove it"
        )
    config = _object(folder, "config.json")
    named = [str(config["transformers_weights"])] if "transformers_weights" in config else []
    for name in [*named, *_shards(folder)]:
        if not fnmatch(name, _WEIGHTS) or name != Path(name).name:
            raise InputError(
                f"checkpoint {str(folder)!r} takes weights from {name!r}, which is no "
                "safetensors file of its own: save the model anew with save_pretrained"
            )
    for key, value in _implementations(config):
        if "/" in value:
            raise InputError(
                f"checkpoint {str(folder)!r}: its config.json would have code fetched ({key}: "
                f"{value!r}): remove that key"
            )


def _shards(folder: Path) -> list[str]:
    """List the files that the index of a checkpoint in several files names."""
    index = _object(folder, _INDEX).get("weight_map", {})
    return sorted({str(name) for name in (index.values() if isinstance(index, dict) else [index])})


def _implementations(config: Any) -> Iterator[tuple[str, str]]:
    """Find how a configuration and those in it would have attention and experts computed."""
    for key, value in config.items() if isinstance(config, dict) else ():
        if key.endswith("_implementation"):
            values = value.values() if isinstance(value, dict) else (value,)
            yield from ((key, str(one)) for one in values)
        else:
            yield from _implementations(value)


def _object(folder: Path, name: str) -> dict[str, Any]:
    """Read an object of JSON; an empty one where there is no such file."""
    if not (folder / name).is_file():
        return {}
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"checkpoint {str(folder)!r}: its {name} is no JSON object: get it anew")
    return found


def identify(
    folder: Path, hasher: Hasher = hash_file, *, code: bool = False
) -> dict[str, JsonValue]:
    """Identify a checkpoint folder by its files' names and hashes, never by where it lies.

    `code`: the checkpoint's own Python files count too, since they will be run.

    Raises:
        InputError: the folder cannot be loaded.
    """
    check(folder)
    return {"files": {path.name: hasher(path) for path in files(folder, code=code)}}


def local_folder(checkpoint: str) -> Path | None:
    """Take `checkpoint` as a folder on this machine; None when it names a model on the hub.

    Raises:
        InputError: it is neither an existing folder nor shaped like a hub name.
    """
    folder = Path(checkpoint).expanduser()
    if checkpoint and folder.is_dir():
        return folder
    if not _HUB_ID.fullmatch(checkpoint):
        raise InputError(f"checkpoint {checkpoint!r} is not a folder: check the path")
    return None


def resolve_revision(repo: str, revision: str | None) -> str:
    """Find the commit that a hub model's revision stands for: as given, from the cache, or asked.

    Raises:
        InputError: it is not a commit, not cached, and the hub cannot be asked.
    """
    if revision is not None and _COMMIT.fullmatch(revision):
        return revision
    from huggingface_hub import HfApi, try_to_load_from_cache

    cached = try_to_load_from_cache(repo, "config.json", revision=revision)
    if isinstance(cached, str):
        return Path(cached).parent.name
    try:
        commit = HfApi().model_info(repo, revision=revision, timeout=_HUB_TIMEOUT_S).sha
    except _unreached() as error:
        raise InputError(_unreachable(repo, revision, ["config.json"], error)) from error
    assert commit is not None, f"the hub names no commit for {repo}"
    return commit


def read_config(checkpoint: str, revision: str | None) -> dict[str, Any] | None:
    """Read a checkpoint's config.json from its folder or from the hub's cache; None if not there.

    Raises:
        InputError: the file is no JSON object.
    """
    path = Path(checkpoint).expanduser() / "config.json"
    if not path.is_file():
        from huggingface_hub import try_to_load_from_cache

        if not _HUB_ID.fullmatch(checkpoint):
            return None
        cached = try_to_load_from_cache(checkpoint, "config.json", revision=revision)
        if not isinstance(cached, str):
            return None
        path = Path(cached)
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"checkpoint {checkpoint!r}: its config.json is no JSON object: get it anew"
        ) from error


def adapted_tokens(folder: Path) -> tuple[str, ...] | None:
    """Read which special tokens a checkpoint was adapted with; None where Logmark did not."""
    path = folder / ADAPTATION
    if not path.is_file():
        return None
    return tuple(json.loads(path.read_text(encoding="utf-8"))["special_tokens"])


def fetch(repo: str, revision: str, *, code: bool = False) -> Path:
    """Find a hub model's folder in the local cache, downloading what is missing.

    Raises:
        InputError: files are missing and the hub cannot be reached.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    beside = ["modules.json", "sentence_bert_config.json", "1_Pooling/config.json"]
    patterns = ["config.json", _WEIGHTS, _INDEX, *_TOKENIZER, *beside, *(["*.py"] if code else [])]
    lacks = ["config.json", "model.safetensors", "tokenizer.json"]
    try:
        folder = Path(snapshot_download(repo, revision=revision, local_files_only=True))
        lacks = missing(folder)
    except LocalEntryNotFoundError:
        folder = None
    if folder is not None and not lacks:
        return folder
    try:
        HfApi().model_info(repo, revision=revision, timeout=_HUB_TIMEOUT_S)  # fails at once
        return Path(
            snapshot_download(
                repo, revision=revision, allow_patterns=patterns, ignore_patterns=_NOT_ROOT
            )
        )
    except _unreached() as error:
        raise InputError(_unreachable(repo, revision, lacks, error)) from error


def _unreached() -> tuple[type[Exception], ...]:
    """List what the hub's client raises when the hub or the model cannot be had."""
    from huggingface_hub import errors

    answers = errors.HTTPError  # type: ignore[attr-defined]  # connection errors too; re-exported
    return (answers, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled)


def _unreachable(repo: str, revision: str | None, lacks: list[str], error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError

    if isinstance(error, GatedRepoError):
        return (
            f"checkpoint {repo!r} is gated: accept its licence on its page, then set HF_TOKEN to a "
            "token of that account (it is passed on to the workers and written down nowhere)"
        )
    pin = f" --revision {revision}" if revision else ""
    return (
        f"checkpoint {repo!r} is no local folder and its {', '.join(lacks)} cannot be had from the "
        f"hub ({type(error).__name__}): fetch it where there is a network with "
        f"`logmark adapters fetch {repo}{pin}`, or name a local folder"
    )
