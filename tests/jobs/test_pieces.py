"""Work in pieces: who does it, and what happens when somebody does not come back."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from jobs.pieces import Done, HandLostError, Order, Piece, Pieces, Work
from results.store import Commit, Store


class Worker:
    """A hand that writes a piece's data into a file, and fails as its script says."""

    def __init__(self, store: Store, *script: Exception | None, opens: bool = True) -> None:
        self.store, self.script, self.opens = store, list(script), opens
        self.thread = ThreadPoolExecutor(1)
        self.did: list[int] = []
        self.is_closed = False

    def open(self, work: Work) -> Future[Any]:
        return self.thread.submit(self._open)

    def _open(self) -> None:
        if not self.opens:
            raise HandLostError("no room")

    def do(self, order: Order) -> Future[Commit]:
        return self.thread.submit(self._do, order)

    def _do(self, order: Order) -> Commit:
        error = self.script.pop(0) if self.script else None
        if error is not None:
            raise error
        self.did.append(order.piece.number)
        attempt = self.store.new_attempt(order.kind, order.key)
        (attempt / "data").write_text(str(order.piece.data))
        return self.store.publish(order.kind, order.key, attempt, notes={}, n=order.n)

    def close(self) -> None:
        self.is_closed = True
        self.thread.shutdown()


def pieces(number: int) -> Iterator[Piece]:
    for n in range(number):
        yield Piece(number=n, digest=f"hash of {n}", data=n)


def do(team: Pieces, number: int) -> dict[int, Done]:
    return {done.number: done for done in team.do("windows", {"a": 1}, [], pieces(number))}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def team(store: Store, here: Worker, *others: Worker) -> Pieces:
    waiting = list(others)
    hire: Callable[[], Worker] = lambda: waiting.pop(0)  # noqa: E731 - typed for mypy
    return Pieces(store, {}, here=lambda progress: here, others=hire, most=1 + len(others))


def test_every_piece_is_done_once_and_found_again(store: Store) -> None:
    first, second = Worker(store), Worker(store)
    done = do(team(store, first), 5)
    assert sorted(done) == [0, 1, 2, 3, 4] and first.did == [0, 1, 2, 3, 4]
    assert all(one.is_new for one in done.values()) and first.is_closed
    again = do(team(store, second), 6)
    assert second.did == [5]
    assert [again[n].is_new for n in range(6)] == [False] * 5 + [True]
    assert {n: again[n].commit.digest for n in range(5)} == {
        n: d.commit.digest for n, d in done.items()
    }


def test_nobody_is_hired_for_what_is_there(store: Store) -> None:
    do(team(store, Worker(store)), 3)
    nobody = Pieces(store, {}, here=lambda progress: pytest.fail("hired"))
    assert len(do(nobody, 3)) == 3


def test_damaged_pieces_are_done_again(store: Store) -> None:
    done = do(team(store, Worker(store)), 2)
    (store.folder(done[1].commit) / "data").unlink()
    worker = Worker(store)
    again = do(team(store, worker), 2)
    assert worker.did == [1] and again[1].commit.n == 1


def test_a_lost_hand_costs_its_piece_and_is_replaced(store: Store) -> None:
    here = Worker(store)
    lost, fresh = Worker(store, None, HandLostError("killed")), Worker(store)
    pool = Pieces(store, {}, here=lambda p: here, others=iter([lost, fresh]).__next__, most=2)
    assert sorted(do(pool, 40)) == list(range(40))
    assert sorted(here.did + lost.did + fresh.did) == list(range(40))
    assert lost.is_closed and fresh.is_closed


def test_a_piece_that_no_hand_survives_gives_up(store: Store) -> None:
    mine = [Worker(store, HandLostError("killed")) for _ in range(9)]
    waiting = iter(mine)
    pool = Pieces(store, {}, here=lambda progress: next(waiting))
    with pytest.raises(HandLostError, match="killed"):
        do(pool, 1)
    assert sum(worker.is_closed for worker in mine) == 4


def test_a_hand_that_finds_no_room_leaves_the_work_to_the_others(store: Store) -> None:
    here, absent = Worker(store), Worker(store, opens=False)
    assert len(do(team(store, here, absent), 8)) == 8
    assert len(here.did) == 8


def test_a_failure_of_the_work_ends_it(store: Store) -> None:
    worker = Worker(store, None, ValueError("bad weights"))
    with pytest.raises(ValueError, match="bad weights"):
        do(team(store, worker), 5)
    assert worker.is_closed


def test_the_next_piece_is_fetched_while_a_hand_is_at_work(store: Store) -> None:
    fetched = threading.Event()

    class Patient(Worker):
        def _do(self, order: Order) -> Commit:
            assert order.piece.number > 0 or fetched.wait(20), "the second piece was not fetched"
            return super()._do(order)

    def source() -> Iterator[Piece]:
        for piece in pieces(3):
            if piece.number == 1:
                fetched.set()
            yield piece

    found = team(store, Patient(store)).do("windows", {}, [], source())
    assert len(list(found)) == 3


def test_the_key_holds_parameters_inputs_and_data(store: Store) -> None:
    def key(params: dict[str, Any], digest: str) -> str:
        piece = Piece(number=0, digest=digest, data=0)
        [done] = team(store, Worker(store)).do("windows", params, [], [piece])
        return done.commit.key

    assert len({key({"a": 1}, "x"), key({"a": 2}, "x"), key({"a": 1}, "y")}) == 3
    assert key({"a": 1}, "x") == key({"a": 1}, "x")


def test_what_is_remembered_is_recalled_by_others_and_superseded(store: Store) -> None:
    def mine() -> Pieces:
        return team(store, Worker(store))

    assert mine().recall({"what": 1}) is None
    mine().remember({"what": 1}, 512)
    mine().remember({"what": 1}, 256)
    assert mine().recall({"what": 1}) == 256
    assert mine().recall({"what": 2}) is None
