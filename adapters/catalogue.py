"""Named models (filled by its owner)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One named model."""

    family: str
    checkpoint: str
    context: int
    licence: str
    gated: bool
    config: Mapping[str, Any]


ENTRIES: dict[str, Entry] = {}


def by_checkpoint(name: str) -> Entry | None:
    """Find the entry of a hub name."""
    return next((entry for entry in ENTRIES.values() if entry.checkpoint == name), None)
