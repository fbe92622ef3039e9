"""The artifact store: what a job has published, found again by its key.

Layout, per artifact (DESIGN §3, RAY.md §5)::

    <kind>/<key>/attempts/<unique>/...   files of one attempt
    <kind>/<key>/COMMIT.<n>.json         created exclusively, the highest n wins
    <kind>/<key>/DAMAGED.<n>.json        commit n has been found damaged though its sizes are right
    <kind>/<key>/scratch/                what an attempt that was killed leaves to the next

Files are written first and the commit last, so an artifact exists whole or not at all; of two
attempts that race, one commit wins and the loser adopts it. Nothing is ever renamed. The digest of
a commit covers the payload only: costs and provenance stand beside it as `notes`.

Where the files lie is `results.files`' matter: in a folder, or in an object store.
"""

import contextlib
import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, JsonValue

from results.errors import InputError
from results.files import CommittedFile, DamagedError, Files
from results.hashing import hash_file, hash_tree
from results.local_files import LocalFiles


class Commit(BaseModel):
    """The published state of one artifact.

    Attributes:
        n: number of the commit; a repair or a forced recomputation supersedes with n + 1.
        attempt: name of the folder under `attempts/` that holds the files.
        digest: hash of the files' names and contents, nothing else.
        notes: costs and provenance of the attempt; no part of the digest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[1] = 1
    kind: str
    key: str
    n: int
    attempt: str
    digest: str
    files: list[CommittedFile]
    created_utc: str
    notes: dict[str, JsonValue]


class Found(NamedTuple):
    """What the store has of an artifact.

    Attributes:
        commit: the artifact, if it is there and whole.
        damage: what is wrong with it, if it is there and damaged.
        n: number of the commit that would supersede what is there.
    """

    commit: Commit | None
    damage: str | None
    n: int


class Store:
    """Artifacts in one place, shared by every suite and driver that can reach it.

    It can be pickled: another process opens the place for itself.

    Attributes:
        uri: a folder's absolute path, or an address.
    """

    def __init__(self, place: str | Path, *, cache: Path | None = None) -> None:
        """Name the place; it is created with the first artifact.

        Args:
            place: a folder, a `file://` address, or any address fsspec knows (`s3://bucket/x`).
            cache: folder for what this machine keeps of a remote store; by default
                `results.node_cache.default_folder`.

        Raises:
            InputError: an address that names a folder of another machine.
        """
        self.uri = _address(place)
        self._cache = cache

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is open."""
        return {"uri": self.uri, "_cache": self._cache}

    @property
    def is_remote(self) -> bool:
        """Whether its files have to be fetched before they can be opened."""
        return "://" in self.uri

    @property
    def root(self) -> Path:
        """The folder of a store that is one.

        Raises:
            InputError: it lies elsewhere.
        """
        if self.is_remote:
            raise InputError(f"store {self.uri}: is no folder; this needs one that all nodes mount")
        return Path(self.uri)

    @cached_property
    def files(self) -> Files:
        """The place itself."""
        if not self.is_remote:
            return LocalFiles(self.root)
        from results.remote_files import RemoteFiles

        return RemoteFiles(self.uri, self._cache)

    def checked(self, *, writable: bool = True) -> "Store":
        """Return the store once it has answered; what a command does before anything else.

        Raises:
            InputError: it cannot be reached or used, and what to do about it.
        """
        self.files.check(writable=writable)
        return self

    def latest(self, kind: str, key: str) -> Commit | None:
        """Return the winning commit of an artifact; `None` where there is none or it is damaged."""
        n = _highest(self.files.names(f"{kind}/{key}"))
        commit = None if n is None else self.record(kind, key, n)
        return commit if isinstance(commit, Commit) else None

    def record(self, kind: str, key: str, n: int) -> Commit | str:
        """Read commit number `n` of an artifact, or say what is wrong with it."""
        name = f"{kind}/{key}/COMMIT.{n}.json"
        try:
            commit = Commit.model_validate_json(self.files.read(name))
        except FileNotFoundError:
            return f"{name} is missing"
        except ValueError:
            return f"{name} is no commit record"
        told = (commit.kind, commit.key, commit.n, commit.digest)
        if told != (kind, key, n, _digest(commit.files)):
            return f"{name} has been altered"
        return commit

    def find(self, kind: str, key: str) -> Found:
        """Look for an artifact and for damage to it."""
        sizes = {entry.path: entry.size for entry in self.files.walk(f"{kind}/{key}")}
        n = _highest(sizes)
        if n is None:
            return Found(None, None, 0)
        commit = self.record(kind, key, n)
        if isinstance(commit, str):
            return Found(None, f"{self.uri}/{commit}", n + 1)
        damage = self._condemned(commit) if f"DAMAGED.{n}.json" in sizes else None
        damage = damage or self._compare(commit, sizes, f"attempts/{commit.attempt}/")
        return Found(None if damage else commit, damage, n + 1)

    def folder(self, commit: Commit) -> Path:
        """Return a folder that holds an artifact's files; of a remote store a local copy.

        Raises:
            DamagedError: what had to be fetched is not what was committed; it will be found
                damaged from now on.
        """
        name = f"{commit.kind}/{commit.key}/attempts/{commit.attempt}"
        try:
            return self.files.fetch(name, commit.files, commit.digest)
        except DamagedError as error:
            self.condemn(commit, str(error))
            raise

    def folder_of(self, kind: str, key: str, attempt: str) -> Path:
        """Return the folder of an attempt that a record names, superseded or not.

        What is not in the store any more is a folder that does not exist.
        """
        here = Path(self.uri, kind, key, "attempts", attempt)
        if not self.is_remote:
            return here
        for name in self.files.names(f"{kind}/{key}"):
            n = _highest([name])
            commit = None if n is None else self.record(kind, key, n)
            if isinstance(commit, Commit) and commit.attempt == attempt:
                return self.folder(commit)
        return here

    def damage(self, commit: Commit) -> str | None:
        """Say what is wrong with an artifact's files (missing, other size), or `None`.

        Sizes only: reading every byte is left to `logmark store verify` (`results.holdings`).
        """
        inside = f"attempts/{commit.attempt}/"
        walked = self.files.walk(f"{commit.kind}/{commit.key}/{inside}".rstrip("/"))
        return self._compare(commit, {f"{inside}{e.path}": e.size for e in walked}, inside)

    def _compare(self, commit: Commit, sizes: Mapping[str, int], inside: str) -> str | None:
        for file in commit.files:
            path = f"{self.uri}/{commit.kind}/{commit.key}/{inside}{file.path}"
            size = sizes.get(f"{inside}{file.path}")
            if size is None:
                return f"{path} is missing"
            if size != file.size:
                return f"{path} has {size} bytes, not {file.size}"
        return None

    def condemn(self, commit: Commit, damage: str) -> None:
        """Remember damage that sizes do not show: the artifact has to be made again."""
        name = f"{commit.kind}/{commit.key}/DAMAGED.{commit.n}.json"
        with contextlib.suppress(OSError):  # of a store that we may only read
            self.files.replace(name, json.dumps({"damage": damage}).encode())

    def acquit(self, commit: Commit) -> None:
        """Forget about damage that is no more."""
        self.files.remove(f"{commit.kind}/{commit.key}/DAMAGED.{commit.n}.json")

    def _condemned(self, commit: Commit) -> str:
        try:
            told = self.files.read(f"{commit.kind}/{commit.key}/DAMAGED.{commit.n}.json")
            return str(json.loads(told)["damage"])
        except (OSError, ValueError, KeyError, TypeError):
            return f"{self.uri}/{commit.kind}/{commit.key} has been found damaged"

    def new_attempt(self, kind: str, key: str) -> Path:
        """Create the unique folder, on this machine, into which one attempt writes its files."""
        return self.files.draft(f"{kind}/{key}/attempts/{uuid.uuid4().hex}")

    def scratch(self, kind: str, key: str) -> Path:
        """Return where the attempts at an artifact keep intermediate files; see `jobs.scratch`."""
        return self.files.scratch(f"{kind}/{key}/scratch")

    def publish(
        self, kind: str, key: str, attempt: Path, *, notes: dict[str, JsonValue], n: int = 0
    ) -> Commit:
        """Commit an attempt's files as number `n`; where another attempt was first, adopt that one.

        Args:
            kind: kind of job that made the artifact.
            key: its key (see `jobs.job.key_of`).
            attempt: a folder made by `new_attempt`, now holding the payload.
            notes: costs and provenance.
            n: 0, or one more than the commit to supersede.

        Returns:
            The commit that stands, this attempt's or the winner's.
        """
        files = _inventory(attempt)
        name = f"{kind}/{key}/attempts/{attempt.name}"
        self.files.send(attempt, name, files)
        while True:
            commit = Commit(
                kind=kind,
                key=key,
                n=n,
                attempt=attempt.name,
                digest=_digest(files),
                files=files,
                created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
                notes=notes,
            )
            record = commit.model_dump_json(indent=1).encode()
            won = self.files.create(f"{kind}/{key}/COMMIT.{n}.json", record)
            winner = commit if won else self._winner(kind, key)
            if winner is not None:
                break
            n += 1  # what stands there is damaged
        if winner.attempt == attempt.name:  # by this call, or by one whose answer was lost
            self.files.settle(attempt, commit.digest)
            return winner
        self.files.remove(name)
        shutil.rmtree(attempt, ignore_errors=True)
        return winner

    def _winner(self, kind: str, key: str) -> Commit | None:
        return self.find(kind, key).commit


