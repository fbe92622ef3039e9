"""Scratch of a job whose store is remote: copied there now and then, for an attempt elsewhere.

A lost machine then costs minutes, and not the training. What is copied is a snapshot, the folder as
it was at one moment, so an attempt finds what it would have found where the other was killed.

Layout, below the artifact's scratch folder in the store::

    <sha256>        content of a file
    MANIFEST.json   which files there are; written last
"""

import logging
import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel

from results.errors import InputError
from results.files import CommittedFile, StoreLostError
from results.hashing import hash_file, write_atomically
from results.remote_files import RemoteFiles

EVERY_S = 120.0
"""Seconds between two looks at the folder, unless $LOGMARK_MIRROR_S says otherwise."""

_MANIFEST, _NOTE = "MANIFEST.json", "mirrored"
_Listing = dict[str, tuple[int, int]]  # path -> bytes and time of the last change
_logger = logging.getLogger(__name__)


class Manifest(BaseModel):
    """What a mirror holds; `id` tells it from every other."""

    id: str
    files: list[CommittedFile]


class Mirror:
    """The copy of a scratch folder in a remote store."""

    def __init__(self, files: RemoteFiles, name: str, root: Path, folder: Path) -> None:
        """Say what is copied where.

        Args:
            files: of the store.
            name: of the mirror in the store.
            root: folder for what has to be remembered on this machine.
            folder: what is copied; below `root`.

        Raises:
            InputError: $LOGMARK_MIRROR_S is no time.
        """
        self._files = files
        self._name = name
        self._root = root
        self._folder = folder
        self._saved: _Listing = {}
        self._there: set[str] = set()
        self._every_s = _every_s()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="mirror", daemon=True)

    def restore(self) -> None:
        """Fetch what an attempt elsewhere has left, unless this machine's own is as new."""
        for left in [*self._root.glob("fetched-*"), *self._root.glob("snapshot-*")]:
            shutil.rmtree(left, ignore_errors=True)  # of an attempt that was killed
        manifest = self._manifest()
        if manifest is None or self._noted() == manifest.id:
            self._there = {file.sha256 for file in manifest.files} if manifest else set()
            return
        fetched = self._root / f"fetched-{uuid.uuid4().hex}"
        try:
            fetched.mkdir()
            pairs = [(f"{self._name}/{f.sha256}", fetched / f.path) for f in manifest.files]
            self._files.download(pairs)
            if any(hash_file(fetched / f.path) != f.sha256 for f in manifest.files):
                _logger.warning("%s: the copy of work half done is damaged", self._name)
                return
            shutil.rmtree(self._folder, ignore_errors=True)
            fetched.rename(self._folder)
        except FileNotFoundError:  # another attempt is replacing it
            _logger.warning("%s: the copy of work half done is incomplete", self._name)
            return
        finally:
            shutil.rmtree(fetched, ignore_errors=True)
        self._there = {file.sha256 for file in manifest.files}
        self._saved = _listing(self._folder)
        write_atomically(self._root / _NOTE, manifest.id)

    def save(self) -> bool:
        """Copy the folder as it is now; False where it was changing, or has not changed."""
        snapshot = self._root / f"snapshot-{uuid.uuid4().hex}"
        try:
            listing = _listing(self._folder)
            if listing == self._saved or not _link(self._folder, listing, snapshot):
                return False
            return self._publish(snapshot, listing)
        finally:
            shutil.rmtree(snapshot, ignore_errors=True)

    def _publish(self, snapshot: Path, listing: _Listing) -> bool:
        files = [
            CommittedFile(path=path, size=size, sha256=hash_file(snapshot / path))
            for path, (size, _) in listing.items()
        ]
        new = {f.sha256: f for f in files if f.sha256 not in self._there}
        self._files.upload([(snapshot / f.path, f"{self._name}/{h}") for h, f in new.items()])
        if _listing(snapshot) != listing:  # written to in place meanwhile
            return False
        manifest = Manifest(id=uuid.uuid4().hex, files=files)
        self._files.replace(f"{self._name}/{_MANIFEST}", manifest.model_dump_json().encode())
        write_atomically(self._root / _NOTE, manifest.id)
        needed = {file.sha256 for file in files}
        for old in self._there - needed:
            self._files.remove(f"{self._name}/{old}")
        self._there, self._saved = needed, listing
        return True

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Save now and then, in a thread."""
        self._thread.start()
        try:
            yield
        finally:
            self._end()

    def _end(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.save()
            except Exception:  # whatever it is, the job goes on: only its copy is older
                _logger.warning("%s: work half done was not copied", self._name, exc_info=True)

    def clear(self) -> None:
        """Remove the copy; nothing is saved any more."""
        self._end()
        if self._there or self._noted() is not None:
            try:
                self._files.remove(self._name)
            except StoreLostError as error:  # `logmark store gc` will
                _logger.warning("%s: not removed (%s)", self._name, error)
        (self._root / _NOTE).unlink(missing_ok=True)

    def _manifest(self) -> Manifest | None:
        try:
            return Manifest.model_validate_json(self._files.read(f"{self._name}/{_MANIFEST}"))
        except (FileNotFoundError, ValueError):
            return None

    def _noted(self) -> str | None:
        with suppress(OSError):
            return (self._root / _NOTE).read_text(encoding="utf-8")
        return None


def _every_s() -> float:
    told = os.environ.get("LOGMARK_MIRROR_S", str(EVERY_S))
    try:
        if (every_s := float(told)) > 0:
            return every_s
    except ValueError:
        pass
    raise InputError(f"LOGMARK_MIRROR_S={told}: is no number of seconds above 0, such as 120")


def _listing(folder: Path) -> _Listing:
    """Every file below a folder, its size and the time of its last change."""
    found: _Listing = {}
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError):
            stat = path.stat()
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = (stat.st_size, stat.st_mtime_ns)
    return found


def _link(folder: Path, listing: _Listing, snapshot: Path) -> bool:
    """Give the files second names, so that they last; False where they changed meanwhile."""
    try:
        for path in listing:
            (snapshot / path).parent.mkdir(parents=True, exist_ok=True)
            (snapshot / path).hardlink_to(folder / path)
    except FileNotFoundError:
        return False
    return bool(listing) and _listing(folder) == listing
