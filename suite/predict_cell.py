"""From the name of a cell to what it has learnt: its record, its jobs, their artifacts."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jobs.predict import Made
from results.errors import InputError
from results.hashing import HashCache
from results.records import Cell, Record
from results.run import Run
from results.unbundling import is_bundle
from suite.node import Node
from suite.predict_plan import Plan, planned
from suite.spec import Suite

_FILES = {
    "adapted": "checkpoint",
    "corpus": "documents.parquet",
    "documents": "card.json",
    "labels": "labels.parquet",
    "split": "split.parquet",
    "vectors": "ids.parquet",
}
_CELL_FILES = {
    "anomaly": "predictions.parquet",
    "classify": "predictions.parquet",
    "compress": "checkpoint",
    "finetune": "checkpoint",
    "reference": "weights.safetensors",
}
"""What an artifact must hold to be of use: by its role; of a cell's own, by the kind of its job."""


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What a cell has learnt, and how text comes to it.

    Attributes:
        cell: what is recorded of it.
        made: the job that made it.
        embed: the job that made the vectors that it reads, if it reads any.
        view: which view of the text is read.
        mining: where lines are read as templates, the settings of their mining.
        folders: of the record's artifacts, by role.
        note: what differs here from where it was computed, or "".
    """

    cell: Cell
    made: Made
    embed: Made | None
    view: dict[str, Any]
    mining: dict[str, Any] | None
    folders: Mapping[str, Path]
    note: str


def find(run: Run, name: str) -> Record:
    """Find the record of a cell that can be asked.

    Raises:
        InputError: there is none of that name, or it failed.
    """
    found = {record.name: record for record in run.records}
    if name not in found:
        near = difflib.get_close_matches(name, found, n=5, cutoff=0.0)
        more = f" and {len(found) - len(near)} more" if len(found) > len(near) else ""
        raise InputError(
            f"{run.run_dir}: no cell {name!r} (MODEL/CLASSIFIER/SEED); nearest: "
            f"{', '.join(near) or 'none'}{more}"
        )
    record = found[name]
    if record.status != "ok" or record.cell is None:
        raise InputError(
            f"{name}: {record.status}, so there is nothing to predict with ({record.reason})"
        )
    return record


def resolved(run: Run) -> Suite:
    """Read the suite that was run.

    Raises:
        InputError: `run.json` holds none that is read today.
    """
    try:
        return Suite.model_validate(run.meta["resolved"])
    except (KeyError, ValidationError) as error:
        raise InputError(
            f"{run.run_dir}: run.json holds no suite that this Logmark reads; run the suite again"
        ) from error


def learnt(run: Run, record: Record, suite: Suite) -> Learnt:
    """Find what a cell has learnt.

    Raises:
        InputError: something of it is missing, or its model is another one by now.
    """
    assert record.cell is not None, "of a cell that went well"
    hashes = HashCache(Path(run.meta["store"]) / "file-hashes.json")
    plan = planned(suite, record, hashes.hash)
    folders = {role: run.folder(record, role) for role in record.artifacts}
    _require(run, record, "cell", folders.get("cell"), _CELL_FILES[plan.node.kind])
    for role in plan.needs():
        _require(run, record, role, folders.get(role), _FILES[role])
    there = {role: folder for role, folder in folders.items() if folder is not None}
    return Learnt(
        cell=record.cell,
        made=_made(plan.node, plan, there, "cell"),
        embed=None if plan.embed is None else _made(plan.embed, plan, there, "vectors"),
        view=(plan.embed or plan.node).params["view"],
        mining=None if plan.templates is None else plan.templates.params["settings"],
        folders=there,
        note=plan.note,
    )


def _made(node: Node, plan: Plan, folders: Mapping[str, Path], own: str) -> Made:
    """Give a job the folders that it read, by the names that it has for them, and its own."""
    holders = {name: folders[role] for role, name in plan.cell.roles.items() if role in folders}
    inputs = {name: holders[need] for name, need in node.needs.items() if need in holders}
    return Made(
        kind=node.kind,
        params=node.params,
        folders={**inputs, own: folders[own]},
        local=node.local,
        threads=node.cpus,
    )


def _require(run: Run, record: Record, role: str, folder: Path | None, file: str) -> None:
    if folder is not None and (folder / file).exists():
        return
    if is_bundle(run.run_dir):
        raise InputError(
            f"{record.name}: {run.run_dir} is a bundle, which holds no {role}/{file} (neither logs "
            "nor weights); ask the run itself"
        )
    where = f"{folder}/{file}" if folder is not None else role
    raise InputError(f"{record.name}: {where} is missing from the store; run the suite again")