def _address(place: str | Path) -> str:
    """Write a place in one way: a folder by its absolute path."""
    parts = urlsplit(str(place))
    if parts.scheme and parts.scheme != "file" and "://" in str(place):
        if not parts.netloc and not parts.path.strip("/"):
            raise InputError(
                f"store {place}: names no bucket; write {parts.scheme}://BUCKET/FOLDER"
            )
        return str(place).rstrip("/")
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise InputError(
                f"store {place}: names the machine {parts.netloc!r}; write file:///FOLDER"
            )
        place = unquote(parts.path)
    return str(Path(place).expanduser().absolute())


def _highest(names: Sequence[str] | Mapping[str, int]) -> int | None:
    """The highest number of the commits among a folder's names."""
    numbers = [
        int(name.split(".")[1])
        for name in names
        if name.startswith("COMMIT.") and name.endswith(".json") and name.split(".")[1].isdigit()
    ]
    return max(numbers, default=None)


def _digest(files: Sequence[CommittedFile]) -> str:
    return hash_tree((file.path, file.sha256) for file in files)


def _inventory(attempt: Path) -> list[CommittedFile]:
    return [
        CommittedFile(
            path=path.relative_to(attempt).as_posix(),
            size=path.stat().st_size,
            sha256=hash_file(path),
        )
        for path in sorted(path for path in attempt.rglob("*") if path.is_file())
    ]
