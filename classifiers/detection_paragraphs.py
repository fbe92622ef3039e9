"""Which paragraphs documents have, each distinct one once.

Logs repeat themselves, and a document's score is a sum over its paragraphs: one that has occurred
before, in whatever document, is only noted.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from adapters.encoder import Tokenizer
from adapters.paragraphs import NO_SENTENCE, Paragraph, paragraphs


@dataclass(frozen=True)
class Document:
    """What is scored of one document.

    Attributes:
        numbers: of its paragraphs that are scored.
        tokens: that it has, the model's special ones excluded.
        read: those of them that stand in a scored paragraph.
    """

    numbers: Int[np.ndarray, " p"]
    tokens: int
    read: int


@dataclass(kw_only=True)
class Gathered:
    """Distinct paragraphs, in order of first occurrence, and the documents they came from.

    Attributes:
        tokenizer: of the model.
        size: tokens of a paragraph, special ones included.
        most: paragraphs of a document, at most; `None` for no limit.
        distinct: int32; lines numbered from 0 in each, so that equal content is equal.
        digests: what each contains, 16 bytes.
    """

    tokenizer: Tokenizer
    size: int
    most: int | None
    distinct: list[Paragraph] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    _numbers: dict[bytes, int] = field(default_factory=dict)

    def read(self, documents: Iterable[Sequence[str]]) -> list[Document]:
        """Cut documents, given as parts; equal ones are tokenized once."""
        known: dict[tuple[str, ...], Document] = {}
        found = []
        for parts in map(tuple, documents):
            if parts not in known:
                known[parts] = self._document(parts)
            found.append(known[parts])
        return found

    def order(self) -> list[int]:
        """Say in which order to compute: longest first; it depends on their content alone."""
        return sorted(
            range(len(self.distinct)), key=lambda i: (-len(self.distinct[i]), self.digests[i])
        )

    def _document(self, parts: Sequence[str]) -> Document:
        every = paragraphs(parts, self.tokenizer, size=self.size)
        kept = min(len(every), self.most or len(every))
        places = np.linspace(0, len(every) - 1, kept).round().astype(int)
        own = [len(one) - self.tokenizer.num_special for one in every]
        return Document(
            numbers=np.array([self._number(every[i]) for i in places], dtype=np.int64),
            tokens=sum(own),
            read=sum(own[i] for i in places),
        )

    def _number(self, paragraph: Paragraph) -> int:
        """Give a paragraph's number; a new one is kept."""
        own = _from_zero(paragraph)
        content = own.ids.tobytes() + own.sentences.tobytes()
        digest = hashlib.blake2b(content, digest_size=16).digest()
        number = self._numbers.setdefault(digest, len(self.distinct))
        if number == len(self.distinct):
            self.distinct.append(own)
            self.digests.append(digest)
        return number


def _from_zero(paragraph: Paragraph) -> Paragraph:
    """Number the lines by their place in the paragraph, not in the document."""
    lines, places = np.unique(paragraph.sentences, return_inverse=True)
    return Paragraph(
        paragraph.ids.astype(np.int32),
        (places - int(lines[0] == NO_SENTENCE)).astype(np.int32),
    )
