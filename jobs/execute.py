"""Run one job and publish what it made; the part of the engine that needs no scheduler.

`execute` is called inside a Ray worker by `suite/scheduler.py` and directly by tests. It limits
threads, keeps the job's output in a log file, measures costs and turns every failure into one plain
`JobError` that survives the trip back to the driver.
"""

import contextlib
import json
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue

from jobs.job import Context
from jobs.registry import KINDS
from jobs.scratch import held
from results.errors import InputError
from results.hashing import write_atomically
from results.records import Costs
from results.store import Commit, Store

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


class JobError(Exception):
    """A job failed; `fault` says whose error it was.

    Holds one text only, so that it can be pickled and raised again in another process.
    """

    def __init__(self, text: str) -> None:
        """Take the JSON text of `fault`, `message` and `traceback`."""
        super().__init__(text)
        content = json.loads(text)
        self.fault: Literal["input", "code"] = content["fault"]
        self.message: str = content["message"]
        self.traceback: str = content["traceback"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """Everything a worker needs to make one artifact; all of it small and picklable.

    Attributes:
        id: the job's name in its plan, for messages.
        inputs: input name -> commit to read.
        threads: CPU threads granted, to each worker.
        n: number of the commit to create.
        workers: processes that share the job.
        secrets: environment variables for the job that stand in no log, record or artifact.
    """

    id: str
    kind: str
    key: str
    params: dict[str, Any]
    store: Path
    log: Path
    threads: int
    inputs: Mapping[str, Commit] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict)
    n: int = 0
    workers: int = 1
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def execute(task: Task, *, started: Callable[[Path], object] = lambda scratch: None) -> Commit:
    """Run a job in this process and publish its artifact.

    Where the process dies, or the job fails through no fault of its input, its scratch folder
    stays, and the next attempt finds there what this one had done.

    Args:
        task: what to run.
        started: told the job's scratch folder before it runs.

    Raises:
        JobError: the job's own failure, wrapped.
    """
    store = Store(task.store)
    attempt = store.new_attempt(task.kind, task.key)
    utc = datetime.now(UTC)
    with held(store.scratch(task.kind, task.key)) as scratch:
        try:
            started(scratch.files)
            with _captured(task.log), _environment(task), _threads(task.threads):
                costs = _measured(task, attempt, scratch.files)
            notes: dict[str, JsonValue] = {
                "costs": costs.model_dump(),
                "started_utc": utc.isoformat(timespec="seconds"),
                "versions": dict(versions()),
                "hardware": hardware(),
                "job": task.id,
                "log": str(task.log),
            }
            commit = store.publish(task.kind, task.key, attempt, notes=notes, n=task.n)
        except InputError as error:
            shutil.rmtree(attempt, ignore_errors=True)
            scratch.clear()
            raise _wrapped("input", error) from None
        except Exception as error:  # noqa: BLE001 - whatever a job raises is reported, never lost
            shutil.rmtree(attempt, ignore_errors=True)
            raise _wrapped("code", error) from None
        scratch.clear()
        return commit


def assist(task: Task, scratch: Path) -> None:
    """Run a job as one of several workers, beside the one that executes and publishes it.

    Args:
        task: the same as the publishing worker's.
        scratch: the publishing worker's scratch folder.

    Raises:
        JobError: the job's own failure, wrapped.
    """
    context = Context(scratch=scratch, local=task.local)
    try:
        with (
            tempfile.TemporaryDirectory() as out,
            _captured(task.log),
            _environment(task),
            _threads(task.threads),
        ):
            KINDS[task.kind].load()(task.params, _inputs(task), Path(out), context)
    except InputError as error:
        raise _wrapped("input", error) from None
    except Exception as error:  # noqa: BLE001 - whatever a job raises is reported, never lost
        raise _wrapped("code", error) from None


def _wrapped(fault: str, error: Exception) -> JobError:
    text = str(error) if fault == "input" else f"{type(error).__name__}: {error}"
    first_line = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    trace = "".join(traceback.format_exception(error))
    return JobError(json.dumps({"fault": fault, "message": first_line, "traceback": trace}))


def _inputs(task: Task) -> dict[str, Path]:
    store = Store(task.store)
    return {name: store.folder(commit) for name, commit in task.inputs.items()}


def _measured(task: Task, attempt: Path, scratch: Path) -> Costs:
    wall, cpu = time.perf_counter(), time.process_time()
    heartbeat = task.log.with_suffix(".progress")
    beat = _Heartbeat(heartbeat)
    beat(0.0, "")
    context = Context(scratch=scratch, local=task.local, progress=beat)
    try:
        extra = KINDS[task.kind].load()(task.params, _inputs(task), attempt, context)
    finally:
        heartbeat.unlink(missing_ok=True)
    return Costs(
        wall_s=round(time.perf_counter() - wall, 3),
        cpu_s=round(time.process_time() - cpu, 3),
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        peak_device_bytes=_peak_device_bytes(),
        extra=extra,
    )


class _Heartbeat:
    """Writes a job's progress where the driver can read it, at most twice a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = 0.0

    def __call__(self, share: float, text: str) -> None:
        now = time.monotonic()
        if now - self._last > 0.5:
            self._last = now
            write_atomically(self._path, json.dumps({"share": share, "text": text}))


def _peak_device_bytes() -> int | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return int(torch.cuda.max_memory_allocated())


@contextlib.contextmanager
def _environment(task: Task) -> Iterator[None]:
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
def _threads(count: int) -> Iterator[None]:
    """Hold OpenMP, BLAS and torch to the CPUs granted (read at import, set where imported)."""
    from threadpoolctl import threadpool_limits

    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(count)), TOKENIZERS_PARALLELISM="false")
    torch = sys.modules.get("torch")
    torch_before = torch.get_num_threads() if torch else count
    if torch:
        torch.set_num_threads(count)
    try:
        with threadpool_limits(limits=count):
            yield
    finally:
        if torch:
            torch.set_num_threads(torch_before)
        _restore(before)


@contextlib.contextmanager
def _captured(log: Path) -> Iterator[None]:
    """Send what the job and its libraries print to the job's log file, native code included."""
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
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
            try:
                yield
            except Exception:
                traceback.print_exc()
                raise
    finally:
        for handle, target in zip(saved, (1, 2), strict=True):
            os.dup2(handle, target)
            os.close(handle)


def versions() -> dict[str, str]:
    """Return the versions of the packages whose code decides numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def hardware() -> str:
    """Name this machine's processor, cores and memory in one line."""
    import psutil

    model = platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    memory_gib = psutil.virtual_memory().total / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory_gib:.0f} GiB"
