"""What a piece of work took: seconds, and the most memory on the host and on the accelerator.

A process does one job after another, and its peaks are of all of them: so they are set back when
something begins to be measured. What is measured already, a job that does its pieces in its own
process, is told the peak up to then first. `getrusage` will not do: it knows no setting back, and
in a new process it starts from the peak of the one that made it.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # man proc_pid_clear_refs, since Linux 4.0


@dataclass
class Measured:
    """What some work took; complete when it has ended.

    Attributes:
        wall_s: seconds that went by.
        cpu_s: user plus system seconds of the process.
        peak_rss_bytes: peak resident memory of the process; what was held before counts as far as
            it is held still, since it is part of what has to fit.
        peak_device_bytes: peak memory allocated on the accelerator used most; 0 without one.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    peak_device_bytes: int = 0


_lock = threading.Lock()
_open: list[Measured] = []


@contextlib.contextmanager
def measuring() -> Iterator[Measured]:
    """Measure what is done within; one may be measured within another."""
    one = Measured()
    with _lock:
        _note()
        _reset()
        _open.append(one)
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield one
    finally:
        one.wall_s += time.perf_counter() - wall
        one.cpu_s += time.process_time() - cpu
        with _lock:
            _note()
            _open[:] = [other for other in _open if other is not one]


@contextlib.contextmanager
def uncounted() -> Iterator[None]:
    """Leave the seconds within out of all that is measured: they are no cost of the work itself."""
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        with _lock:
            for one in _open:
                one.wall_s -= time.perf_counter() - wall
                one.cpu_s -= time.process_time() - cpu


def _note() -> None:
    """Tell all that is measured the peaks since they were last set back."""
    rss_bytes, device_bytes = _peak_rss_bytes(), _peak_device_bytes()
    for one in _open:
        one.peak_rss_bytes = max(one.peak_rss_bytes, rss_bytes)
        one.peak_device_bytes = max(one.peak_device_bytes, device_bytes)


def _reset() -> None:
    with contextlib.suppress(OSError):  # not allowed everywhere; the peak is then the process's
        _CLEAR.write_text(_RESET_PEAK)
    for device in _devices():
        sys.modules["torch"].cuda.reset_peak_memory_stats(device)


def _peak_rss_bytes() -> int:
    try:
        lines = _STATUS.read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):  # no Linux
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _peak_device_bytes() -> int:
    """Return the peak of the device that was used most; 0 where none was."""
    used = [sys.modules["torch"].cuda.max_memory_allocated(device) for device in _devices()]
    return max(map(int, used), default=0)


def _devices() -> range:
    """Number the accelerators that this process has begun to use; nothing is begun by asking."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return range(0)
    return range(torch.cuda.device_count())
