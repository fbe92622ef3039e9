"""Raw log files, read as the corpus was and laid down as its documents are.

A file is cleaned by the corpus's line rules in a stream, so it may be of any size. Rules that drop
documents drop none here: whoever asks gets an answer, and a warning.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpora.masking import TextView
from corpora.storage import DOCUMENTS, DocumentWriter, read_documents
from results.errors import InputError
from suite.raw_logs import cleaned, refuse
from suite.sections import Clean

Warn = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What files are held to.

    Attributes:
        clean: the corpus's cleaning.
        card: the corpus's card; None where it is not at hand.
        view: of the text that is read, where nothing may be left of a file in it; else None.
    """

    clean: Clean
    card: dict[str, Any] | None = None
    view: TextView | None = None


@dataclass
class Laid:
    """Files laid down as documents.

    Attributes:
        path: the `documents.parquet` that holds them.
        names: as they were given, one for each document.
        refused: how many files could not be read.
    """

    path: Path
    names: list[str] = field(default_factory=list)
    refused: int = 0


def lay(files: Iterable[str], folder: Path, rules: Rules, warn: Warn) -> Laid:
    """Read files into a folder; what is wrong with one is told to `warn`, and the others go on."""
    laid = Laid(folder / DOCUMENTS)
    single = folder / "single.parquet"
    with DocumentWriter(laid.path) as writer:
        for number, name in enumerate(files):
            try:
                counts = _one(name, single, rules)
            except InputError as error:
                warn(str(error))
                laid.refused += 1
                continue
            for text in _warnings(counts, rules):
                warn(f"{name}: {text}")
            for document in read_documents(single):
                writer.add(f"{number}: {_printable(name)}", document.parts, None)
            laid.names.append(name)
    return laid


def _one(name: str, path: Path, rules: Rules) -> Counter[str]:
    """Write one file as a document.

    Returns:
        What was counted on the way; see `suite.raw_logs.cleaned`.

    Raises:
        InputError: it cannot be read, is no text, or nothing is left of it.
    """
    counts: Counter[str] = Counter()
    limits = (rules.clean.max_word_chars, rules.clean.max_line_chars)
    with cleaned(name, *limits, counts=counts) as blocks, DocumentWriter(path) as writer:
        writer.add("", _viewed(blocks, rules.view, counts), None)
    refuse(name, counts)
    if rules.view is not None and not counts["read"]:
        raise InputError(f"{name}: nothing is left of it in the text that the model reads")
    return counts


def _viewed(blocks: Iterator[str], view: TextView | None, counts: Counter[str]) -> Iterator[str]:
    """Pass blocks through; counts as `read` those of which something is left to be read."""
    for block in blocks:
        if view is not None and not counts["read"]:
            counts["read"] += not view.apply(block).isspace()
        yield block


def _warnings(counts: Counter[str], rules: Rules) -> Iterator[str]:
    """Say which rules would have kept a document of this size out of the corpus."""
    most = rules.clean.max_bytes
    if most is not None and counts["bytes"] > most:
        yield f"{counts['bytes']:,} bytes; the corpus has no document above {most:,} (max_bytes)"
    if rules.clean.tukey and rules.card is not None:
        lengths = rules.card["lengths"]["after"]
        low, high = int(lengths["min"]), int(lengths["max"])
        if not low <= counts["chars"] <= high:
            yield (
                f"{counts['chars']:,} characters; the corpus has documents of {low:,} to {high:,} "
                "(tukey)"
            )


def _printable(name: str) -> str:
    """Replace the bytes of a file name that are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
