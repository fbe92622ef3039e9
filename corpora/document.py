"""A log document as every room sees it: an id, its text in newline blocks, and its fields.

A document is never one string. It is handled in *parts*, blocks of whole lines, so that a file of
any size is read, tokenized and stored in bounded memory. `blocks` is the reference definition of
the parts of a document: whatever reads, cleans or stores text cuts it with this one function.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias

from results.errors import InputError

PART_CHARS = 65_536
"""Most characters in one part."""

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that no stored document holds; each is replaced by U+FFFD in a text."""

_HALVES = re.compile("[\ud800-\udfff]")

Field: TypeAlias = str | int | float | bool | None

Counts: TypeAlias = MutableMapping[str, int]
"""What a loader met and is worth a line of the corpus card -> how often (a `Counter`)."""


@dataclass(frozen=True, slots=True)
class Document:
    r"""One log document on its way in.

    Attributes:
        id: unique within the corpus.
        parts: the text as newline blocks, read lazily and only once.
        fields: everything else that is known about it (label, group, time, ...).

    What UTF-8 cannot hold (half a pair of surrogates, a byte of a file's name) is written out in
    the id and the fields, as ``\udcff``, so that names that differ stay different.
    """

    id: str
    parts: Iterable[str]
    fields: Mapping[str, Field]

    def __post_init__(self) -> None:
        """Write out what cannot be stored."""
        if any(_HALVES.search(text) for text in self._texts()):
            fields = {_whole(name): _whole(value) for name, value in self.fields.items()}
            object.__setattr__(self, "id", _whole(self.id))
            object.__setattr__(self, "fields", fields)

    def _texts(self) -> Iterator[str]:
        yield self.id
        yield from self.fields
        yield from (value for value in self.fields.values() if isinstance(value, str))


def _whole(value: Any) -> Any:
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


class Loader(Protocol):
    """What a corpus format has to offer; a registered loader is a frozen dataclass of settings.

    Attributes:
        synthetic: whether its documents are made up, so that numbers on them are marked as such.
    """

    synthetic: ClassVar[bool]

    def files(self) -> list[Path]:
        """Return the files whose bytes make up the corpus, sorted; none for a generator."""
        ...

    def documents(self, counts: Counts | None = None) -> Iterator[Document]:
        """Yield the documents, in the same order every time.

        The parts of a document can be read until the next one is asked for.

        Args:
            counts: receives what was met on the way (lines out of order, labels without a log).
        """
        ...


def missing(value: Field) -> bool:
    """Whether a field says nothing: null, NaN, or the empty cell of a CSV file."""
    return value is None or value == "" or value != value


def blocks(chunks: Iterable[str], limit: int = PART_CHARS) -> Iterator[str]:
    r"""Cut a stream of text into blocks of at most `limit` characters.

    While more than `limit` characters remain, the next block ends behind the last newline among
    the first `limit` of them, or, where there is none, after `limit` characters; what remains at
    the end is the last block. The blocks depend on the text alone, not on how `chunks` cut it;
    joined they give the text back; none is empty. Takes time linear in the text.

    Args:
        chunks: the text, in pieces of any size.
        limit: most characters in a block.
    """
    pieces: list[str] = []
    held = 0
    for chunk in chunks:
        for start in range(0, len(chunk), limit):
            piece = chunk[start : start + limit]
            pieces.append(piece)
            held += len(piece)
            if held > limit:
                rest = "".join(pieces)
                while len(rest) > limit:
                    cut = rest.rfind("\n", 0, limit) + 1 or limit
                    yield rest[:cut]
                    rest = rest[cut:]
                pieces, held = [rest], len(rest)
    if held:
        yield "".join(pieces)


def unique(documents: Iterable[Document], source: str) -> Iterator[Document]:
    """Pass documents through and refuse the second one of an id.

    Args:
        documents: the documents.
        source: where they come from (a file), for the message.

    Raises:
        InputError: two documents have the same id.
    """
    seen: set[str] = set()
    for document in documents:
        if document.id in seen:
            raise InputError(
                f"{source}: two documents have the id {document.id!r}; "
                "ids must be unique (name another column with `id:`, or rename one of them)"
            )
        seen.add(document.id)
        yield document
