"""How far something is that takes its time, told to whoever waits for it."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Step = Callable[[str, int, int | None], None]
"""Is told what is being done, how much of it is done, and of how much, where that is known."""

_T = TypeVar("_T")


def untold(what: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def counted(things: Sequence[_T], what: str, step: Step) -> Iterator[_T]:
    """Yield things, telling before each how many are done."""
    for number, thing in enumerate(things):
        step(what, number, len(things))
        yield thing
