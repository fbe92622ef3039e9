"""What tells a process from every other, so that another one can see whether it still runs."""

import os
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """What tells this process from every other; empty where /proc is not there to ask."""
    started, boot = _started(os.getpid()), _boot()
    return {} if started is None else {"boot": boot, "pid": os.getpid(), "started": started}


def is_gone(sign: dict[str, Any]) -> bool:
    """Whether what `this_process` told of ran since this machine was started, and has ended."""
    if "pid" not in sign or sign["boot"] != _boot():
        return False
    return bool(_started(int(sign["pid"])) != sign["started"])


@cache
def _boot() -> str:
    """Name this start of the machine and the space of its process numbers (containers differ)."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return f"unknown {uuid.uuid4().hex}"


def _started(pid: int) -> int | None:
    """When a process started, in ticks since the machine did; None where it runs no more."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])
