"""Which checkpoints of an interrupted training can be trusted.

A checkpoint counts only once its marker stands beside its files: written last and by renaming, it
holds their sha256 and what the training was. Anything else is removed before resuming, so that a
kill at any moment costs at most the epochs since the last complete checkpoint.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters import training_workers as group

MARKER = "complete.json"


def mark_complete(checkpoint: Path, training: Mapping[str, Any], best_step: int | None) -> None:
    """Declare the checkpoint's files final.

    Args:
        checkpoint: folder ``checkpoint-<step>``.
        training: what must be the same for the checkpoint to be resumed from; JSON values.
        best_step: step of the checkpoint that holds the best weights so far, if one is kept.
    """
    files = {p.name: _sha256(p) for p in sorted(checkpoint.iterdir()) if p.is_file()}
    content = {"training": dict(training), "best_step": best_step, "files": files}
    draft = checkpoint / f"{MARKER}.draft"
    draft.write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
    draft.replace(checkpoint / MARKER)


def last_complete(workdir: Path, training: Mapping[str, Any]) -> Path | None:
    """Find the newest checkpoint to resume from, and remove those that cannot be trusted.

    A checkpoint is sound if its marker is there, tells of the same training and its files hash as
    the marker says; to resume from one, the checkpoint with the best weights must be sound too.
    """
    best_steps: dict[int, int | None] = {}
    for folder in sorted(workdir.glob("checkpoint-*")):
        marker = _sound_marker(folder, training)
        if marker is None:
            shutil.rmtree(folder)
        else:
            best_steps[int(folder.name.removeprefix("checkpoint-"))] = marker["best_step"]
    for step in sorted(best_steps, reverse=True):
        folder = workdir / f"checkpoint-{step}"
        if best_steps[step] is None or best_steps[step] in best_steps:
            return folder
        shutil.rmtree(folder)
    return None


def keep_last(workdir: Path, *, workers: int) -> None:
    """Remove what a finished training needs no more: all checkpoints but the last.

    Only where it keeps no best one beside it (no patience); the first worker removes.
    """
    group.wait(workers)
    if group.rank(workers) == 0:
        folders = workdir.glob("checkpoint-*")
        steps = sorted(int(folder.name.removeprefix("checkpoint-")) for folder in folders)
        for step in steps[:-1]:
            shutil.rmtree(workdir / f"checkpoint-{step}")


def _sound_marker(checkpoint: Path, training: Mapping[str, Any]) -> dict[str, Any] | None:
    path = checkpoint / MARKER
    if not path.is_file():
        return None
    marker: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if marker["training"] != json.loads(json.dumps(dict(training))):
        return None
    for name, digest in marker["files"].items():
        if not (checkpoint / name).is_file() or _sha256(checkpoint / name) != digest:
            return None
    return marker


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
