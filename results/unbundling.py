"""Reading a bundle: what it says of itself, and a zip file opened without trusting it.

A bundle comes from somebody else. Its index lists every file with size and hash; what is not listed
there, leads out of the folder, is a link or unpacks to much more than a bundle can is refused
before anything is written.
"""

import atexit
import hashlib
import shutil
import stat
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from results.errors import InputError
from results.hashing import hash_file

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

INDEX = "bundle.json"
VERSION: Literal[1] = 1

_MOST_PER_BYTE = 200  # our JSON packs to a tenth, vectors and tables not at all
_ALWAYS_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 20


class Listed(BaseModel):
    """One file of a bundle."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    size: int = Field(ge=0)
    sha256: str


class Index(BaseModel):
    """What a bundle says of itself.

    Attributes:
        anonymous: whether ids of documents are codes.
        embeddings: whether vectors are in it.
        files: all others, by their path.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal["logmark-bundle"] = "logmark-bundle"
    version: Literal[1] = VERSION
    anonymous: bool
    embeddings: bool
    files: dict[str, Listed]


def is_bundle(folder: Path) -> bool:
    """Whether a folder is a bundle."""
    return (folder / INDEX).is_file()


def checked(folder: Path) -> Path:
    """Return a bundle's folder once every file in it is what its index says.

    Raises:
        InputError: another version, or something is missing or altered.
    """
    index = _read_index(folder, (folder / INDEX).read_bytes())
    for name, listed in index.files.items():
        _inside(folder, name)
        path = folder / name
        if not path.is_file() or path.stat().st_size != listed.size:
            raise InputError(f"{folder}: damaged bundle ({name} is missing or cut); get it again")
        if hash_file(path) != listed.sha256:
            raise InputError(f"{folder}: damaged bundle ({name} has been altered); get it again")
    return folder


def unpacked(file: Path) -> Path:
    """Unpack a bundle into a folder that lives as long as this process; once for each file.

    Raises:
        InputError: no bundle, a damaged one, one of another version or one that cannot be trusted.
    """
    found = file.stat()
    return _unpacked(file.absolute(), found.st_size, found.st_mtime_ns)


@cache
def _unpacked(file: Path, size: int, modified_ns: int) -> Path:
    import zipfile
    import zlib

    folder = Path(tempfile.mkdtemp(prefix="logmark-bundle-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        with zipfile.ZipFile(file) as archive:
            _unpack(file, archive, size, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise InputError(f"{file}: damaged, or no zip file ({error}); get it again") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _unpack(file: Path, archive: "ZipFile", size: int, folder: Path) -> None:
    entries = {entry.filename: entry for entry in archive.infolist()}
    if INDEX not in entries:
        raise InputError(f"{file}: no bundle of Logmark (no {INDEX} in it); pass what it wrote")
    if len(entries) != len(archive.infolist()):
        raise InputError(f"{file}: refused, it holds one name twice; get it again")
    total = sum(entry.file_size for entry in entries.values())
    if total > _ALWAYS_BYTES + _MOST_PER_BYTE * size:
        raise InputError(f"{file}: refused, its {size:,} bytes would unpack to {total:,}")
    if total > (free := shutil.disk_usage(folder).free):
        raise InputError(
            f"{folder}: {file} unpacks to {total:,} bytes and {free:,} are free; "
            "name another place with TMPDIR"
        )
    index = _read_index(file, archive.read(INDEX))
    _refuse_others(file, entries, index)
    (folder / INDEX).write_bytes(archive.read(INDEX))
    for name, listed in index.files.items():
        _extract(file, archive, entries[name], listed, folder / name)


def _read_index(place: Path, data: bytes) -> Index:
    try:
        return Index.model_validate_json(data)
    except ValidationError as error:
        wrong = {part for one in error.errors() for part in one["loc"]}
        if "version" in wrong:
            raise InputError(
                f"{place}: a bundle of another version than {VERSION}, which this Logmark reads; "
                "read it with the Logmark that wrote it, or have the run bundled again"
            ) from error
        raise InputError(f"{place}: no bundle of Logmark, or a damaged one ({INDEX})") from error


def _refuse_others(file: Path, entries: Mapping[str, "ZipInfo"], index: Index) -> None:
    for name, entry in entries.items():
        _inside(file, name)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise InputError(f"{file}: refused, {name!r} in it is no plain file")
        if name != INDEX and name not in index.files:
            raise InputError(f"{file}: refused, {name!r} in it is not in its {INDEX}")
    for name, listed in index.files.items():
        if name not in entries or entries[name].file_size != listed.size:
            raise InputError(f"{file}: damaged bundle ({name} is missing or cut); get it again")


def _inside(place: Path, name: str) -> None:
    """Refuse a name that leads out of the bundle."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or {"..", "."} & set(name.split("/")) or "\\" in name:
        raise InputError(f"{place}: refused, {name!r} leads out of the bundle")
    if ":" in parts[0]:
        raise InputError(f"{place}: refused, {name!r} leads out of the bundle")


def _extract(file: Path, archive: "ZipFile", entry: "ZipInfo", listed: Listed, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    told = hashlib.sha256()
    with archive.open(entry) as source, path.open("wb") as target:
        while chunk := source.read(_CHUNK_BYTES):  # never more than the entry declares
            told.update(chunk)
            target.write(chunk)
    if told.hexdigest() != listed.sha256:
        raise InputError(f"{file}: damaged bundle ({entry.filename} has been altered)")
