"""The nodes of a plan: what a job is, and what its artifact will be called in the results.

A node's parameters hold everything that decides its bytes; where data and checkpoints lie on this
machine stands beside them in `local` and enters no key.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from results.records import StudyPoint
from suite.grant import Grant

LOCAL_KEYS = ("path", "checkpoint", "revision")
"""Settings that say where files lie, and enter no key."""


@dataclass(frozen=True, kw_only=True)
class CellPlan:
    """What a node's artifact will be called in the results.

    Attributes:
        roles: role in the record (`corpus`, `split`, ...) -> id of the node that makes it.
        study: which point of a study it is, in the section "study".
    """

    section: Literal["matrix", "compress", "anomaly", "reference", "trivial", "study"]
    model: str
    classifier: str
    seed: int
    text: str
    marks: tuple[str, ...]
    roles: Mapping[str, str]
    study: StudyPoint | None = None


@dataclass(frozen=True, kw_only=True)
class Node:
    """One job of the plan.

    Attributes:
        id: unique in the plan, `kind:what/seed`.
        needs: input name -> id of the node that provides it.
        cpus: CPU threads it is granted.
        workers: processes that share the job.
        embed_workers: processes that may share the pieces of an embedding; 0 for as many as the
            cluster has room for.
        cell: set where the artifact is a cell of the results.
        unknown: why the model's weights could not be identified; such a job can only be planned.
        study: `STUDY ROW` where a study alone needs it.
        model: name of the model that it loads, if any.
        grant: what it asks of the cluster, which changes no bytes.
        expected_s: seconds that it may take, by rules of thumb; None where none knows.
    """

    id: str
    kind: str
    params: dict[str, Any]
    needs: Mapping[str, str] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict)
    cpus: int = 1
    workers: int = 1
    embed_workers: int = 1
    cell: CellPlan | None = None
    unknown: str | None = None
    study: str | None = None
    model: str | None = None
    grant: Grant = Grant()
    expected_s: float | None = None


def all_settings(built: Any) -> dict[str, Any]:
    """Return all settings of a registered thing."""
    return {field.name: getattr(built, field.name) for field in dataclasses.fields(built)}


def shareable(built: Any) -> dict[str, Any]:
    """Return all settings of a registered thing, defaults too, but not where its files lie."""
    return {key: value for key, value in all_settings(built).items() if key not in LOCAL_KEYS}


def local_places(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return where a registered thing's files lie on this machine."""
    return {key: str(settings[key]) for key in LOCAL_KEYS if settings.get(key) is not None}
