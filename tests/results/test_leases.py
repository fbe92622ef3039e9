"""Leases: one driver at a time, a dead one's are free, and no clock is asked the time."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace

import pytest
from object_store import BUCKET, service

from results import leases
from results.leases import Leases, new_owner, read_sign
from results.store import Store


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with service():
        yield f"s3://{BUCKET}"


@pytest.fixture(params=["folder", "service"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Store(tmp_path / "store")
    address = request.getfixturevalue("address")
    return Store(f"{address}/{uuid.uuid4().hex}", cache=tmp_path / "cache")


def _left(store: Store) -> list[str]:
    return sorted(e.path for e in store.files.walk("") if e.path.startswith(("leases", "drivers")))


def test_one_driver_at_a_time_and_nothing_is_left(store: Store) -> None:
    one, two = Leases(store, owner=new_owner()), Leases(store, owner=new_owner())
    assert one.take("embed", "k") and one.take("embed", "k"), "it has it already"
    assert not two.take("embed", "k")
    assert two.take("embed", "other") and two.take("split", "k")
    one.release("embed", "k")
    one.release("embed", "never taken")
    assert two.take("embed", "k") and not one.take("embed", "k")
    one.close()
    two.close()
    assert _left(store) == []


_DRIVER = """
import sys, time
from results.leases import Leases
from results.store import Store
held = Leases(Store(sys.argv[1]), owner=sys.argv[2])
print(held.take("embed", "k"), flush=True)
time.sleep(600)
"""


def test_a_driver_killed_on_this_machine_frees_its_leases_at_once(store: Store) -> None:
    words = [sys.executable, "-c", _DRIVER, store.uri, "one"]
    driver = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    try:
        assert driver.stdout.readline() == "True\n"
        two = Leases(store, owner="two")
        assert not two.take("embed", "k")
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.stdout.close()
    while (sign := read_sign(store.files, "one")) is not None and not sign.is_dead:
        time.sleep(0.01)
    assert two.take("embed", "k"), "also while it is a zombie"
    driver.wait()
    assert _left(store) == ["drivers/one.json", "drivers/two.json", "leases/embed/k.1.json"]


def _move_elsewhere(store: Store, driver: str) -> None:
    """Make a driver one of another machine, where its process cannot be looked at."""
    name = f"drivers/{driver}.json"
    sign = json.loads(store.files.read(name))
    store.files.replace(name, json.dumps({**sign, "boot": "another"}).encode())


def test_a_driver_elsewhere_is_dead_once_its_counter_has_stood_still(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the clock on the wall says is of no matter, here or there."""
    now = 1000.0
    monkeypatch.setattr(leases, "time", SimpleNamespace(monotonic=lambda: now))
    one = Leases(store, owner="one")
    two = Leases(store, owner="two")
    assert one.take("embed", "k")
    _move_elsewhere(store, "one")
    assert not two.take("embed", "k"), "seen for the first time"
    now += leases.TTL_S - 1
    assert not two.take("embed", "k")
    one.beat()
    _move_elsewhere(store, "one")
    now += leases.TTL_S - 1
    assert not two.take("embed", "k"), "it has been heard of since"
    now += leases.TTL_S - 1
    assert not two.take("embed", "k"), "the counter that is new counts from when it was seen"
    now += 2
    assert two.take("embed", "k")


def test_files_dated_wrongly_change_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    one, two = Leases(store, owner="one"), Leases(store, owner="two")
    assert one.take("embed", "k")
    _move_elsewhere(store, "one")
    for path in tmp_path.rglob("*.json"):
        os.utime(path, (0, 0))
    assert not two.take("embed", "k")
    for path in tmp_path.rglob("*.json"):
        os.utime(path, (4e9, 4e9))
    assert not two.take("embed", "k")


def test_signs_of_life_are_written_rarely(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(leases, "time", SimpleNamespace(monotonic=lambda: now))
    one = Leases(store, owner="one")
    counters = []
    for _ in range(61):
        one.beat()
        sign = read_sign(store.files, "one")
        counters.append(sign.counter if sign else None)
        now += 1
    assert counters[0] == 1 and counters[-1] == 1 + 60 // int(leases.BEAT_S)


def _race(uri: str, together: Barrier, name: str, rounds: int) -> list[str]:
    """Take what the others want too, each at the same moment; the losers let the winner finish."""
    mine, won = Leases(Store(uri), owner=name), []
    for key in map(str, range(rounds)):
        together.wait()
        if mine.take("embed", key):
            won.append(key)
        together.wait()
        mine.release("embed", key)
    mine.close()
    return won


def test_of_racing_processes_one_gets_each_lease(tmp_path: Path) -> None:
    """Even where the one before has died and all see it."""
    store = Store(tmp_path)
    dead = Leases(store, owner="dead")
    assert all(dead.take("embed", str(key)) for key in range(0, 100, 2))
    sign = json.loads(store.files.read("drivers/dead.json"))
    store.files.replace("drivers/dead.json", json.dumps({**sign, "started": 1}).encode())
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(3) as pool:
        orders = [(store.uri, manager.Barrier(3), f"driver-{i}", 100) for i in range(3)]
        orders = [(uri, orders[0][1], name, rounds) for uri, _, name, rounds in orders]
        won = pool.starmap(_race, orders)
    assert sorted(key for keys in won for key in keys) == sorted(map(str, range(100)))
    assert _left(store) == ["drivers/dead.json"]
