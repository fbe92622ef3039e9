"""Named runs: what each run needs, told inside the store, so that any machine can clean up there.

`runs/<id>.json` is one run folder's last run: replaced by its next one, gone when it is forgotten.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from results.errors import InputError, nearest
from results.hashing import hash_json
from results.store import Store


class NamedRun(BaseModel):
    """A run and what it needs.

    Attributes:
        name: of its suite.
        meta: what else is to be known of it: its folder, its host.
        driver: the driver (`results.leases`) it is under way in; None once it has ended.
        artifacts: kind and key of each artifact that its records stand on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[1] = 1
    name: str
    meta: dict[str, JsonValue]
    driver: str | None
    recorded_utc: str
    artifacts: list[tuple[str, str]]


def keep(
    store: Store,
    name: str,
    meta: Mapping[str, JsonValue],
    artifacts: Iterable[tuple[str, str]],
    *,
    driver: str | None = None,
) -> str:
    """Register what a run needs; what nobody needs is freed by `logmark store gc`.

    Args:
        store: where its artifacts lie.
        name: of its suite.
        meta: `run_dir` and `host` tell the runs of one name apart.
        artifacts: kind and key of each artifact; while the run is under way they join those that
            were registered before.
        driver: owner of the leases (`results.leases`) of the run that is under way.

    Returns:
        The run's id: the same for the next run in the same folder.
    """
    identity = hash_json([name, meta.get("host"), meta.get("run_dir")])[:8]
    run_id = f"{name}-{identity}"
    needed = set(artifacts)
    if driver is not None and (before := _read(store, run_id)) is not None:
        needed.update(before.artifacts)
    run = NamedRun(
        name=name,
        meta=dict(meta),
        driver=driver,
        recorded_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        artifacts=sorted(needed),
    )
    store.files.replace(f"runs/{run_id}.json", run.model_dump_json(indent=1).encode())
    return run_id


def named_runs(store: Store) -> dict[str, NamedRun]:
    """Return the runs that are registered, by id.

    Raises:
        InputError: what is registered of one cannot be read.
    """
    names = sorted(name for name in store.files.names("runs") if name.endswith(".json"))
    runs = {name.removesuffix(".json"): _read(store, name.removesuffix(".json")) for name in names}
    return {run_id: run for run_id, run in runs.items() if run is not None}


def forget(store: Store, which: str, *, dry: bool = False) -> str:
    """Drop a named run; what it alone needed will be freed.

    Args:
        store: the store that knows it.
        which: its id, or its name where one run alone has it.
        dry: only find out which run it is.

    Returns:
        The id.

    Raises:
        InputError: there is no such run, or several.
    """
    runs = named_runs(store)
    found = [which] if which in runs else [r for r, run in runs.items() if run.name == which]
    if not found:
        raise InputError(f"--forget {which}: no such run; {nearest(which, runs)}")
    if len(found) > 1:
        raise InputError(f"--forget {which}: several runs have this name: {', '.join(found)}")
    if not dry:
        store.files.remove(f"runs/{found[0]}.json")
    return found[0]


def _read(store: Store, run_id: str) -> NamedRun | None:
    try:
        return NamedRun.model_validate_json(store.files.read(f"runs/{run_id}.json"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(
            f"{store.uri}/runs/{run_id}.json: damaged, so nobody knows what that run needs; "
            f"delete this file, and run its suite again"
        ) from error
