"""What a benchmark prints: one JSON object per line, nothing else on standard output."""

import json
from pathlib import Path
from typing import Any

from jobs.process import hardware, versions


def emit(
    figure: str, value: Any, *, goal: str | None = None, met: bool | None = None, **conditions: Any
) -> None:
    """Print a figure with its goal, whether it is met, and under which conditions it holds."""
    _print(figure=figure, value=value, goal=goal, met=met, conditions=conditions)


def unmeasured(figure: str, *, reason: str, goal: str | None = None, **conditions: Any) -> None:
    """Print a figure that could not be measured, and why; it is not met."""
    _print(figure=figure, value=None, reason=reason, goal=goal, met=False, conditions=conditions)


def peak_bytes() -> int:
    """Read the most memory that this process has held; getrusage counts its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _print(*, conditions: dict[str, Any], **line: Any) -> None:
    machine = {"hardware": hardware(), "versions": versions()}
    print(json.dumps({**line, "conditions": {**machine, **conditions}}), flush=True)
