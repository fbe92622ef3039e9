"""The artifact store: what a job has published, found again by its key.

Layout, per artifact (DESIGN §3, RAY.md §5)::

    root/<kind>/<key>/attempts/<unique>/...   files of one attempt
    root/<kind>/<key>/COMMIT.<n>.json         created exclusively, the highest n wins
    root/<kind>/<key>/scratch/                what an attempt that was killed leaves to the next

Files are written first and the commit last, so an artifact exists whole or not at all; of two
attempts that race, one commit wins and the loser adopts it. Nothing is ever renamed. The digest of
a commit covers the payload only: costs and provenance stand beside it as `notes`.
"""

import os
import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, JsonValue

from results.errors import InputError
from results.hashing import hash_file, hash_tree


class CommittedFile(BaseModel):
    """One file of an artifact; `path` is relative to its attempt folder, with forward slashes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: str
    size: int
    sha256: str


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
    """Artifacts under one root folder, shared by every suite and driver that can reach it."""

    def __init__(self, root: Path) -> None:
        """Name the root; it is created with the first attempt."""
        self.root = root

    @classmethod
    def at(cls, uri: str) -> "Store":
        """Open a store by path or `file://` address.

        Raises:
            InputError: an address of another kind.
        """
        parts = urlsplit(uri)
        if parts.scheme not in ("", "file"):
            raise InputError(f"--store {uri}: only a folder or a file:// address can hold a store")
        return cls(Path(parts.path if parts.scheme else uri).expanduser().absolute())

    def latest(self, kind: str, key: str) -> Commit | None:
        """Return the winning commit of an artifact, or `None` where there is none."""
        folder = self.root / kind / key
        numbers = [int(path.name.split(".")[1]) for path in folder.glob("COMMIT.*.json")]
        if not numbers:
            return None
        return Commit.model_validate_json((folder / f"COMMIT.{max(numbers)}.json").read_bytes())

    def find(self, kind: str, key: str) -> "Found":
        """Look for an artifact and for damage to it."""
        commit = self.latest(kind, key)
        if commit is None:
            return Found(None, None, 0)
        damage = self.damage(commit)
        return Found(None if damage else commit, damage, commit.n + 1)

    def folder(self, commit: Commit) -> Path:
        """Return the folder that holds an artifact's files."""
        return self.root / commit.kind / commit.key / "attempts" / commit.attempt

    def damage(self, commit: Commit) -> str | None:
        """Say what is wrong with an artifact's files (missing, other size), or `None`.

        Sizes only: reading every byte is left to a verification on request.
        """
        folder = self.folder(commit)
        for file in commit.files:
            path = folder / file.path
            if not path.is_file():
                return f"{path} is missing"
            if path.stat().st_size != file.size:
                return f"{path} has {path.stat().st_size} bytes, not {file.size}"
        return None

    def new_attempt(self, kind: str, key: str) -> Path:
        """Create the unique folder into which one attempt writes its files."""
        folder = self.root / kind / key / "attempts" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def scratch(self, kind: str, key: str) -> Path:
        """Return where the attempts at an artifact keep intermediate files; see `jobs.scratch`."""
        return self.root / kind / key / "scratch"

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
        commit = Commit(
            kind=kind,
            key=key,
            n=n,
            attempt=attempt.name,
            digest=hash_tree((file.path, file.sha256) for file in files),
            files=files,
            created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            notes=notes,
        )
        folder = self.root / kind / key
        if _create_exclusively(folder / f"COMMIT.{n}.json", commit.model_dump_json(indent=1)):
            return commit
        shutil.rmtree(attempt)
        winner = self.latest(kind, key)
        assert winner is not None
        return winner


def _inventory(attempt: Path) -> list[CommittedFile]:
    files = []
    for path in sorted(path for path in attempt.rglob("*") if path.is_file()):
        _sync(path)
        files.append(
            CommittedFile(
                path=path.relative_to(attempt).as_posix(),
                size=path.stat().st_size,
                sha256=hash_file(path),
            )
        )
    return files


def _create_exclusively(path: Path, text: str) -> bool:
    """Create `path` whole or not at all; False where it exists (link(2) never overwrites)."""
    draft = path.parent / f".{uuid.uuid4().hex}.tmp"
    draft.write_text(text, encoding="utf-8")
    _sync(draft)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    _sync(path.parent)
    return True


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
