"""Synthetic kinds of job: they take a known time, or fail in a known way. Never in the product.

Every one of them takes `light` among its parameters: whether it may share a worker with others.
"""

import errno
import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

from bare_tasks import compute

from jobs.job import Context, Kind
from results.errors import InputError

NAMES = ("late", "nothing", "sleep", "spin", "threads", "trouble")


def register(kinds: dict[str, Kind]) -> None:
    """Add the synthetic kinds to a registry."""
    for name in NAMES:
        kinds[name] = Kind(
            name=name,
            version=1,
            function=f"synthetic_jobs:{name}",
            modules=(),
            is_light=lambda params: bool(params["light"]),
        )


def nothing(params: Any, inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Write a file."""
    (out / "done").write_text(str(params.get("number")))
    return {}


def sleep(params: Any, inputs: Any, out: Path, context: Context) -> dict[str, Any]:
    """Wait for `seconds`."""
    time.sleep(params["seconds"])
    return nothing(params, inputs, out, context)


def spin(params: Any, inputs: Any, out: Path, context: Context) -> dict[str, Any]:
    """Compute for `seconds` of this thread's time."""
    compute(params["seconds"])
    return nothing(params, inputs, out, context)


def threads(params: Any, inputs: Any, out: Path, context: Context) -> dict[str, Any]:
    """Write how many threads the numeric libraries would use, and a product they computed."""
    import numpy as np
    from sklearn.cluster import KMeans  # brings OpenMP
    from threadpoolctl import threadpool_info

    KMeans(2, n_init=1, random_state=0).fit(np.arange(64.0).reshape(32, 2))
    pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()}
    if params.get("torch"):
        import torch

        pools["torch"] = torch.get_num_threads()
    (out / "threads.json").write_text(json.dumps(pools, sort_keys=True))
    rows = np.random.default_rng(0).standard_normal((300, 300))
    np.save(out / "product.npy", rows @ rows.T)
    return {"pid": os.getpid()}


def late(params: Any, inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Lose the worker between the job's commit and its answer."""

    def lose() -> None:
        while not any(out.parents[1].glob("COMMIT.*")):
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    Thread(target=lose, daemon=True).start()
    return nothing(params, inputs, out, context)


def trouble(params: Any, inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Fail in the way that `how` names, as long as `times` attempts have not; then do nothing."""
    marks = Path(context.local["path"])
    marks.mkdir(parents=True, exist_ok=True)
    attempt = len(list(marks.iterdir()))
    (marks / f"{attempt}-{os.getpid()}").touch()
    context.progress(0.25, "of the trouble")
    if attempt < params["times"]:
        TROUBLES[params["how"]](inputs)
    return nothing(params, inputs, out, context)


def _die(inputs: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(inputs: Any) -> None:
    time.sleep(3600)


def _memory(inputs: Any) -> None:
    raise MemoryError("cannot allocate 1 TiB")


def _disk(inputs: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/data/x")


def _mistake(inputs: Any) -> None:
    raise ZeroDivisionError("a mistake of the job's own")


def _input(inputs: Any) -> None:
    raise InputError("x.log, line 3: mend this")


def _damage(inputs: Mapping[str, Path]) -> None:
    for folder in inputs.values():
        (folder / "done").write_text("damaged, and longer")


TROUBLES = {
    "damage": _damage,
    "die": _die,
    "disk": _disk,
    "hang": _hang,
    "input": _input,
    "memory": _memory,
    "mistake": _mistake,
}
