"""Documents in, shards of distinct windows out, each window once in the whole corpus.

A document is tokenized part by part (that defines its tokens) and cut into windows (Eq. 4) while
its tokens come in. Logs repeat themselves: a window that has occurred before, in whatever document,
is only noted in the ledger. New ones are gathered in order of first occurrence until a shard is
full.

Where a shard ends is decided by the windows themselves, not by counting: documents that join the
corpus, leave it or change touch the shards they lie in, and the shards behind are the same again
(content-defined chunking; Muthitacharoen et al., "A Low-bandwidth Network File System", SOSP 2001).

Memory: a shard's tokens, the tokens remembered of recent parts (`_MEMO_TOKENS`), and about 150
bytes per distinct window, whatever the size of the corpus and of its documents.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Int

from adapters import windows
from embedders.batching import SHARD_TOKENS
from embedders.shard import Coverage, Ledger, Shard
from results.errors import InputError

_CHUNK_CHARS = 1 << 18  # tokenized at a time: a tokenizer holds ~170 bytes per character meanwhile
_MEMO_TOKENS = 1 << 22  # 16 MiB
_ENTRY_TOKENS = 64  # what remembering a part costs beside its tokens
_HASHES = 1 << 64


class Frame(Protocol):
    """What cutting needs of an encoder; weights are not needed."""

    @property
    def context(self) -> int:
        """Tokens per window, special tokens included."""

    @property
    def num_special(self) -> int:
        """Special tokens that every window gets."""

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokenize each text on its own: no special tokens, nothing cut off."""


class Cutter:
    """Cuts the documents of a corpus into windows and finds the distinct ones.

    Attributes:
        ledger: of the documents cut so far.
    """

    def __init__(
        self, frame: Frame, *, overlap: int | None = None, shard_tokens: int = SHARD_TOKENS
    ) -> None:
        """Settle how windows lie.

        Args:
            frame: tokenizer and context.
            overlap: tokens shared by neighbouring windows; None for half the context.
            shard_tokens: tokens of a shard, special ones included; half to twice as many.

        Raises:
            InputError: an impossible overlap.
        """
        self.ledger = Ledger()
        self._overlap = windows.default_overlap(frame.context) if overlap is None else overlap
        windows.check_overlap(self._overlap, context=frame.context, num_special=frame.num_special)
        self._capacity = frame.context - frame.num_special
        self._special = frame.num_special
        self._tokenizer = _Tokenizer(frame)
        self._seen: dict[bytes, int] = {}
        self._shard: list[Int[np.ndarray, " l"]] = []  # its windows are numbered from `_first` on
        self._first = self._size = 0
        self._is_full = False
        self._least, self._most = shard_tokens // 2, 2 * shard_tokens
        self._ends_below = min(_HASHES, 2 * _HASHES * frame.context // shard_tokens)

    def shards(self, documents: Iterable[tuple[str, Iterable[str]]]) -> Iterator[Shard]:
        """Cut documents (id, parts), read once and in order.

        Raises:
            InputError: a document without tokens.
        """
        for name, parts in documents:
            yield from self._document(name, parts)
        if self._shard:
            yield self._close()

    def _document(self, name: str, parts: Iterable[str]) -> Iterator[Shard]:
        chars = tokens = 0

        def read() -> Iterator[Int[np.ndarray, " t"]]:
            nonlocal chars, tokens
            for num_chars, ids in self._tokenizer.read(parts):
                chars, tokens = chars + num_chars, tokens + len(ids)
                yield ids

        numbers = []
        for window in windows.cut(read(), capacity=self._capacity, overlap=self._overlap):
            numbers.append(self._number(window))
            if self._is_full:
                yield self._close()
        if tokens == 0:
            raise InputError(
                f"document {name!r} has no tokens in the text this model reads; leave it out with "
                "`where:`, or read its numbers too (`clean: {drop_numbers: false}`)"
            )
        self.ledger.numbers.append(np.array(numbers, dtype=np.int32))
        self.ledger.coverage.append(Coverage(name, chars, tokens, len(numbers), 1.0))

    def _number(self, window: Int[np.ndarray, " l"]) -> int:
        """Give a window's number; a new one joins the shard and may close it."""
        key = hashlib.blake2b(window.tobytes(), digest_size=16).digest()
        number = self._seen.setdefault(key, len(self._seen))
        if number == self._first + len(self._shard):
            self._shard.append(window.copy())
            self._size += len(window) + self._special
            ends = int.from_bytes(key[:8]) < self._ends_below
            self._is_full = self._size >= (self._least if ends else self._most)
        return number

    def _close(self) -> Shard:
        shard = Shard(
            first=self._first,
            tokens=np.concatenate(self._shard),
            lengths=np.array([len(window) for window in self._shard], dtype=np.int32),
        )
        self.ledger.firsts.append(self._first)
        self._first, self._shard = len(self._seen), []
        self._size, self._is_full = 0, False
        return shard


class _Tokenizer:
    """Tokenizes part by part, and remembers the tokens of the parts it saw last."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._known: OrderedDict[bytes, Int[np.ndarray, " t"]] = OrderedDict()
        self._held = 0

    def read(self, parts: Iterable[str]) -> Iterator[tuple[int, Int[np.ndarray, " t"]]]:
        """Give each part's characters and tokens, some parts at a time."""
        chunk: list[str] = []
        chars = 0
        for part in parts:
            chunk.append(part)
            chars += len(part)
            if chars >= _CHUNK_CHARS:
                yield from self._chunk(chunk)
                chunk, chars = [], 0
        yield from self._chunk(chunk)

    def _chunk(self, parts: list[str]) -> Iterator[tuple[int, Int[np.ndarray, " t"]]]:
        keys = [hashlib.blake2b(part.encode(), digest_size=16).digest() for part in parts]
        new = {key: part for key, part in zip(keys, parts, strict=True) if key not in self._known}
        if new:
            tokenized = self._frame.tokenize(list(new.values()))
            for key, ids in zip(new, tokenized, strict=True):
                self._known[key] = np.asarray(ids, dtype=np.int32)
                self._held += len(ids) + _ENTRY_TOKENS
        for key, part in zip(keys, parts, strict=True):
            self._known.move_to_end(key)
            yield len(part), self._known[key]
        while self._held > _MEMO_TOKENS:
            self._held -= len(self._known.popitem(last=False)[1]) + _ENTRY_TOKENS


def tokenize(parts: Iterable[str], frame: Frame) -> Int[np.ndarray, " t"]:
    """Tokenize a document: each part on its own, the tokens one after the other, int32."""
    pieces = [ids for _, ids in _Tokenizer(frame).read(parts)]
    return np.concatenate([np.zeros(0, dtype=np.int32), *pieces])
