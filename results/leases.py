"""Leases: two drivers that share a store do not compute one artifact twice.

They only save work, and nothing is wrong where one fails: what makes a store safe is the exclusive
commit. A driver that has work in hand leaves a file per artifact, and one file with a counter that
it raises now and then. Who finds an artifact leased watches that counter: a driver whose counter
stands still for `TTL_S` by the watcher's own monotonic clock is dead, and its leases are free. No
two clocks are compared, so one that is wrong or jumps does no harm. A driver of the same machine
whose process is gone is known to be dead at once.

Layout::

    drivers/<driver>.json         counter and process of a driver, gone when it has ended
    leases/<kind>/<key>.<g>.json  created exclusively, the highest g holds
"""

import json
import os
import socket
import time
import uuid
from dataclasses import dataclass
from typing import Any

from results.processes import is_gone, this_process
from results.store import Store

BEAT_S = 15.0
"""A driver's counter is raised once in so many seconds."""

TTL_S = 120.0
"""A counter that stands still for so long is a dead driver's; above what NFS clients remember."""


def new_owner() -> str:
    """Name a driver: its host for people, and something that no other has."""
    host = "".join(char if char.isalnum() or char in "-." else "-" for char in socket.gethostname())
    return f"{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


class Leases:
    """The leases of one driver.

    Attributes:
        owner: the driver.
    """

    def __init__(
        self, store: Store, *, owner: str, beat_s: float = BEAT_S, ttl_s: float = TTL_S
    ) -> None:
        """Say that the driver is alive.

        Args:
            store: the store that it shares with others.
            owner: names this driver and no other, see `new_owner`.
            beat_s: seconds between two signs of life, at least.
            ttl_s: seconds without one after which another driver is taken for dead.
        """
        self.owner = owner
        self._files = store.files
        self._beat_s = beat_s
        self._ttl_s = ttl_s
        self._counter = 0
        self._beaten = 0.0
        self._held: dict[tuple[str, str], str] = {}
        self._watched: dict[str, tuple[int | None, float]] = {}  # driver -> counter, since when
        self._write()

    def take(self, kind: str, key: str) -> bool:
        """Lease an artifact; False where another driver that is alive has it.

        Whoever gets a lease looks in the store once more: its last holder may just have finished.
        """
        if (kind, key) in self._held:
            return True
        taken = self._generations(kind, key)
        generation = max(taken, default=-1)
        if taken and self._is_held(f"leases/{kind}/{key}.{generation}.json"):
            return False
        name = f"leases/{kind}/{key}.{generation + 1}.json"
        made = self._files.create(name, self.owner.encode(), durable=False)
        if not made and self._holder(name) != self.owner:
            return False  # another driver was quicker
        self._held[kind, key] = name
        for dead in taken:
            self._files.remove(f"leases/{kind}/{key}.{dead}.json")
        return True

    def release(self, kind: str, key: str) -> None:
        """Give a lease back; nothing where there is none."""
        if (name := self._held.pop((kind, key), None)) is not None:
            self._files.remove(name)

    def beat(self) -> None:
        """Say that the driver is alive, if it has not been said lately; call it often."""
        if time.monotonic() - self._beaten >= self._beat_s:
            self._write()

    def close(self) -> None:
        """Give everything back."""
        for kind, key in list(self._held):
            self.release(kind, key)
        self._files.remove(f"drivers/{self.owner}.json")

    def _write(self) -> None:
        self._counter += 1
        self._beaten = time.monotonic()
        sign = {"counter": self._counter, "host": socket.gethostname(), **this_process()}
        self._files.replace(f"drivers/{self.owner}.json", json.dumps(sign).encode())

    def _generations(self, kind: str, key: str) -> list[int]:
        parts = [name.rsplit(".", 2) for name in self._files.names(f"leases/{kind}")]
        return [int(part[1]) for part in parts if part[0] == key and part[1].isdigit()]

    def _holder(self, name: str) -> str | None:
        try:
            return self._files.read(name).decode()
        except FileNotFoundError:
            return None

    def _is_held(self, name: str) -> bool:
        """Whether a lease is that of another driver that is alive, as far as is known."""
        driver = self._holder(name)
        if driver is None or driver == self.owner:
            return False
        sign = read_sign(self._files, driver)
        if sign is not None and sign.is_dead:
            return False
        counter = None if sign is None else sign.counter
        known, since = self._watched.get(driver, (None, -1.0))
        if driver not in self._watched or counter != known:
            self._watched[driver] = (counter, time.monotonic())
            return True
        return time.monotonic() - since < self._ttl_s


@dataclass(frozen=True)
class Sign:
    """What a driver says of itself.

    Attributes:
        counter: how often it has said so.
        host: the machine it runs on, for people.
        is_dead: whether it ran on this machine and its process is gone.
    """

    counter: int
    host: str
    is_dead: bool


def read_sign(files: Any, driver: str) -> Sign | None:
    """Read what a driver says of itself; None where it says nothing (any more)."""
    try:
        content = json.loads(files.read(f"drivers/{driver}.json"))
        return Sign(int(content["counter"]), str(content["host"]), is_gone(content))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
