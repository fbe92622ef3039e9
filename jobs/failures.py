"""What a job raised, as the one error that travels to the driver; it says whose fault that was."""

import errno
from collections.abc import Iterator

from jobs.pieces import HandLostError
from jobs.task import DamagedInputError, JobError
from results.errors import InputError
from results.files import StoreLostError

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of the errors that say so."""

_NO_SPACE_TEXTS = (  # of libraries in C and Rust; torch.save's writer names but its source file
    *("No space left on device", "Disk quota exceeded"),
    "inline_container.cc",
)
_NO_MEMORY_TEXT = "DefaultCPUAllocator: can't allocate memory"  # torch: a plain RuntimeError


def failure(error: Exception) -> JobError:
    """Wrap what a job raised; of a piece that was done elsewhere it is wrapped already."""
    if isinstance(error, JobError):
        return error
    if isinstance(error, InputError):
        return JobError.of(error, str(error), fault="input")
    if isinstance(error, DamagedInputError):
        return JobError.of(error, str(error), cause="dependency", dependency=error.name)
    if isinstance(error, StoreLostError):
        return JobError.of(error, str(error), cause="store")
    if any(_is_disk_full(one) for one in _chain(error)):
        return JobError.of(error, _disk_full(error), cause="disk")
    if any(_is_out_of_memory(one) for one in _chain(error)):
        return JobError.of(error, f"out of memory ({_named(error)})", cause="memory")
    if isinstance(error, HandLostError):
        return JobError.of(error, _named(error), cause="worker")
    return JobError.of(error, _named(error), fault="code")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        return True
    return any(text in str(error) for text in _NO_SPACE_TEXTS)


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or _NO_MEMORY_TEXT in str(error)


def _disk_full(error: Exception) -> str:
    names = [
        str(one.filename) for one in _chain(error) if isinstance(one, OSError) and one.filename
    ]
    where = f" for {names[0]}" if names else ""
    return (
        f"no space left on the disk{where}; free some, or name another place with --store or "
        f"--workdir, and run the command again"
    )


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
