"""A job's scratch folder: it outlives an attempt that was killed, so that the next can go on.

It belongs to the artifact's key, so whatever lies in it was made from the same inputs. Two attempts
never share it: the one that holds its lock has it, another gets a private one. Of a remote store it
lies on this machine's disk, and a copy in the store (`jobs.mirror`) reaches attempts elsewhere.
"""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from results.store import Store

if TYPE_CHECKING:
    from jobs.mirror import Mirror

_LOCK, _FILES = "lock", "files"


@dataclass(frozen=True)
class Scratch:
    """A held scratch folder.

    Attributes:
        files: the folder for the job's files.
        root: what is deleted when they are of no more use.
        mirror: the copy in a remote store.
    """

    files: Path
    root: Path
    mirror: "Mirror | None" = None

    def clear(self) -> None:
        """Delete everything, the lock last: who gets it must not find files being deleted."""
        if self.mirror is not None:
            self.mirror.clear()
        shutil.rmtree(self.files, ignore_errors=True)
        (self.root / _LOCK).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody else has moved in
            self.root.rmdir()


@contextlib.contextmanager
def scratch_of(store: Store, kind: str, key: str) -> Iterator[Scratch]:
    """Hold the scratch folder of an artifact, with what an earlier attempt left, here or elsewhere.

    Raises:
        StoreLostError: a remote store does not answer.
    """
    root = store.scratch(kind, key)
    with held(root) as scratch:
        if not store.is_remote or scratch.root != root:
            yield scratch
            return
        from jobs.mirror import Mirror
        from results.remote_files import RemoteFiles

        assert isinstance(store.files, RemoteFiles)
        mirror = Mirror(store.files, f"{kind}/{key}/scratch", root, scratch.files)
        mirror.restore()
        with mirror.kept():
            yield replace(scratch, mirror=mirror)


@contextlib.contextmanager
def held(root: Path) -> Iterator[Scratch]:
    """Hold the scratch folder `root`, with what an earlier attempt left; else a private one.

    The lock goes with the process, however it ends. What lies in `root` stays unless `clear` is
    called; a private folder is always deleted.
    """
    with contextlib.ExitStack() as stack:
        if not _lock(root, stack):
            root = root.with_name(f"{root.name}-{uuid.uuid4().hex}")
            stack.callback(shutil.rmtree, root, ignore_errors=True)
        (root / _FILES).mkdir(parents=True, exist_ok=True)
        yield Scratch(files=root / _FILES, root=root)


def _lock(root: Path, stack: contextlib.ExitStack) -> bool:
    """Take the folder's lock until the stack ends; False where another process has it."""
    while True:
        root.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # its holder has just cleared it away
            continue
        stack.callback(os.close, handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if os.fstat(handle).st_nlink:  # else cleared away between opening and locking
            return True
