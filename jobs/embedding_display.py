"""What the user sees of an embedding: windows done, distinct ratio, tokens/s, time left."""

import time
from collections.abc import Callable, Iterable, Iterator

from embedders.shard import Ledger, Shard
from jobs.pieces import Done, Piece

_EVERY_S = 0.5


class Display:
    """Follows the shards of an embedding from being cut to being computed."""

    def __init__(self, ledger: Ledger, total: int, progress: Callable[[float, str], None]) -> None:
        """Follow the cutting of `total` documents; `progress` is told share and text."""
        self._ledger = ledger
        self._total = total
        self._progress = progress
        self._started = self._told = time.monotonic()
        self._rows = self._windows = 0  # documents counted, and windows in them
        self._read = 0.0  # share of the documents
        self._shares: dict[int, float] = {}  # of the documents, that came with a shard
        self._shards: dict[int, tuple[int, int]] = {}  # its windows and tokens
        self._done: dict[int, float] = {}  # share of a shard that is computed
        self._found: set[int] = set()  # shards that were in the store

    def pieces(self, shards: Iterable[Shard]) -> Iterator[Piece]:
        """Pass shards on as pieces of work."""
        for number, shard in enumerate(shards):
            self._count()
            read = min(1.0, (self._rows + 1) / self._total)
            self._shares[number], self._read = read - self._read, read
            self._shards[number] = (len(shard.lengths), len(shard.tokens))
            yield Piece(number=number, digest=shard.digest, data=shard)

    def within(self, number: int, share: float) -> None:
        """Note how far a shard is, and tell the user."""
        self._done[number] = share
        now = time.monotonic()
        if now - self._told > _EVERY_S:  # as often as it is looked at; this is called every batch
            self._told = now
            self._progress(self._share(self._done), self._text())

    def finished(self, one: Done) -> None:
        """Note that a shard is done, and tell the user."""
        if not one.is_new:
            self._found.add(one.number)
        self.within(one.number, 1.0)

    def _share(self, numbers: Iterable[int]) -> float:
        return sum(self._shares[n] * self._done[n] for n in list(numbers))

    def _text(self) -> str:
        computed = [n for n in list(self._done) if n not in self._found]
        elapsed_s = time.monotonic() - self._started
        windows = sum(self._shards[n][0] * share for n, share in list(self._done.items()))
        tokens = sum(self._shards[n][1] * self._done[n] for n in computed)
        parts = [f"{windows:,.0f} windows", f"{self._repeats():.1f} x repeated"]
        parts += [f"{tokens / elapsed_s:,.0f} tokens/s"] if computed else []
        if (new := self._share(computed)) > 0:
            left_s = (1.0 - self._share(self._done)) * elapsed_s / new
            parts.append(f"{_duration(left_s)} left")
        return ", ".join(parts)

    def _repeats(self) -> float:
        """How often a distinct window has occurred so far."""
        distinct = sum(windows for windows, _ in self._shards.values())
        return self._windows / max(1, distinct)

    def _count(self) -> None:
        """Count the windows of the documents that were cut since the last time."""
        new = self._ledger.coverage[self._rows :]
        self._rows += len(new)
        self._windows += sum(row.windows for row in new)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
