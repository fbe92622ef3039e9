"""Whose fault a failure was, found through whatever wrapped it."""

import errno

import pytest

from jobs.failures import failure
from jobs.pieces import HandLostError
from jobs.task import DamagedInputError
from results.errors import InputError
from results.files import StoreLostError


def _wrapped(inner: Exception) -> Exception:
    try:
        try:
            raise inner
        except Exception as error:
            raise RuntimeError("outer") from error
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize(
    ("error", "fault", "cause", "message"),
    [
        (InputError("x: mend\nthis"), "input", "job", "x: mend"),
        (ZeroDivisionError("by 0"), "code", "job", "ZeroDivisionError: by 0"),
        (OSError(errno.ENOSPC, "No space", "/d/x"), "system", "disk", "disk for /d/x; free some"),
        (OSError(errno.EDQUOT, "Quota"), "system", "disk", "no space left on the disk; free some"),
        (_wrapped(OSError(errno.ENOSPC, "No", "/y")), "system", "disk", "disk for /y; free"),
        (RuntimeError("I/O error: No space left on device"), "system", "disk", "no space left"),
        (MemoryError("1 TiB"), "system", "memory", "out of memory (MemoryError: 1 TiB)"),
        (_wrapped(MemoryError()), "system", "memory", "out of memory"),
        (HandLostError("killed"), "system", "worker", "HandLostError: killed"),
        (StoreLostError("s3://b does not answer"), "system", "store", "s3://b does not answer"),
        (FileNotFoundError("x"), "code", "job", "FileNotFoundError: x"),
    ],
)
def test_a_failure_says_whose_fault_it_was(
    error: Exception, fault: str, cause: str, message: str
) -> None:
    told = failure(error)
    assert (told.fault, told.cause) == (fault, cause)
    assert message in told.message and "\n" not in told.message


def test_a_damaged_input_is_named() -> None:
    told = failure(DamagedInputError("corpus", "f is missing"))
    assert (told.cause, told.dependency) == ("dependency", "corpus")
    assert told.message == "its input 'corpus' is damaged: f is missing"


def test_what_is_wrapped_already_stays_as_it_is() -> None:
    told = failure(MemoryError())
    assert failure(told) is told
