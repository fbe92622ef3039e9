"""What every benchmark prints: one JSON object a line, and nothing else on standard output."""

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = ("torch", "transformers", "bitsandbytes", "ray", "scikit-learn")


def emit(
    figure: str,
    value: float | None,
    *,
    goal: str | None = None,
    met: bool | None = None,
    reason: str | None = None,
    **conditions: Any,
) -> None:
    """Print one figure.

    Args:
        figure: what was measured.
        value: a number, None where it could not be measured.
        goal: what it was to reach, None where it is only reported.
        met: whether it did; None without a goal.
        reason: why there is no value.
        conditions: sizes, settings and hardware that the value holds for.
    """
    content = {"figure": figure, "value": value, "goal": goal, "met": met}
    if value is None:
        content |= {"reason": reason, "met": False}
    content["conditions"] = {**machine(), **conditions}
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def machine() -> dict[str, Any]:
    """Describe this machine and the versions that matter."""
    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
