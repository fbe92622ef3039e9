"""A store's files in an object store, through fsspec: S3 and what speaks its language, and others.

What is needed of the service is one thing: that it creates an object only where there is none, and
says so (`If-None-Match: *`). Some that speak S3 ignore the condition, so each process sees for
itself before it relies on it. Credentials and endpoint come from where fsspec's packages look for
them (AWS_*, ~/.aws, FSSPEC_*); nothing of them is kept here.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from results.errors import InputError
from results.files import CommittedFile, DamagedError, Entry, StoreLostError
from results.hashing import hash_json
from results.node_cache import NodeCache, default_folder

_PATIENCE_S = 120.0  # how long a service that does not answer is asked again
_BLOCK_BYTES = 8 << 20
_PROBE = "store.json"
_UNREACHABLE = (
    *("ClientConnectorError", "ConnectTimeoutError", "ConnectionClosedError", "ConnectionError"),
    *("EndpointConnectionError", "HTTPClientError", "ReadTimeoutError", "TimeoutError"),
)
_NO_CREDENTIALS = (
    *(
        "DefaultCredentialsError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "PermissionError",
    ),
    *("ProfileNotFound", "SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError"),
)

T = TypeVar("T")


class RemoteFiles:
    """An address below which objects lie; implements `results.files.Files`.

    Attributes:
        uri: the address, without a slash at its end.
    """

    def __init__(self, uri: str, cache: Path | None = None) -> None:
        """Name the address, and the folder for what this machine keeps of it."""
        self.uri = uri
        self._cache = NodeCache(cache or default_folder())
        self._is_exclusive = False
        self._patience_s = _PATIENCE_S

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system, and the path of the store in it."""
        import fsspec  # type: ignore[import-untyped]

        try:
            fs, path = fsspec.url_to_fs(self.uri, use_listings_cache=False)
        except ImportError as error:
            raise InputError(
                f"store {self.uri}: a package is missing ({error}); "
                f"for s3:// addresses: pip install 'logmark[s3]'"
            ) from error
        except (ValueError, OSError) as error:
            raise InputError(
                f"store {self.uri}: {error}; pass a folder, or an address such as "
                f"s3://BUCKET/FOLDER"
            ) from error
        return fs, str(path).rstrip("/")

    def _ask(self, work: Callable[[Any], T]) -> T:
        """Do something with the file system; a service that is away for a while is waited for."""
        fs, _ = self._opened
        until, pause_s = time.monotonic() + self._patience_s, 1.0
        while True:
            try:
                return work(fs)
            except (FileExistsError, FileNotFoundError):
                raise
            except Exception as error:
                kinds = {kind.__name__ for kind in type(error).__mro__}
                if kinds.intersection(_NO_CREDENTIALS):
                    raise StoreLostError(_denied(self.uri, error)) from error
                if not kinds.intersection(_UNREACHABLE):
                    raise
                if time.monotonic() + pause_s > until:
                    raise StoreLostError(_unreachable(self.uri, error)) from error
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 15.0)

    def _path(self, name: str) -> str:
        root = self._opened[1]
        return f"{root}/{name}" if name else root

    def check(self, *, writable: bool) -> None:
        """Make sure that the address can be reached and that the service can hold a store."""
        patience_s, self._patience_s = self._patience_s, 0.0
        try:
            self._look()
            if writable:
                self._see_exclusive()
        except StoreLostError as error:
            raise InputError(str(error)) from error
        finally:
            self._patience_s = patience_s

    def _look(self) -> None:
        """List the folder; where there is none, see whether the bucket is there."""
        bucket = self._path("").split("/", maxsplit=1)[0]
        try:
            self._ask(lambda fs: fs.ls(self._path("")))
        except FileNotFoundError:
            try:
                self._ask(lambda fs: fs.ls(bucket))
            except FileNotFoundError as error:
                raise InputError(
                    f"store {self.uri}: there is no bucket {bucket!r}; create it, or mend the "
                    f"address (another service than its own: AWS_ENDPOINT_URL)"
                ) from error

    def _see_exclusive(self) -> None:
        """Create an object that is there already, which the service has to refuse."""
        if not self._is_exclusive:
            if self._create(_PROBE, b'{"version": 1}') and self._create(_PROBE, b'{"version": 1}'):
                raise InputError(
                    f"store {self.uri}: this service ignores the condition to create an object "
                    f"only where there is none (If-None-Match), so two writers could destroy each "
                    f"other's work; use one that honours it, or a folder"
                )
            self._is_exclusive = True

    def _create(self, name: str, data: bytes) -> bool:
        try:
            self._ask(lambda fs: fs.pipe_file(self._path(name), data, mode="create"))
        except FileExistsError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """Return an object's content."""
        content: bytes = self._ask(lambda fs: fs.cat_file(self._path(name)))
        return content

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Create an object; False where it exists."""
        self._see_exclusive()
        return self._create(name, data)

    def replace(self, name: str, data: bytes) -> None:
        """Write an object."""
        self._ask(lambda fs: fs.pipe_file(self._path(name), data))

    def remove(self, name: str) -> None:
        """Remove an object, or all below a name."""
        with contextlib.suppress(FileNotFoundError):
            self._ask(lambda fs: fs.rm(self._path(name), recursive=True))

    def names(self, folder: str) -> list[str]:
        """Return the names of the objects directly below a name."""
        try:
            found = self._ask(lambda fs: fs.ls(self._path(folder), detail=True))
        except FileNotFoundError:
            return []
        return [entry["name"].rsplit("/", 1)[-1] for entry in found if entry["type"] == "file"]

    def walk(self, folder: str) -> list[Entry]:
        """Return all objects below a name, by one listing."""
        root = self._path(folder)
        found = self._ask(lambda fs: fs.find(root, detail=True))
        return [
            Entry(path.removeprefix(f"{root}/"), int(entry["size"]), _modified_s(entry))
            for path, entry in found.items()
            if path.startswith(f"{root}/")
        ]

    def sha256(self, name: str) -> str:
        """Read an object and return its hash."""

        def work(fs: Any) -> str:
            with fs.open(self._path(name), "rb", block_size=_BLOCK_BYTES) as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()

        return self._ask(work)

    def draft(self, name: str) -> Path:
        """Make a folder on this machine's disk."""
        return self._cache.draft()

    def upload(self, pairs: Sequence[tuple[Path, str]]) -> None:
        """Copy files of this machine to names."""
        here = [str(path) for path, _ in pairs]
        there = [self._path(name) for _, name in pairs]
        if pairs:
            self._ask(lambda fs: fs.put(here, there))

    def download(self, pairs: Sequence[tuple[str, Path]]) -> None:
        """Copy objects to files of this machine."""
        for _, path in pairs:
            path.parent.mkdir(parents=True, exist_ok=True)
        there = [self._path(name) for name, _ in pairs]
        here = [str(path) for _, path in pairs]
        if pairs:
            self._ask(lambda fs: fs.get(there, here))

    def send(self, draft: Path, name: str, files: Sequence[CommittedFile]) -> None:
        """Upload a draft's files."""
        self.upload([(draft / file.path, f"{name}/{file.path}") for file in files])

    def settle(self, draft: Path, digest: str) -> None:
        """Keep the files on this machine: jobs that read them may well run here."""
        self._cache.adopt(draft, digest)

    def fetch(self, name: str, files: Sequence[CommittedFile], digest: str) -> Path:
        """Return a folder of this machine's cache, into which the files are fetched first."""

        def get(folder: Path) -> None:
            self.download([(f"{name}/{file.path}", folder / file.path) for file in files])

        try:
            return self._cache.artifact(digest, files, get)
        except (DamagedError, FileNotFoundError) as error:
            raise DamagedError(f"{self.uri}/{name}: {error}") from error

    def scratch(self, name: str) -> Path:
        """Return a folder of this machine's cache, one for each store and name."""
        return self._cache.root / "scratch" / hash_json(self.uri)[:16] / name


def _modified_s(entry: dict[str, Any]) -> float:
    """When an object was written; now, where the service does not say."""
    for name in ("LastModified", "updated", "last_modified", "mtime", "created"):
        value = entry.get(name)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return time.time()


def _denied(uri: str, error: Exception) -> str:
    return (
        f"store {uri}: access denied ({error}); give credentials that may read, write, list and "
        f"delete there: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    )


def _unreachable(uri: str, error: Exception) -> str:
    return (
        f"store {uri}: no answer ({error}); see that the service runs and that AWS_ENDPOINT_URL "
        f"names it"
    )
