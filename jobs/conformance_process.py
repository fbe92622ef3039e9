"""The vectors of an adapter's test documents, computed in a process of its own.

    python -m jobs.conformance_process < requests.json

Each request holds `name`, `settings`, `device`, `precision`, `threads` and `out`, the file that the
vectors go to; one process can serve several.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jobs.conformance_subject import Broken, Subject


def compute_elsewhere(requests: Sequence[dict[str, Any]]) -> None:
    """Have a fresh process write the vectors of each request to its `out`.

    Raises:
        Broken: the process failed; the last line it said.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "jobs.conformance_process"],
        input=json.dumps(list(requests)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing said"]
        raise Broken(f"exit status {done.returncode}: {said[-1]}")


def request(subject: Subject, out: Path) -> dict[str, Any]:
    """Describe a subject so that another process can make it again."""
    import torch

    return {
        "name": subject.name,
        "settings": dict(subject.settings),
        "device": subject.device,
        "precision": subject.asked,
        "threads": torch.get_num_threads(),
        "out": str(out),
    }


def _serve(wanted: dict[str, Any]) -> None:
    import torch

    torch.set_num_threads(wanted["threads"])
    out = Path(wanted["out"])
    subject = Subject(
        wanted["name"], wanted["settings"], wanted["device"], wanted["precision"], out.parent
    )
    np.save(out, subject.vectors)


if __name__ == "__main__":
    for one in json.load(sys.stdin):
        _serve(one)
