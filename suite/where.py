"""Which part of a suite file an error is of."""

import contextlib
from collections.abc import Iterator

from results.errors import InputError


@contextlib.contextmanager
def within(where: str) -> Iterator[None]:
    """Name the part before what is wrong with it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
