"""A job's work in pieces: each is an artifact of its own, so a kill loses at most one of them.

A *piece* is a pure function of its parameters, the job's inputs and its data, whose hash stands in
the key: the same piece is found in the store again by the next attempt, the next run and the next
suite. A *hand* does pieces one after the other and holds what they have in common, a loaded model.
There is always one in this process; `suite/pool.py` adds others elsewhere. Which hand does a piece,
and when, changes none of its bytes.
"""

import contextlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import JsonValue

from jobs.job import Params, key_of
from jobs.registry import PIECES
from results.hashing import hash_json
from results.store import Commit, Store

Progress = Callable[[int, float], None]

_TRIES = 4  # of a piece whose hand is lost under it


class HandLostError(Exception):
    """The process or the machine of a hand is gone; the piece is not to blame."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the pieces of one job have in common.

    Attributes:
        kind: a name in `jobs.registry.PIECES`.
        params: everything that decides the pieces' bytes, beside their data.
        inputs: the job's inputs that they read.
    """

    kind: str
    params: Params
    inputs: Mapping[str, Commit]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One piece of work.

    Attributes:
        number: tells the pieces of a job apart.
        digest: hash of the data.
        data: what is to be worked on; picklable.
    """

    number: int
    digest: str
    data: Any


@dataclass(frozen=True)
class Order:
    """A piece that has to be done, and the artifact it will be."""

    piece: Piece
    kind: str
    key: str
    n: int


@dataclass(frozen=True)
class Done:
    """A finished piece; `is_new` where it was not found in the store."""

    number: int
    commit: Commit
    is_new: bool


class Hand(Protocol):
    """Somebody who does pieces; both verbs may raise `HandLostError` through their futures."""

    def open(self, work: Work) -> Future[Any]:
        """Get ready, which may take a model's loading; or wait for a place to work at."""

    def do(self, order: Order) -> "Future[Commit]":
        """Do a piece and publish it."""

    def close(self) -> None:
        """Let go of everything."""


class PieceWorker(Protocol):
    """What a kind of piece is done by: a class, loaded once, called for every piece."""

    def __init__(
        self, params: Params, inputs: Mapping[str, Path], local: Mapping[str, str]
    ) -> None:
        """Load what all pieces share."""

    def __call__(
        self, data: Any, out: Path, progress: Callable[[float], None]
    ) -> dict[str, JsonValue]:
        """Write the piece's artifact and return cost figures."""


class Pieces:
    """Does a job's pieces with the hands it is given, the first of which is in this process.

    Attributes:
        inputs: the job's inputs.
    """

    def __init__(
        self,
        store: Store,
        inputs: Mapping[str, Commit],
        here: Callable[[Progress], Hand],
        others: Callable[[], Hand] | None = None,
        most: int = 1,
    ) -> None:
        """Remember how hands are hired.

        Args:
            store: where the pieces are published.
            inputs: the job's inputs.
            here: hires the hand in this process; it tells how far its piece is.
            others: hires one more, elsewhere.
            most: hands at a time.
        """
        self.inputs = inputs
        self._store = store
        self._here = here
        self._others = others
        self._most = most

    def do(
        self,
        kind: str,
        params: Params,
        needs: Sequence[str],
        pieces: Iterable[Piece],
        progress: Progress = lambda number, share: None,
    ) -> Iterator[Done]:
        """Do pieces; yields them as they are done, those in the store at once.

        The next pieces are fetched while hands are at work.

        Args:
            kind: a name in `jobs.registry.PIECES`.
            params: what decides the pieces' bytes.
            needs: names of the job's inputs that they read.
            pieces: made when asked for.
            progress: takes a piece's number and the share of it that is done.

        Raises:
            HandLostError: a piece was lost under several hands.
        """
        work = Work(kind=kind, params=params, inputs={n: self.inputs[n] for n in needs})
        hire: list[Callable[[], Hand]] = [lambda: self._here(progress)]
        if self._others is not None:
            hire += [self._others] * (self._most - 1)
        crew = _Crew(work, hire)
        with contextlib.closing(crew):
            source = iter(pieces)
            while True:
                crew.assign()
                piece = next(source, None) if crew.wants_more else None
                if piece is not None:
                    order = self._order(work, piece)
                    if isinstance(order, Done):
                        yield order
                    else:
                        crew.take(order)
                elif crew.is_idle:
                    return
                else:
                    yield from crew.collect()

    def _order(self, work: Work, piece: Piece) -> Order | Done:
        params = {**work.params, "piece": piece.digest}
        digests = {name: commit.digest for name, commit in work.inputs.items()}
        key = key_of(PIECES[work.kind], params, digests)
        found = self._store.find(work.kind, key)
        if found.commit is not None:
            return Done(piece.number, found.commit, is_new=False)
        return Order(piece, work.kind, key, found.n)

    def recall(self, what: Mapping[str, Any]) -> JsonValue:
        """Return what was remembered of `what`, in this run or an earlier one; None if nothing."""
        found = self._store.find("memory", hash_json(dict(what)))
        if found.commit is None:
            return None
        path = self._store.folder(found.commit) / "memory.json"
        content: JsonValue = json.loads(path.read_bytes())
        return content

    def remember(self, what: Mapping[str, Any], content: JsonValue) -> None:
        """Remember something that saves work and decides no key."""
        key = hash_json(dict(what))
        attempt = self._store.new_attempt("memory", key)
        (attempt / "memory.json").write_text(json.dumps(content), encoding="utf-8")
        self._store.publish("memory", key, attempt, notes={}, n=self._store.find("memory", key).n)

    def folder(self, done: Done) -> Path:
        """Return the folder that holds a piece's files."""
        return self._store.folder(done.commit)


