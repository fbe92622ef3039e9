"""Command lines that compute a part of a run once more, made from the one that it recorded."""

import shlex

_VALUED = ("--only", "--force", "--mlflow")
_BARE = ("--retry-failed", "--quiet", "--json")


def again(command: str, name: str) -> str | None:
    """Say which command computes a cell again; `None` where a program ran the suite.

    What is in the store is not computed again by it, the cell itself is.
    """
    words = _words(command)
    return None if words is None else shlex.join([*words, "--only", name, "--force", name])


def retry(command: str) -> str:
    """Say which command computes what failed; the recorded one where a program ran the suite."""
    words = _words(command)
    return command if words is None else shlex.join([*words, "--retry-failed"])


def _words(command: str) -> list[str] | None:
    """Take away what chooses among the jobs; `None` where it is no `logmark run`."""
    try:
        words = iter(shlex.split(command))
    except ValueError:  # no command line at all
        return None
    if (next(words, ""), next(words, "")) != ("logmark", "run"):
        return None
    kept = ["logmark", "run"]
    for word in words:
        if word in _VALUED:
            next(words, None)
        elif word.partition("=")[0] not in (*_VALUED, *_BARE):
            kept.append(word)
    return kept
