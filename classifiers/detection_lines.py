"""The lines of a document, for detectors that read the text itself."""

from collections.abc import Sequence


def lines(parts: Sequence[str]) -> list[str]:
    r"""Cut parts into lines, without their ends; blank ones are left out.

    A line ends with `\n`, in masked text with `<newline>`, and with its part.
    """
    cut = (line for part in parts for line in part.replace("<newline>", "\n").split("\n"))
    return [line for line in cut if line and not line.isspace()]
