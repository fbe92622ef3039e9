"""Do all nodes see the driver's store? One that does not would compute everything again for ever.

The driver writes a nonce into the store, and whoever works for it must be able to read it.
"""

import secrets
import socket
from typing import Any

from results.errors import InputError
from results.store import Store

_FOLDER = "probe"
_WAIT_S = 60.0
_seen: dict[str, bool] = {}


def leave_nonce(store: Store) -> str:
    """Write a new nonce into the store; returns its name."""
    nonce = f"{_FOLDER}/{secrets.token_hex(8)}"
    store.files.create(nonce, nonce.encode(), durable=False)
    return nonce


def remove_nonce(store: Store, nonce: str) -> None:
    """Take the nonce away."""
    store.files.remove(nonce)


def fault(store: Store, nonce: str) -> str | None:
    """Say that this machine does not see the nonce; looked for once in each process."""
    if nonce not in _seen:
        try:
            _seen[nonce] = store.files.read(nonce) == nonce.encode()
        except OSError:
            _seen[nonce] = False
    if _seen[nonce]:
        return None
    return (
        f"node {socket.gethostname()} does not see the store {store.uri} as the driver does; "
        f"mount one file system on all nodes, or pass --store with an address that all can reach"
    )


def look(store: Store, nonce: str) -> str | None:
    """The same as a Ray task."""
    return fault(store, nonce)


def refuse_strangers(ray: Any, store: Store, nonce: str) -> None:
    """Let every node of the cluster read the nonce.

    Raises:
        InputError: a node cannot.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    home = ray.get_runtime_context().get_node_id()
    task = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(look)
    answers = [
        task.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(store, nonce)
        for node in ray.nodes()
        if node["Alive"] and node["NodeID"] != home
    ]
    done, _ = ray.wait(answers, num_returns=len(answers), timeout=_WAIT_S) if answers else ([], [])
    for answer in done:
        try:
            found = ray.get(answer)
        except ray.exceptions.RayError:  # it is gone, or going; its jobs would be tried elsewhere
            continue
        if found is not None:
            raise InputError(found)
