"""What fixtures of several scopes are made of: a small corpus, and the command line."""

import subprocess
import sys
from pathlib import Path

_SIGNS = {"disk": "sector 0x{n:x} unreadable", "net": "link 10.0.0.{n} down", "ok": "job {n} done"}


def write_logs(root: Path) -> Path:
    """Write 14 logs for each of three classes; one line in each log tells its class."""
    for label, sign in _SIGNS.items():
        (root / label).mkdir(parents=True)
        for number in range(14):
            lines = [f"I: step {step} of {number} took {step * 7} ms" for step in range(6)]
            lines.insert(number % 6, f"C: {sign.format(n=number + 1)}")
            (root / label / f"{number}.log").write_text("\n".join(lines) + "\n")
    return root


def run_logmark(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "suite.cli", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
