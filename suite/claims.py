"""Several runs on one store: who computes an artifact that all of them need.

A claim only saves work (`results.leases`). Without it two runs would both compute, and the commit
of the one that is first would stand.
"""

import time
from dataclasses import replace

from jobs.task import Task
from results.leases import Leases, new_owner
from results.store import Commit, Found, Store

_ASK_EVERY_S = 2.0


class Claims:
    """This run's claims, and the jobs that another run has claimed."""

    def __init__(self, store: Store, leases: Leases) -> None:
        """Claim artifacts of `store` by `leases`."""
        self._store = store
        self._leases = leases
        self._elsewhere: list[Task] = []
        self._asked = 0.0

    @property
    def elsewhere(self) -> list[Task]:
        """The jobs that another run is computing."""
        return self._elsewhere

    def take(self, task: Task) -> Task | Commit | None:
        """Claim a job's artifact.

        Returns:
            The task, to be run now; the commit, where another run has made it since the board
            looked; None where another run is at it, which `waited` follows.
        """
        if not self._leases.take(task.kind, task.key):
            self._elsewhere.append(task)
            return None
        found = self._store.find(task.kind, task.key)
        if (commit := _wanted(found, task)) is not None:
            self.release(task)
            return commit
        return replace(task, n=max(task.n, found.n))

    def made(self, task: Task) -> Commit | None:
        """Return the commit of a claimed job, which may have been lost after it was made."""
        return _wanted(self._store.find(task.kind, task.key), task)

    def release(self, task: Task) -> None:
        """Give a claim up: its job has ended."""
        self._leases.release(task.kind, task.key)

    def beat(self) -> list[Task]:
        """Say that this run lives; returns the jobs elsewhere that should be claimed again now."""
        self._leases.beat()
        now = time.monotonic()
        if now - self._asked < _ASK_EVERY_S:
            return []
        self._asked = now
        again, self._elsewhere = self._elsewhere, []
        return again

    def close(self) -> None:
        """Give all claims up."""
        self._leases.close()


def _wanted(found: Found, task: Task) -> Commit | None:
    commit = found.commit
    return commit if commit is not None and commit.n >= task.n else None


def claims(store: Store, owner: str | None = None) -> Claims:
    """Begin to claim for this process; `owner` is the name that it has in the store already."""
    return Claims(store, Leases(store, owner=owner or new_owner()))
