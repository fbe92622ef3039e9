"""Open a corpus file, compressed or not, and read it as text whatever its bytes are.

The ending decides: ``.gz``, ``.xz`` and ``.zst`` are decompressed on the way. Bytes that are not
UTF-8 become U+FFFD (the corpus card counts them), a byte order mark is dropped, line ends stay as
they are.
"""

import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from results.errors import InputError

CHUNK_CHARS = 1 << 18
COMPRESSED = (".gz", ".xz", ".zst")


def ending(path: Path) -> str:
    """Return the ending that names the format: ``.jsonl`` of ``docs.jsonl.gz``, in lower case."""
    name = Path(path.stem) if path.suffix.lower() in COMPRESSED else path
    return name.suffix.lower()


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a file for reading text.

    Raises:
        InputError: the file cannot be opened, or its compression is damaged.
    """
    faults: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error, lzma.LZMAError)
    faults += _zstd_faults(path)
    try:
        with (
            _decompressed(path) as stream,
            io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="") as text,
        ):
            yield text
    except faults as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read: {reason}") from error


def chunks(path: Path) -> Iterator[str]:
    """Yield the text of a file in pieces of bounded size.

    Raises:
        InputError: as `open_text`.
    """
    with open_text(path) as text:
        while chunk := text.read(CHUNK_CHARS):
            yield chunk


def _zstd_faults(path: Path) -> tuple[type[Exception], ...]:
    """Import the package for zstd where it is needed: an edge model is run without it.

    Raises:
        InputError: it is not installed.
    """
    if path.suffix.lower() != ".zst":
        return ()
    try:
        import zstandard
    except ImportError as error:
        raise InputError(
            f"{path}: zstandard is not installed; unpack the file first (zstd -d)"
        ) from error
    return (zstandard.ZstdError,)


def _decompressed(path: Path) -> BinaryIO:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if suffix == ".xz":
        return cast(BinaryIO, lzma.open(path, "rb"))
    if suffix == ".zst":
        import zstandard

        reader = zstandard.ZstdDecompressor().stream_reader(
            path.open("rb"), read_across_frames=True, closefd=True
        )
        return cast(BinaryIO, io.BufferedReader(reader))
    return path.open("rb")
