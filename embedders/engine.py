"""Documents and an encoder in, one vector per document out.

A document is tokenized part by part (that defines its tokens), cut into windows (Eq. 4), each
window's states are averaged, and the windows' vectors too (Eq. 5). Logs repeat themselves, so a
window that occurs several times in a shard is computed once and counted as often as it occurs,
which is exact. Memory grows with the tokens of a shard, not with their states.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int

from adapters.adapter import Encoder
from embedders import batching, pooling, windows
from embedders.shard import Coverage, Shard
from results.errors import InputError

_CHUNK_CHARS = 1 << 18  # tokenized at a time: a tokenizer holds ~170 bytes per character meanwhile
_SHARD_TOKENS = 1 << 24  # a shard ends early rather than hold more tokens (64 MiB)


@dataclass
class _Pending:
    """Tokenized documents that wait for their shard to be computed."""

    ids: list[str] = field(default_factory=list)
    tokens: list[Int[np.ndarray, " t"]] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    num_tokens: int = 0

    def add(self, coverage: Coverage, tokens: Int[np.ndarray, " t"]) -> None:
        self.ids.append(coverage.id)
        self.tokens.append(tokens)
        self.coverage.append(coverage)
        self.num_tokens += len(tokens)


@dataclass(frozen=True)
class _Window:
    """A distinct window: where it first occurs, and how often in which document."""

    document: int
    start: int
    stop: int
    owners: Counter[int]


@dataclass(frozen=True, kw_only=True)
class _Engine:
    """An encoder with everything that decides how windows are made and computed."""

    encoder: Encoder
    overlap: int
    batch_tokens: int
    include_special: bool
    padding: float

    @property
    def capacity(self) -> int:
        return self.encoder.context - self.encoder.num_special

    def read(self, name: str, parts: Sequence[str]) -> tuple[Coverage, Int[np.ndarray, " t"]]:
        """Tokenize one document."""
        tokens = tokenize(parts, self.encoder)
        if len(tokens) == 0:
            raise InputError(
                f"document {name!r} has no tokens in the text this model reads; leave it out with "
                "`where:`, or read its numbers too (`clean: {drop_numbers: false}`)"
            )
        number = windows.count(len(tokens), capacity=self.capacity, overlap=self.overlap)
        return Coverage(name, sum(map(len, parts)), len(tokens), number, 1.0), tokens

    def distinct(self, documents: list[Int[np.ndarray, " t"]]) -> list[_Window]:
        """Find the distinct windows of a shard, in order of first occurrence."""
        seen: dict[bytes, _Window] = {}
        for document, tokens in enumerate(documents):
            for start, stop in windows.spans(
                len(tokens), capacity=self.capacity, overlap=self.overlap
            ):
                key = hashlib.blake2b(tokens[start:stop].tobytes(), digest_size=16).digest()
                window = seen.setdefault(key, _Window(document, start, stop, Counter()))
                window.owners[document] += 1
        return list(seen.values())

    def vectors(self, texts: list[list[int]]) -> Float[np.ndarray, "b d"]:
        """Compute one batch: special tokens around, padding behind, mean of the states."""
        wrapped = [self.encoder.wrap(text) for text in texts]
        lengths = [len(window) for window in wrapped]
        longest = max(lengths)
        padded = [row + [self.encoder.pad_id] * (longest - len(row)) for row in wrapped]
        mask = None
        if min(lengths) < longest:
            mask = (torch.arange(longest)[None] < torch.tensor(lengths)[:, None]).long()
        states = self.encoder.states(torch.tensor(padded), mask)
        weights = None
        plain = self.include_special and self.encoder.pooling == "mean"
        if mask is not None or not plain:
            prefix = self.encoder.wrap([-1]).index(-1)
            weights = pooling.token_weights(
                lengths,
                prefix=prefix,
                suffix=self.encoder.num_special - prefix,
                include_special=self.include_special,
                pooling=self.encoder.pooling,
            )
        pooled: Float[np.ndarray, "b d"] = pooling.pool(states, weights).cpu().double().numpy()
        return pooled

    def run(self, pending: _Pending, progress: Callable[[float], None]) -> Shard:
        """Compute a shard; `progress` takes the share of it that is done."""
        distinct = self.distinct(pending.tokens)
        num_special = self.encoder.num_special
        lengths = [window.stop - window.start + num_special for window in distinct]
        sums = np.zeros((len(pending.ids), self.encoder.dimension))
        total, seen, computed = sum(lengths), 0, 0
        for batch in batching.plan(lengths, batch_tokens=self.batch_tokens, padding=self.padding):
            chosen = [distinct[index] for index in batch]
            texts = [pending.tokens[w.document][w.start : w.stop].tolist() for w in chosen]
            for window, vector in zip(chosen, self.vectors(texts), strict=True):
                for document, times in window.owners.items():
                    sums[document] += times * vector
            computed += len(batch) * lengths[batch[0]]
            seen += sum(lengths[index] for index in batch)
            progress(seen / total)
        means = sums / np.array([[row.windows] for row in pending.coverage])
        _check_finite(means, pending.ids)
        return Shard(
            ids=pending.ids,
            vectors=means.astype(np.float32),
            coverage=pending.coverage,
            distinct_windows=len(distinct),
            computed_tokens=computed,
        )


def embed(
    documents: Iterable[tuple[str, Sequence[str]]],
    encoder: Encoder,
    *,
    overlap: int | None = None,
    batch_tokens: int = 4096,
    shard_documents: int = 512,
    include_special: bool = True,
    padding: float = 0.0,
    progress: Callable[[float], None] | None = None,
) -> Iterator[Shard]:
    """Embed documents, shard by shard.

    Args:
        documents: (id, parts), read once and in order.
        encoder: a loaded model.
        overlap: tokens shared by neighbouring windows; None for half the context.
        batch_tokens: tokens in one forward pass at most.
        shard_documents: documents of a shard at most; one with very many tokens ends earlier.
        include_special: whether the model's special tokens count in a window's mean.
        padding: largest share of a window that may be padding, 0 to 1.
        progress: called with the number of documents done, fractions included.

    Yields:
        Vectors and coverage of consecutive documents.

    Raises:
        InputError: an impossible overlap, a document without tokens, or a model that overflows.
    """
    overlap = windows.default_overlap(encoder.context) if overlap is None else overlap
    windows.check_overlap(overlap, context=encoder.context, num_special=encoder.num_special)
    engine = _Engine(
        encoder=encoder,
        overlap=overlap,
        batch_tokens=batch_tokens,
        include_special=include_special,
        padding=padding,
    )
    done = 0
    for pending in _shards(documents, engine, shard_documents):
        size, before = len(pending.ids), done

        def report(share: float, size: int = size, before: int = before) -> None:
            if progress is not None:
                progress(before + share * size)

        yield engine.run(pending, report)
        done += size


def _shards(
    documents: Iterable[tuple[str, Sequence[str]]], engine: _Engine, shard_documents: int
) -> Iterator[_Pending]:
    """Tokenize documents and gather them until a shard is full."""
    pending = _Pending()
    for name, parts in documents:
        pending.add(*engine.read(name, parts))
        if len(pending.ids) == shard_documents or pending.num_tokens >= _SHARD_TOKENS:
            yield pending
            pending = _Pending()
    if pending.ids:
        yield pending


def tokenize(parts: Sequence[str], encoder: Encoder) -> Int[np.ndarray, " t"]:
    """Tokenize a document: each part on its own, the tokens one after the other, int32."""
    pieces: list[np.ndarray] = [np.zeros(0, dtype=np.int32)]
    chunk: list[str] = []
    chars = 0
    for part in parts:
        chunk.append(part)
        chars += len(part)
        if chars >= _CHUNK_CHARS:
            pieces += _tokens(chunk, encoder)
            chunk, chars = [], 0
    return np.concatenate(pieces + _tokens(chunk, encoder))


def _tokens(texts: list[str], encoder: Encoder) -> list[np.ndarray]:
    return [np.array(ids, dtype=np.int32) for ids in encoder.tokenize(texts)] if texts else []


def _check_finite(vectors: Float[np.ndarray, "n d"], ids: list[str]) -> None:
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise InputError(
            f"document {ids[broken[0]]!r}: the model's states are infinite or not a number; "
            "use dtype fp32 or bf16"
        )
