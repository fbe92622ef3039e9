"""What one machine keeps of remote stores, on its own disk: artifacts, drafts, scratch.

Artifacts lie under their digest, so equal content is fetched once whichever store it is in. Each is
there whole or not at all, and all processes of the machine may fetch at once. Everything in here
can be deleted while no job runs; it only costs fetching it again.
"""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from results.files import CommittedFile, DamagedError
from results.hashing import hash_file
from results.local_files import sync


def default_folder() -> Path:
    """Return `$LOGMARK_CACHE`, else a folder in the user's cache directory."""
    if named := os.environ.get("LOGMARK_CACHE"):
        return Path(named).expanduser().absolute()
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches).absolute() / "logmark"


class NodeCache:
    """A folder on this machine's disk.

    Attributes:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        """Name the folder; it is created when something is put there."""
        self.root = root
        self._drafts: dict[Path, int] = {}  # draft -> the handle that holds its lock

    def artifact(
        self, digest: str, files: Sequence[CommittedFile], fetch: Callable[[Path], None]
    ) -> Path:
        """Return an artifact's folder, filled by `fetch` where it is not here and whole.

        Raises:
            DamagedError: what was fetched is not what `files` says.
        """
        target = self.root / "artifacts" / digest
        if _is_whole(target, files):
            return target
        with self._alone(digest):
            if _is_whole(target, files):  # another process has fetched it meanwhile
                return target
            shutil.rmtree(target, ignore_errors=True)
            draft = self.draft()
            fetch(draft)
            _compare(draft, files)
            self.adopt(draft, digest)
        return target

    def adopt(self, draft: Path, digest: str) -> None:
        """Make a draft's folder the one of an artifact, unless there is one."""
        target = self.root / "artifacts" / digest
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.rename(target)
        except OSError:  # it is there
            shutil.rmtree(draft, ignore_errors=True)
        self._let_go()

    def draft(self) -> Path:
        """Make an empty folder that is deleted by the next process to come here, if ours dies."""
        drafts = self.root / "drafts"
        drafts.mkdir(parents=True, exist_ok=True)
        self._let_go()
        with self._alone("drafts"):
            _sweep(drafts)
            draft = drafts / uuid.uuid4().hex
            draft.mkdir()
            handle = os.open(draft, os.O_RDONLY)
            with contextlib.suppress(OSError):  # a file system without locks: nothing is swept
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._drafts[draft] = handle
        return draft

    def _let_go(self) -> None:
        for draft in [draft for draft in list(self._drafts) if not draft.exists()]:
            os.close(self._drafts.pop(draft))

    @contextlib.contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Keep the other processes of the machine from doing the same at once."""
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / name[:2]).open("a") as stream:
            with contextlib.suppress(OSError):  # without locks, it is done twice
                fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _sweep(drafts: Path) -> None:
    """Delete the drafts of processes that are gone: their locks went with them."""
    for draft in drafts.iterdir():
        with contextlib.suppress(OSError):
            handle = os.open(draft, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(draft, ignore_errors=True)
            finally:
                os.close(handle)


def _is_whole(folder: Path, files: Sequence[CommittedFile]) -> bool:
    try:
        return folder.is_dir() and all(
            (folder / file.path).stat().st_size == file.size for file in files
        )
    except OSError:
        return False


def _compare(folder: Path, files: Sequence[CommittedFile]) -> None:
    for file in files:
        path = folder / file.path
        if not path.is_file():
            raise DamagedError(f"{file.path} is missing")
        if hash_file(path) != file.sha256:
            raise DamagedError(f"{file.path} has other content than was committed")
        sync(path)
