"""A store's files in a folder: of this machine, or of a file server (NFS) that many machines mount.

A file is created exclusively by link(2), which never overwrites and leaves no half-written file.
"""

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from results.errors import InputError
from results.files import CommittedFile, Entry
from results.hashing import hash_file

_TRIES = 100  # at making a folder while others remove the empty ones above it
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class LocalFiles:
    """A folder; implements `results.files.Files`.

    Attributes:
        root: the folder; it is created with the first file.
    """

    def __init__(self, root: Path) -> None:
        """Name the folder."""
        self.root = root

    def check(self, *, writable: bool) -> None:
        """Make sure that the folder is one, or can be made."""
        if self.root.exists() and not self.root.is_dir():
            raise InputError(f"store {self.root}: is a file; pass a folder, or a new name for one")
        there = next(one for one in (self.root, *self.root.absolute().parents) if one.exists())
        if writable and not os.access(there, os.W_OK | os.X_OK):
            raise InputError(f"store {self.root}: {there} may not be written to; name another")

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return (self.root / name).read_bytes()

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Create a file whole or not at all; False where it exists."""
        path = self.root / name
        with _drafted(path, data) as draft:
            if durable:
                sync(draft)
            made = _link(draft, path)
        if made and durable:
            sync(path.parent)
        return made

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in one step, whether or not it exists."""
        path = self.root / name
        with _drafted(path, data) as draft:
            draft.replace(path)

    def remove(self, name: str) -> None:
        """Remove a file; or a folder, and the folders above it that are left empty."""
        path = self.root / name
        if not path.is_dir() or path.is_symlink():
            path.unlink(missing_ok=True)
            return
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty, or somebody else was here
            for parent in path.relative_to(self.root).parents:
                if parent != Path():
                    (self.root / parent).rmdir()

    def names(self, folder: str) -> list[str]:
        """Return the names of the files directly in a folder."""
        try:
            with os.scandir(self.root / folder) as entries:
                return [entry.name for entry in entries if entry.is_file()]
        except FileNotFoundError:
            return []

    def walk(self, folder: str) -> list[Entry]:
        """Return all files below a folder."""
        return list(_walk(str(self.root / folder), ""))

    def sha256(self, name: str) -> str:
        """Read a file and return its hash."""
        return hash_file(self.root / name)

    def draft(self, name: str) -> Path:
        """Make the folder itself: what is written there is in its place."""
        folder = self.root / name
        _make(folder)
        return folder

    def send(self, draft: Path, name: str, files: Sequence[CommittedFile]) -> None:
        """Have the disk keep the files, which are in their place."""
        for file in files:
            sync(draft / file.path)

    def settle(self, draft: Path, digest: str) -> None:
        """Leave the files where they are."""

    def fetch(self, name: str, files: Sequence[CommittedFile], digest: str) -> Path:
        """Return the folder itself."""
        return self.root / name

    def scratch(self, name: str) -> Path:
        """Return the folder itself."""
        return self.root / name


def _walk(folder: str, inside: str) -> Iterator[Entry]:
    """Yield the files below a folder; what is removed meanwhile is passed over."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{inside}{entry.name}/")
            continue
        with contextlib.suppress(FileNotFoundError):
            stat = entry.stat()
            yield Entry(f"{inside}{entry.name}", stat.st_size, stat.st_mtime)


def _make(folder: Path) -> None:
    """Make a folder, though others may be removing the empty ones above it."""
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError):
            folder.mkdir(parents=True, exist_ok=True)
            return
    raise InputError(f"{folder}: no folder can be made there; name another place")


@contextlib.contextmanager
def _drafted(path: Path, data: bytes) -> Iterator[Path]:
    """Write content beside the place where it is to be; the draft is gone in the end."""
    draft = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        while not draft.exists():
            _make(path.parent)
            with contextlib.suppress(FileNotFoundError):  # others remove folders that are empty
                draft.write_bytes(data)
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _link(draft: Path, path: Path) -> bool:
    """Give a file its name; False where the name is taken.

    Over NFS a call may have succeeded though it says that it failed, when the answer was lost and
    the call repeated; the number of names tells (open(2), O_EXCL).
    """
    try:
        os.link(draft, path)
    except OSError as error:
        if draft.stat().st_nlink == 2:
            return True
        if isinstance(error, FileExistsError):
            return False
        if error.errno in _NO_LINKS:
            raise InputError(
                f"{path.parent}: this file system has no hard links, which a store needs to be "
                f"safe with several writers ({error.strerror}); pass another --store"
            ) from error
        raise
    return True


def sync(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
