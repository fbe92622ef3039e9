"""What a look at a corpus found (`corpora.inspect`): plain values, ready to be written as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass

from corpora.inspect_fields import Use
from corpora.inspect_leaks import Leak, Telling


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Characters of the documents that were read."""

    median: int
    p95: int
    max: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """What of the documents that were read is not text.

    Attributes:
        undecodable: characters that stand for bytes that are not UTF-8.
        nul: NUL characters.
        documents: with any of either.
        no_text: ids of documents that are no text at all, at most three.
        no_text_documents: how many those are.
        is_utf16: whether they look like UTF-16.
    """

    undecodable: int
    nul: int
    documents: int
    no_text: tuple[str, ...]
    no_text_documents: int
    is_utf16: bool


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Documents with equal text among those that were read.

    Attributes:
        within: documents beyond the first of equal ones in their class.
        across: documents whose text stands in another class, too.
    """

    within: int
    across: int


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was found.

    Attributes:
        documents: all that are chosen.
        classes: class -> documents, after relabelling, the largest first.
        unlabelled: documents without a label, or whose label is mapped away.
        rare: class -> documents, of those that relabelling drops.
        read: documents whose text was read.
        empty: how many of those hold nothing but blanks.
        lengths: of those that were read.
        lengths_of: class -> median characters.
        encoding: of those that were read.
        exact: equal texts.
        masked: texts that are equal once masked.
        distinct: class -> documents left where the first of equal texts is kept, of those read.
        leaks: what may give the class away.
        telling: plain words that do so by nature.
        uses: what columns are good for.
        counted: what the loader met on its way.
    """

    documents: int
    classes: Mapping[str, int]
    unlabelled: int
    rare: Mapping[str, int]
    read: int
    empty: int
    lengths: Lengths
    lengths_of: Mapping[str, int]
    encoding: Encoding
    exact: Twins
    masked: Twins
    distinct: Mapping[str, int]
    leaks: tuple[Leak, ...]
    telling: tuple[Telling, ...]
    uses: tuple[Use, ...]
    counted: Mapping[str, int]

    @property
    def is_whole(self) -> bool:
        """Whether the text of every document was read."""
        return self.read == self.documents
