"""How Logmark says no: the user's input is wrong, what it stands on is out, or a job has failed.

Every room raises `InputError` for what a user can mend; the command line prints its one line and
exits with status 2. A traceback therefore always means a fault of ours.
"""

import difflib
from collections.abc import Iterable


class OutageError(Exception):
    """Something that Logmark stands on does not answer; one line for the user, exit status 1."""


class InputError(ValueError):
    """What the user gave cannot be used; the message names the thing, the rule and the way out."""

    def __init__(self, message: object) -> None:
        """Keep the message to a line: what breaks it, or steers a terminal, is written out."""
        super().__init__(
            "".join(one if one.isprintable() else _escape(one) for one in str(message))
        )


def _escape(one: str) -> str:
    return one.encode("unicode_escape").decode()


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known names there are, and which of them `name` was probably meant to be.

    Returns:
        ``did you mean 'folder'? Known: folder, table`` or, with nothing near, only the second half.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(names)}"
