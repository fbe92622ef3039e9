"""What a fine-tuned model reads of a document: its beginning or end, or windows spread over it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Int

from adapters.encoder import Tokenizer
from adapters.windows import check_overlap, count, default_overlap
from classifiers.sequence import Coverage, Finetune
from classifiers.sequence_loading import Loaded

_PARTS = 64  # of a document, tokenized at once


@dataclass(frozen=True)
class Reading:
    """What the model reads of one document.

    Attributes:
        windows: at least one; each with the model's special tokens, at most the context.
        read: tokens of the document that stand in a window, each counted once.
        tokens: how many the document has.
    """

    windows: list[Int[np.ndarray, " t"]]
    read: int
    tokens: int

    @property
    def length(self) -> int:
        """Tokens that the model computes."""
        return sum(map(len, self.windows))


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Tokenizes documents and cuts them.

    Attributes:
        settings: `windows` and `keep` among them.
        tokenizer: of the model.
        room: tokens beside the special ones (c).
        overlap: tokens shared by neighbouring windows (w).
    """

    settings: Finetune
    tokenizer: Tokenizer
    room: int
    overlap: int

    @classmethod
    def of(cls, settings: Finetune, loaded: Loaded) -> Self:
        """Read for a model.

        Raises:
            InputError: an overlap with which windows would not move forward.
        """
        context, overlap = loaded.context, settings.overlap
        overlap = default_overlap(context) if overlap is None else overlap
        if settings.windows > 1:
            check_overlap(overlap, context=context, num_special=loaded.framed.num_special)
        return cls(settings=settings, tokenizer=loaded.framed, room=loaded.room, overlap=overlap)

    def read(self, parts: Sequence[str]) -> Reading:
        """Read one document.

        Returns:
            A window of one padding token where there is neither a token nor a special one.
        """
        ids = np.concatenate([np.zeros(0, np.int64), *self._tokens(parts)])
        windows, is_read = [], np.zeros(len(ids), dtype=bool)
        for start in self._starts(len(ids)):
            window = slice(start, start + self.room)
            is_read[window] = True
            wrapped = self.tokenizer.wrap(ids[window].tolist()) or [self.tokenizer.pad_id]
            windows.append(np.array(wrapped, dtype=np.int64))
        return Reading(windows, int(is_read.sum()), len(ids))

    def _tokens(self, parts: Sequence[str]) -> Iterator[Int[np.ndarray, " t"]]:
        for start in range(0, len(parts), _PARTS):
            for ids in self.tokenizer.encode(list(parts[start : start + _PARTS])):
                yield np.array(ids, dtype=np.int64)

    def _starts(self, tokens: int) -> list[int]:
        """Say where windows start: every one of Eq. 4's, or some spread evenly from end to end."""
        most = self.settings.windows
        if most == 1:
            return [max(0, tokens - self.room) if self.settings.keep == "end" else 0]
        number = count(tokens, capacity=self.room, overlap=self.overlap)
        chosen = np.linspace(0, number - 1, min(number, most)).round().astype(int)
        starts: list[int] = ((self.room - self.overlap) * chosen).tolist()
        return starts


def coverage(readings: Sequence[Reading]) -> Coverage:
    """Add up what was read."""
    return Coverage(
        documents=len(readings),
        cut=sum(reading.read < reading.tokens for reading in readings),
        tokens=sum(reading.tokens for reading in readings),
        read=sum(reading.read for reading in readings),
    )
