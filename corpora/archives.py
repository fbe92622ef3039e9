"""The files of a published data set, whether it lies in a folder or still in its archive.

A folder, a zip file, a tar file (compressed or not) and a single file are read alike: by the names
of what is in them, as a stream of bytes, nothing being unpacked that is not read. A tar file can
only be read from front to back, so files that are needed in another order are copied out of it
first (`laid_out`). Files may be compressed once more (see `opening`). What a system left behind
(names that begin with a dot, ``__MACOSX``) is passed over. An archive that was cut off is refused.
"""

import re
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from corpora.naming import printable
from corpora.opening import decompressed, is_file, open_bytes, told, uncompressed, unreadable
from results.errors import InputError

TARS = {".tgz": ".gz", ".txz": ".xz", ".tbz2": ".bz2", ".tzst": ".zst"}
"""Short endings of tar files -> the ending of their compression."""

_BLOCK_BYTES = 512


class Member(NamedTuple):
    """One file: its name below the folder or in the archive, and a way to open it."""

    name: str
    open: Callable[[], BinaryIO]


def is_packed(path: Path) -> bool:
    """Whether a path is named like a zip or tar file."""
    return _is_zip(path) or _is_tar(path)


def source_files(path: Path, wanted: re.Pattern[str], what: str) -> list[Path]:
    """Return the files on disk that hold what is wanted: of a folder those, else the one file.

    Args:
        path: a folder, an archive, or a single file.
        wanted: matches the names that are wanted, as a whole.
        what: what is looked for, for the message.

    Raises:
        InputError: there is nothing at the path, or nothing in the folder that is wanted.
    """
    if not is_file(path) and path.is_dir():
        found = [path / member.name for member in _of_folder(path, wanted)]
        if not found:
            raise lacking(path, what)
        return found
    if not path.is_file():
        raise InputError(f"corpus source {path} does not exist; check `path:`")
    return [path]


def members(path: Path, wanted: re.Pattern[str]) -> Generator[Member, None, None]:
    """Yield the files that are wanted, sorted by name; of a tar file in the order they lie in it.

    Of a tar file a member can be opened only until the next one is asked for.

    Args:
        path: a folder, an archive, or a single file, which is wanted whatever its name.
        wanted: matches names as a whole, without the ending of a compression.

    Raises:
        InputError: it cannot be read, or was cut off.
    """
    if path.is_dir():
        yield from _of_folder(path, wanted)
    elif _is_zip(path):
        yield from _of_zip(path, wanted)
    elif _is_tar(path):
        yield from _of_tar(path, wanted)
    else:
        yield Member(path.name, partial(open_bytes, path))


@contextmanager
def first(path: Path, wanted: re.Pattern[str], what: str, *, alone: bool) -> Iterator[BinaryIO]:
    """Open the first file that is wanted.

    Args:
        path: a folder, an archive, or a single file.
        wanted: as of `members`.
        what: what is looked for, for the message.
        alone: whether a second one is an error; in a tar file it is found when the first was read.

    Raises:
        InputError: there is none, there are two, or as `members`.
    """
    with closing(members(path, wanted)) as found:
        member = next(found, None)
        if member is None:
            raise lacking(path, what)
        with member.open() as stream:  # before others are asked for: that may close a zip file
            other = next(found, None) if alone and not _is_tar(path) else None
            if other is None:
                yield stream
                other = next(found, None) if alone else None
        if other is not None:
            raise InputError(
                f"{path}: {what} is there twice, as {printable(member.name, 200)} and as "
                f"{printable(other.name, 200)}; leave one"
            )


@contextmanager
def laid_out(path: Path, wanted: re.Pattern[str]) -> Iterator[list[Member]]:
    """Give the files that are wanted, sorted by name, each to be opened at any time.

    Args:
        path: a folder or an archive; what is wanted of a tar file is copied to a temporary folder.
        wanted: as of `members`.

    Raises:
        InputError: as `members`.
    """
    with ExitStack() as stack:
        if _is_tar(path):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="logmark-"))
            found = list(_copied(path, wanted, Path(folder)))
        elif _is_zip(path):
            found = list(_in_zip(path, stack.enter_context(_zip(path)), wanted))
        else:
            found = list(members(path, wanted))
        yield sorted(found, key=lambda member: member.name)


def lacking(path: Path, what: str) -> InputError:
    """Say that something is not there."""
    return InputError(
        f"{path}: there is no {what} in it; check `path:`, and docs/corpora.md for the layout"
    )


def _copied(path: Path, wanted: re.Pattern[str], folder: Path) -> Iterator[Member]:
    for number, member in enumerate(_of_tar(path, wanted)):
        copy = folder / str(number)
        with member.open() as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target)
        yield Member(member.name, partial(open_bytes, copy))


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _is_tar(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    return path.suffix.lower() in (".tar", *TARS) or (
        uncompressed(path.name) != path.name and suffixes[0] == ".tar"
    )


def _is_wanted(name: str, wanted: re.Pattern[str]) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") and part != "." or part == "__MACOSX" for part in parts)
    return not hidden and wanted.fullmatch(uncompressed(name)) is not None


def _of_folder(path: Path, wanted: re.Pattern[str]) -> Iterator[Member]:
    with told(path):
        names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
    for name in names:
        if _is_wanted(name, wanted):
            yield Member(name, partial(open_bytes, path / name))


def _of_zip(path: Path, wanted: re.Pattern[str]) -> Iterator[Member]:
    with _zip(path) as archive:
        yield from _in_zip(path, archive, wanted)


def _zip(path: Path) -> zipfile.ZipFile:
    with told(path):
        return zipfile.ZipFile(path)


def _in_zip(path: Path, archive: zipfile.ZipFile, wanted: re.Pattern[str]) -> Iterator[Member]:
    for info in sorted(archive.infolist(), key=lambda info: info.filename):
        if _is_wanted(info.filename, wanted) and not info.is_dir():
            yield Member(info.filename, partial(_zipped, path, archive, info))


def _zipped(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    where = f"{path}: {printable(info.filename, 200)}"
    with told(where):
        return decompressed(archive.open(info), info.filename, where)  # type: ignore[arg-type]


def _of_tar(path: Path, wanted: re.Pattern[str]) -> Iterator[Member]:
    if path.suffix.lower() == ".tar":
        _refuse_without_end(path)
    stored = path.with_suffix(TARS.get(path.suffix.lower(), path.suffix)).name
    with (
        told(path),
        path.open("rb") as file,
        decompressed(file, stored, str(path)) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for info in archive:
            if info.isfile() and _is_wanted(info.name, wanted):
                yield Member(info.name, partial(_tarred, path, archive, info))
        while stream.read(_BLOCK_BYTES << 8):  # to its checksum, and a tear
            pass


def _tarred(path: Path, archive: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO:
    stream = archive.extractfile(info)
    assert stream is not None  # it is a file
    where = f"{path}: {printable(info.name, 200)}"
    return decompressed(stream, info.name, where)  # type: ignore[arg-type]


def _refuse_without_end(path: Path) -> None:
    """A tar file ends with empty blocks; one that was cut between two files looks whole else."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _BLOCK_BYTES))
        if size % _BLOCK_BYTES or any(file.read()):
            raise unreadable(path, EOFError("it ends before its end-of-archive mark"))
