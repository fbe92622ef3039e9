"""Damage to a store between two runs: what a crash, a full disk or a hand may leave."""

import json
import random
from pathlib import Path

from faults.batch import PARTS


def truncate(store: Path, rng: random.Random) -> tuple[str, str]:
    """Cut a file of a random artifact in half; returns the artifact's kind and key."""
    path, artifact = _file(store, rng)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return artifact


def delete(store: Path, rng: random.Random) -> tuple[str, str]:
    """Delete a file of a random artifact."""
    path, artifact = _file(store, rng)
    path.unlink()
    return artifact


def halve_commit(store: Path, rng: random.Random) -> tuple[str, str]:
    """Cut a random commit in half."""
    path = rng.choice(commits(store))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path.parts[-3], path.parts[-2]


def commits(store: Path) -> list[Path]:
    """Return the commits of whole artifacts."""
    found = sorted(store.glob("*/*/COMMIT.*.json"))
    return [path for path in found if path.parts[-3] not in PARTS]


def _file(store: Path, rng: random.Random) -> tuple[Path, tuple[str, str]]:
    """Choose a file of an artifact that holds something."""
    commit = json.loads(rng.choice(commits(store)).read_text())
    folder = store / commit["kind"] / commit["key"] / "attempts" / commit["attempt"]
    name = rng.choice([file["path"] for file in commit["files"] if file["size"] > 1])
    return folder / name, (commit["kind"], commit["key"])
