"""What a store asks of the place that holds its files; one kind of place is one file beside this.

Names are relative to the store, with forward slashes. `results/local_files.py` is a folder of this
machine or of a file server, `results/remote_files.py` whatever fsspec can reach.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, field_validator

from results.errors import OutageError


class CommittedFile(BaseModel):
    """One file of an artifact; `path` is relative to its attempt folder, with forward slashes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: str
    size: int
    sha256: str

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        if path.startswith("/") or ".." in path.split("/"):
            raise ValueError(f"{path!r} leads out of the artifact")
        return path


class Entry(NamedTuple):
    """A file that is there.

    Attributes:
        path: relative to the folder that was asked for.
        size: bytes.
        modified_s: when it was written, in seconds since 1970 by the clock of the place.
    """

    path: str
    size: int
    modified_s: float


class DamagedError(OSError):
    """What lies in the store is not what was committed there."""


class StoreLostError(OutageError, OSError):
    """A store does not answer, or no longer lets us in; the message is a sentence for the user."""


class Files(Protocol):
    """A place that holds files."""

    def check(self, *, writable: bool) -> None:
        """Make sure that the place can be reached and, if need be, that it can hold a store.

        Raises:
            InputError: it cannot, and what to do about it.
        """

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            FileNotFoundError: there is no such file.
        """

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Create a file whole or not at all; False where it exists.

        Args:
            name: the file.
            data: its content.
            durable: whether it has to outlive a power cut.
        """

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in one step, whether or not it exists."""

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it, if it is there."""

    def names(self, folder: str) -> list[str]:
        """Return the names of the files directly in a folder; none where there is no folder."""

    def walk(self, folder: str) -> list[Entry]:
        """Return all files below a folder; none where there is no folder."""

    def sha256(self, name: str) -> str:
        """Read a file and return its hash, 64 hexadecimal digits."""

    def draft(self, name: str) -> Path:
        """Make a folder on this machine into which the files below `name` are to be written."""

    def send(self, draft: Path, name: str, files: Sequence[CommittedFile]) -> None:
        """Put a draft's files below `name`."""

    def settle(self, draft: Path, digest: str) -> None:
        """Do with a draft what is to be done once its files are committed."""

    def fetch(self, name: str, files: Sequence[CommittedFile], digest: str) -> Path:
        """Return a folder of this machine that holds the files below `name`.

        Raises:
            DamagedError: they are not what `files` says.
        """

    def scratch(self, name: str) -> Path:
        """Return a folder of this machine, not made yet, that the next attempt finds again."""
