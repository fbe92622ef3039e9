"""Names out of logs, tables and archives, made fit for a line of a message or a file."""

from collections.abc import Iterable
from difflib import get_close_matches

from results import errors

_MOST_LISTED = 20


def printable(text: str, most: int = 40) -> str:
    """Return a short form of what came from a log that no terminal or file can be hurt by."""
    shown = "".join(char if char.isprintable() else "\ufffd" for char in text[: most + 1])
    return shown if len(shown) <= most else shown[: most - 1] + "\u2026"


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which names there are in the data, some of many, and which one was probably meant."""
    names = sorted(known)
    some = {*get_close_matches(name, names, n=1), *names[:_MOST_LISTED]}
    return errors.nearest(name, {printable(one) for one in some})
