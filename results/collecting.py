"""Garbage in a store: what no named run needs, and what was left by attempts that came to nothing.

Nothing is freed that is younger than a day, and nothing that somebody holds a lease on. A run that
is under way may be about to use any artifact, so beside one only leftovers are freed. Ages are
measured by the clock of the place itself. An artifact's commits go before its files: it is there
whole or not at all to whoever looks meanwhile.
"""

import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from results.files import Entry
from results.holdings import Contents, Holding, contents
from results.keeping import NamedRun
from results.leases import read_sign
from results.store import Store

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S


class Garbage(NamedTuple):
    """Something to be freed.

    Attributes:
        what: for people.
        names: files and folders, in the order in which they go.
    """

    what: str
    why: str
    names: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True)
class Rules:
    """What decides whether something is garbage.

    Attributes:
        needed: kind and key of the artifacts that named runs need.
        leased: those that drivers at work hold leases on.
        live: drivers and runs that may be at work.
        pieces: kinds of artifacts that only save work.
        days: how long those, and work half done, are kept.
        now_s: the time by the clock of the place.
    """

    needed: Collection[tuple[str, str]]
    leased: Collection[tuple[str, str]]
    live: Collection[str]
    pieces: Collection[str]
    days: float
    now_s: float

    def is_old(self, entries: Collection[Entry], days: float = 1.0) -> bool:
        """Whether all of some files were written so long ago."""
        return all(self.now_s - entry.modified_s > days * _DAY_S for entry in entries)


def rules(
    store: Store,
    found: Contents,
    runs: Mapping[str, NamedRun],
    *,
    pieces: Collection[str],
    days: float,
) -> Rules:
    """Learn what is needed and who is at work; `Rules` says what of."""
    now_s = _now_s(store)
    live = {
        entry.path.split("/")[1].removesuffix(".json")
        for entry in found.others
        if entry.path.startswith("drivers/") and _may_live(store, entry, now_s)
    }
    live |= {
        run_id
        for run_id, run in runs.items()
        for entry in found.others
        if entry.path == f"runs/{run_id}.json" and _has_begun(store, run, entry, now_s)
    }
    return Rules(
        needed={artifact for run in runs.values() for artifact in run.artifacts},
        leased={
            name for entry in found.others if (name := _leased(store, entry, live)) is not None
        },
        live=live,
        pieces=pieces,
        days=max(days, 1.0),
        now_s=now_s,
    )


def _now_s(store: Store) -> float:
    """Ask the place what time it is, by writing a file there; this machine, if we may not."""
    name = uuid.uuid4().hex
    try:
        store.files.create(f"probe/{name}", b"", durable=False)
        return next(e.modified_s for e in store.files.walk("probe") if e.path == name)
    except OSError:
        return time.time()
    finally:
        store.files.remove(f"probe/{name}")


def _may_live(store: Store, entry: Entry, now_s: float) -> bool:
    """Whether a driver has said so within a day, and is not known to be dead."""
    if now_s - entry.modified_s > _DAY_S:
        return False
    sign = read_sign(store.files, entry.path.split("/")[1].removesuffix(".json"))
    return sign is not None and not sign.is_dead


def _has_begun(store: Store, run: NamedRun, entry: Entry, now_s: float) -> bool:
    """Whether a run was registered within the hour that may not have a driver's sign yet."""
    if run.driver is None or now_s - entry.modified_s > _HOUR_S:
        return False
    sign = read_sign(store.files, run.driver)
    return sign is None or not sign.is_dead


def _leased(store: Store, entry: Entry, live: Collection[str]) -> tuple[str, str] | None:
    """The artifact that a lease of a living driver is on."""
    parts = entry.path.split("/")
    if parts[0] != "leases":
        return None
    try:
        holder = store.files.read(entry.path).decode()
    except FileNotFoundError:
        return None
    return (parts[1], parts[2].rsplit(".", 2)[0]) if holder in live else None


def garbage(found: Contents, by: Rules) -> Iterator[Garbage]:
    """List what can be freed."""
    for holding in found.holdings:
        if (holding.kind, holding.key) in by.leased:
            continue
        whole = _unneeded(holding, by)
        if whole is not None:
            commits = sorted(path for path in holding.files if path.startswith("COMMIT."))
            names = (*(f"{holding.name}/{path}" for path in commits), holding.name)
            yield Garbage(holding.name, whole, names, holding.size_bytes)
        else:
            yield from _leftovers(holding, by)
    for entry in found.others:
        folder = entry.path.split("/")[0]
        if folder in ("drivers", "leases", "probe") and not _is_in_use(entry, by):
            yield Garbage(entry.path, f"left in {folder} by a run", (entry.path,), entry.size)


def _unneeded(holding: Holding, by: Rules) -> str | None:
    """Why a whole artifact can go."""
    if not holding.commits or by.live or not by.is_old(holding.files.values()):
        return None
    if (holding.kind, holding.key) in by.needed:
        return None
    if holding.kind not in by.pieces:
        return "no named run needs it"
    if by.is_old(holding.files.values(), by.days):
        return f"saves work, and is older than {by.days:g} days"
    return None


def _leftovers(holding: Holding, by: Rules) -> Iterator[Garbage]:
    """What of an artifact can go though it stays, or though there is none."""
    groups: dict[str, list[Entry]] = {}
    for path, entry in holding.files.items():
        folder, _, rest = path.partition("/")
        group = f"attempts/{rest.split('/')[0]}" if folder == "attempts" else folder
        groups.setdefault(group, []).append(entry)
    for group, entries in sorted(groups.items()):
        why = _why(holding, group, by)
        days = by.days if group == "scratch" and not holding.commits else 1.0
        if why is not None and by.is_old(entries, days):
            name = f"{holding.name}/{group}"
            yield Garbage(name, why, (name,), sum(entry.size for entry in entries))


def _why(holding: Holding, group: str, by: Rules) -> str | None:
    if group.startswith(("COMMIT.", "DAMAGED.")):
        n = int(group.split(".")[1])
        return None if n == max(holding.commits, default=n) or by.live else "superseded"
    if group.startswith("attempts/"):
        return _why_attempt(holding, group.split("/")[1], by)
    if group == "scratch":
        return "intermediate files of work that is done" if holding.commits else "work half done"
    return "left by an attempt that ended"


def _why_attempt(holding: Holding, attempt: str, by: Rules) -> str | None:
    winner = holding.winner
    if isinstance(winner, str):  # a record that cannot be read may be the one of this attempt
        return None
    if winner is not None and winner.attempt == attempt:
        return None
    if any(not isinstance(c, str) and c.attempt == attempt for c in holding.commits.values()):
        return None if by.live else "superseded"
    return "an attempt without a commit"


def _is_in_use(entry: Entry, by: Rules) -> bool:
    """Whether a file that belongs to no artifact may still say something."""
    folder, name, *rest = entry.path.split("/")
    is_held = folder == "leases" and (name, rest[0].rsplit(".", 2)[0]) in by.leased
    return is_held or not by.is_old([entry])


def free(store: Store, something: Garbage) -> None:
    """Free it."""
    for name in something.names:
        store.files.remove(name)


def look(
    store: Store, runs: Mapping[str, NamedRun], *, pieces: Collection[str], days: float
) -> tuple[Rules, list[Garbage]]:
    """Find out what can be freed, and by which rules; see `Rules`."""
    found = contents(store)
    by = rules(store, found, runs, pieces=pieces, days=days)
    return by, list(garbage(found, by))