class _Crew:
    """The hands at work, what they do, and what waits for them.

    A hand that is lost at work is replaced; one that never got ready is not.
    """

    def __init__(self, work: Work, hire: list[Callable[[], Hand]]) -> None:
        self._work = work
        self._hire = hire
        self._most = len(hire)
        self._waiting: deque[Order] = deque()
        self._tries: dict[int, int] = {}
        self._hands: dict[Hand, Callable[[], Hand]] = {}
        self._idle: list[Hand] = []
        self._opening: dict[Future[Any], Hand] = {}
        self._busy: dict[Future[Commit], tuple[Hand, Order]] = {}

    @property
    def wants_more(self) -> bool:
        """Whether another piece should be fetched: as many wait as there could be hands."""
        return len(self._waiting) < self._most

    @property
    def is_idle(self) -> bool:
        return not self._waiting and not self._busy

    def take(self, order: Order) -> None:
        self._waiting.append(order)

    def assign(self) -> None:
        """Give waiting pieces to idle hands, and hire where pieces wait for nobody."""
        while self._waiting and self._idle:
            hand, order = self._idle.pop(), self._waiting.popleft()
            self._busy[hand.do(order)] = (hand, order)
        while self._hire and len(self._waiting) > len(self._opening):
            factory = self._hire.pop(0)
            hand = factory()
            self._hands[hand] = factory
            self._opening[hand.open(self._work)] = hand

    def collect(self) -> Iterator[Done]:
        """Wait until something has ended."""
        ended, _ = wait([*self._busy, *self._opening], return_when=FIRST_COMPLETED)
        for future in ended:
            if future in self._opening:
                self._opened(future)
            else:
                yield from self._finished(future)

    def _opened(self, future: Future[Any]) -> None:
        hand = self._opening.pop(future)
        try:
            future.result()
        except HandLostError:
            self._drop(hand)
        else:
            self._idle.append(hand)

    def _finished(self, future: "Future[Commit]") -> Iterator[Done]:
        hand, order = self._busy.pop(future)
        try:
            commit = future.result()
        except HandLostError:
            number = order.piece.number
            self._tries[number] = self._tries.get(number, 1) + 1
            if self._tries[number] > _TRIES:
                raise
            self._waiting.appendleft(order)
            self._hire.append(self._drop(hand))
        else:
            self._idle.append(hand)
            yield Done(order.piece.number, commit, is_new=True)

    def _drop(self, hand: Hand) -> Callable[[], Hand]:
        """Let a hand go; returns how another can be hired in its place."""
        hand.close()
        return self._hands.pop(hand)

    def close(self) -> None:
        """Let all hands go."""
        for hand in self._hands:
            hand.close()
