"""The process a job runs in: what it is given, held to and measured by."""

import contextlib
import faulthandler
import functools
import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TextIO

from pydantic import JsonValue

from jobs.measuring import measuring
from jobs.task import Task
from results.records import Costs

_DUMP_BEFORE_S = 10.0

PACKAGES = (
    "numpy",
    "pandas",
    "ray",
    "scikit-learn",
    "tokenizers",
    "torch",
    "transformers",
    "xgboost",
)


def measured(work: Callable[[], dict[str, JsonValue]]) -> Costs:
    """Do some work and say what it cost; what it returns are figures of its own."""
    with measuring() as cost:
        extra = work()
    return Costs(
        wall_s=round(cost.wall_s, 3),
        cpu_s=round(cost.cpu_s, 3),
        peak_rss_bytes=cost.peak_rss_bytes,
        peak_device_bytes=cost.peak_device_bytes or None,
        extra=extra,
    )


def notes(task: Task, costs: Costs, started: datetime) -> dict[str, JsonValue]:
    """Say where and how an artifact was made; it stands in the commit, beside the payload."""
    return {
        "costs": costs.model_dump(),
        "started_utc": started.isoformat(timespec="seconds"),
        "versions": dict(versions()),
        "hardware": hardware(),
        "job": task.id,
        "log": str(task.log),
    }


@contextlib.contextmanager
def environment(task: Task) -> Iterator[None]:
    """Give the job its secrets, and sight of a GPU only where it is to run on one."""
    changes = dict(task.secrets)
    if task.params.get("device", "cpu") == "cpu":
        changes["CUDA_VISIBLE_DEVICES"] = ""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        _restore(before)


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@contextlib.contextmanager
def limited(count: int) -> Iterator[None]:
    """Hold OpenMP, BLAS and torch to the CPUs granted (read at import, set where imported)."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(count)), TOKENIZERS_PARALLELISM="false")
    torch = sys.modules.get("torch")
    torch_before = torch.get_num_threads() if torch else count
    if torch:
        torch.set_num_threads(count)
    try:
        with _pools(len(sys.modules)).limit(limits=count):
            yield
    finally:
        if torch:
            torch.set_num_threads(torch_before)
        _restore(before)


@functools.lru_cache(maxsize=1)
def _pools(modules: int) -> Any:
    """Find the thread pools of the libraries that are loaded; as long as nothing is imported once.

    Finding them reads the map of the whole process: 3 ms, for each of a thousand small jobs.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextlib.contextmanager
def captured(log: Path, head: str = "") -> Iterator[TextIO]:
    """Send what the job and its libraries print to the job's log file, native code included.

    Args:
        log: the file; what is in it stays.
        head: a line to begin with.

    Yields:
        The open file.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    try:
        with (
            log.open("a", encoding="utf-8", buffering=1) as stream,
            contextlib.redirect_stdout(stream),
            contextlib.redirect_stderr(stream),
        ):
            stream.write(head)
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
            try:
                yield stream
            except Exception:
                traceback.print_exc()
                raise
    finally:
        for handle, target in zip(saved, (1, 2), strict=True):
            os.dup2(handle, target)
            os.close(handle)


@contextlib.contextmanager
def watched(limit_s: float | None, log: TextIO) -> Iterator[None]:
    """Shortly before a job's time is up, note in its log where all its threads are."""
    if limit_s is None:
        yield
        return
    faulthandler.dump_traceback_later(limit_s - min(_DUMP_BEFORE_S, limit_s / 10), file=log)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of the packages whose code decides numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


@functools.cache
def hardware() -> str:
    """Name this machine's processor, cores and memory in one line."""
    import psutil

    model = platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    memory_gib = psutil.virtual_memory().total / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory_gib:.0f} GiB"
