"""Open a corpus file, compressed or not, and read it as text whatever its bytes are.

The ending decides: ``.gz``, ``.xz``, ``.bz2`` and ``.zst`` are decompressed on the way. A file that
ends before its compression does is refused. Bytes that are not UTF-8 become U+FFFD (the corpus card
counts them), a byte order mark is dropped, line ends stay as they are.
"""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, cast

from corpora.naming import printable
from results.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_CHARS = 1 << 18
COMPRESSED = (".gz", ".xz", ".bz2", ".zst")

_BUFFER_BYTES = 1 << 17
_ZSTD_BYTES = 1 << 9  # what they unpack to is held: up to 32 thousand times as much, twice
_BOM = b"\xef\xbb\xbf"
_FAULTS = (
    *(OSError, EOFError, ValueError, RuntimeError, OverflowError, struct.error, zlib.error),
    *(lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile),
)
"""What the standard library raises over damaged files."""


def ending(path: Path) -> str:
    """Return the ending that names the format: ``.jsonl`` of ``docs.jsonl.gz``, in lower case."""
    return PurePosixPath(uncompressed(path.name)).suffix.lower()


def is_file(path: Path) -> bool:
    """Whether there is a file.

    Raises:
        InputError: nobody can tell (no permission, a name too long).
    """
    with told(path):
        return path.is_file()


def uncompressed(name: str) -> str:
    """Return a file's name without the ending of its compression."""
    suffix = PurePosixPath(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in COMPRESSED else name


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a file for reading text.

    Raises:
        InputError: the file cannot be opened, or its compression is damaged.
    """
    with open_bytes(path) as stream, text_of(stream) as text:
        yield text


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading bytes, decompressed; every fault on the way is an `InputError`.

    Raises:
        InputError: the file cannot be opened.
    """
    with told(path):
        stream = path.open("rb")
    return decompressed(stream, path.name, str(path))


def text_of(stream: BinaryIO) -> io.TextIOWrapper:
    """Read bytes as text."""
    return io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream, with their ends, without a byte order mark."""
    for line in stream:
        yield line.removeprefix(_BOM)
        break
    yield from stream


def decoded(lines: Iterable[bytes]) -> Iterator[str]:
    """Decode lines when they are read; each gets an end that lacks one, as the last of a file."""
    for line in lines:
        text = line.decode("utf-8", "replace")
        yield text if text.endswith("\n") else text + "\n"


def chunks(path: Path) -> Iterator[str]:
    """Yield the text of a file in pieces of bounded size.

    Raises:
        InputError: as `open_text`.
    """
    with open_text(path) as text:
        yield from chunks_of(text)


def chunks_of(text: TextIO) -> Iterator[str]:
    """Yield a text in pieces of bounded size."""
    while chunk := text.read(CHUNK_CHARS):
        yield chunk


def decompressed(stream: BinaryIO, name: str, where: str) -> BinaryIO:
    """Decompress a stream as the ending of its name says.

    Args:
        stream: the bytes as they are stored.
        name: the file's name.
        where: how messages call it.

    Raises:
        InputError: a package for its compression is not installed.
    """
    unpacked = _decompressed(stream, PurePosixPath(name).suffix.lower(), where)
    return io.BufferedReader(_Guarded(unpacked, stream, where), _BUFFER_BYTES)


@contextmanager
def told(where: str | Path) -> Iterator[None]:
    """Tell faults of what is read as `InputError`."""
    try:
        yield
    except InputError:
        raise
    except _FAULTS as error:
        raise unreadable(where, error) from error


def unreadable(where: str | Path, error: Exception) -> InputError:
    """Say in one line why something could not be read."""
    reason = printable(getattr(error, "strerror", None) or str(error), 200)
    return InputError(
        f"{where}: cannot be read: {reason}; check that it is whole and what its ending says, or "
        "copy it again"
    )


def _decompressed(stream: BinaryIO, suffix: str, where: str) -> Any:
    if suffix == ".gz":
        return gzip.open(stream, "rb")
    if suffix == ".xz":
        return lzma.open(stream, "rb")
    if suffix == ".bz2":
        return bz2.open(stream, "rb")
    return _Zstd(stream, where) if suffix == ".zst" else stream


class _Guarded(io.RawIOBase):
    """A stream whose faults, met when it is read, are told as `InputError`."""

    def __init__(self, stream: Any, stored: BinaryIO, where: str) -> None:
        self._stream = stream
        self._stored = stored
        self._where = where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        with told(self._where):
            data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._stored.close()  # gzip and its kin leave open what they were given
        super().close()


class _Zstd:
    """Frames of zstd, one after another; zstandard's own reader takes a torn one for whole."""

    def __init__(self, stream: BinaryIO, where: str) -> None:
        """Import the package where it is needed: an edge model is run without it.

        Raises:
            InputError: it is not installed.
        """
        try:
            import zstandard
        except ImportError as error:
            raise InputError(
                f"{where}: zstandard is not installed; unpack the file first (zstd -d)"
            ) from error
        self._stream = stream
        self._fault = cast(type[Exception], zstandard.ZstdError)
        self._frame = zstandard.ZstdDecompressor().decompressobj
        self._open: Any = None
        self._rest = b""
        self._ready = memoryview(b"")

    def read(self, size: int) -> bytes | memoryview:
        while not self._ready:
            stored = self._rest or self._stream.read(_ZSTD_BYTES)
            if not stored:
                if self._open is not None:
                    raise EOFError("it ends in the middle of its zstd frame")
                return b""
            self._ready = memoryview(self._decompress(stored))
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def _decompress(self, stored: bytes) -> bytes:
        self._open = self._open or self._frame()
        try:
            data: bytes = self._open.decompress(stored)
        except self._fault as error:
            raise OSError(str(error)) from error
        self._rest = b""
        if self._open.eof:
            self._rest, self._open = self._open.unused_data, None
        return data

    def close(self) -> None:
        self._stream.close()
