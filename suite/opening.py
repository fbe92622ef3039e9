"""What every command on a suite opens first: its store, its file, its jobs."""

import contextlib
from pathlib import Path
from typing import Literal

from results.hashing import HashCache
from results.store import Store
from suite.node import Node
from suite.plan import make_plan
from suite.spec import Suite, read


def open_store(uri: str | None, workdir: Path, *, writable: bool) -> Store:
    """Open the store that the user named, or the one of the folder of runs.

    Raises:
        InputError: it cannot be reached or used.
    """
    return Store(uri or workdir / "store").checked(writable=writable)


def read_suite(path: Path, workdir: Path, *, tiny: bool) -> Suite:
    """Read a suite file; with `tiny` what is left of it in a rehearsal.

    Raises:
        InputError: anything wrong with the file or with what it says.
    """
    suite = read(path)
    if not tiny:
        return suite
    from suite.tiny import rehearsal

    return rehearsal(suite, workdir / "tiny")


def plan_jobs(
    suite: Suite,
    store: Store,
    workdir: Path,
    *,
    weights: Literal["needed", "optional"] = "needed",
) -> list[Node]:
    """List a suite's jobs; hashes of files are remembered in the store, if that is a folder.

    Raises:
        InputError: the suite cannot be planned.
    """
    cache = HashCache((workdir if store.is_remote else store.root) / "file-hashes.json")
    nodes = make_plan(suite, cache.hash, weights=weights)
    with contextlib.suppress(OSError):  # a cache on a read-only store only costs time
        cache.save()
    return nodes
