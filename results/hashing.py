"""Identity: canonical JSON, hashes of files and folders, and a cache of file hashes.

A hash stands for the full content of what it names. What cannot be written as JSON is refused, and
paths never enter: data is known by its bytes (DESIGN §3).
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1 << 20


def canonical_json(value: Any) -> str:
    """Write `value` as the one JSON text that equal values share.

    Raises:
        TypeError: a value that is not JSON (a path, an array, a set) or a key that is not text.
        ValueError: NaN or infinity.
    """
    _refuse_other_keys(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _refuse_other_keys(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key must be text to be hashed, not {key!r}")
            _refuse_other_keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_other_keys(item)


def hash_json(value: Any) -> str:
    """Hash a JSON value; 64 hexadecimal digits of SHA-256."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Hash a file's bytes; 64 hexadecimal digits of SHA-256."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_tree(files: Iterable[tuple[str, str]]) -> str:
    """Hash (name, hash) pairs, whatever order they come in."""
    return hash_json(sorted(files))


class HashCache:
    """File hashes remembered by path, size and modification time, so that 50 GB are read once.

    The cache only saves work: a lost or damaged file of it costs a second reading.
    """

    def __init__(self, path: Path) -> None:
        """Read the cache kept at `path`, if there is one."""
        self._path = path
        self._known: dict[str, list[Any]] = {}
        try:
            self._known = json.loads(path.read_text())
        except (OSError, ValueError):
            self._known = {}
        self._changed = False

    def hash(self, path: Path) -> str:
        """Hash one file, reading it only when it is new or has changed."""
        stat = path.stat()
        name, stamp = str(path.resolve()), [stat.st_size, stat.st_mtime_ns]
        entry = self._known.get(name)
        if entry is not None and entry[:2] == stamp:
            return str(entry[2])
        digest = hash_file(path)
        self._known[name] = [*stamp, digest]
        self._changed = True
        return digest

    def save(self) -> None:
        """Write the cache where it was read from."""
        if self._changed:
            write_atomically(self._path, json.dumps(self._known))
            self._changed = False


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content in one step: readers never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
