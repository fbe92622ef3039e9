"""All that a store holds, by artifact: what `logmark store` lists, verifies and frees."""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from results.files import Entry
from results.steps import Step, untold
from results.store import Commit, Store

RESERVED = ("drivers", "leases", "probe", "runs")
"""Folders of a store that hold no artifacts."""

_READERS = 16  # records of a remote store read at a time


@dataclass
class Holding:
    """What lies under one kind and key.

    Attributes:
        files: every file, by its path inside.
        commits: number -> the commit, or what is wrong with its record.
    """

    kind: str
    key: str
    files: dict[str, Entry] = field(default_factory=dict)
    commits: dict[int, Commit | str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Where it lies in the store."""
        return f"{self.kind}/{self.key}"

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(entry.size for entry in self.files.values())

    @property
    def newest_s(self) -> float:
        """When its youngest file was written, by the clock of the place."""
        return max(entry.modified_s for entry in self.files.values())

    @property
    def winner(self) -> Commit | str | None:
        """The commit that stands; what is wrong with its record; None where there is none."""
        return self.commits[max(self.commits)] if self.commits else None


class Contents(NamedTuple):
    """A store's artifacts, and the files that belong to none."""

    holdings: list[Holding]
    others: list[Entry]


def contents(store: Store) -> Contents:
    """Look through a whole store: one listing, and every commit record."""
    found: dict[tuple[str, str], Holding] = {}
    others = []
    for entry in store.files.walk(""):
        kind, _, rest = entry.path.partition("/")
        key, _, inside = rest.partition("/")
        if kind in RESERVED or not inside:
            others.append(entry)
            continue
        found.setdefault((kind, key), Holding(kind, key)).files[inside] = entry
    holdings = [found[name] for name in sorted(found)]
    _read_commits(store, holdings)
    return Contents(holdings, others)


def _read_commits(store: Store, holdings: Iterable[Holding]) -> None:
    wanted = [
        (holding, int(path.split(".")[1]))
        for holding in holdings
        for path in holding.files
        if path.startswith("COMMIT.") and path.split(".")[1].isdigit()
    ]
    with ThreadPoolExecutor(_READERS if store.is_remote else 1) as pool:
        records = pool.map(lambda w: store.record(w[0].kind, w[0].key, w[1]), wanted)
        for (holding, n), record in zip(wanted, records, strict=True):
            holding.commits[n] = record


class Verdict(NamedTuple):
    """What a verification found of an artifact; `damage` is None where it is whole."""

    holding: Holding
    damage: str | None

    @property
    def job(self) -> str | None:
        """The job that made it, where that can be read."""
        winner = self.holding.winner
        return (
            str(winner.notes["job"])
            if isinstance(winner, Commit) and "job" in winner.notes
            else None
        )


def verify(store: Store, kinds: Collection[str] = (), *, step: Step = untold) -> Iterator[Verdict]:
    """Read every byte of every artifact that stands; what is damaged is made again by the next run.

    Args:
        store: the store.
        kinds: of artifacts; all where none is named.
        step: is told how far this is.
    """
    holdings = [
        holding
        for holding in contents(store).holdings
        if holding.commits and (not kinds or holding.kind in kinds)
    ]
    size, done = sum(holding.size_bytes for holding in holdings), 0
    for holding in holdings:
        step("verifying bytes", done, size)
        done += holding.size_bytes
        commit = holding.winner
        if isinstance(commit, Commit):
            damage = _damage(store, commit)
            if damage is not None:
                store.condemn(commit, damage)
            elif f"DAMAGED.{commit.n}.json" in holding.files:
                store.acquit(commit)
        else:
            damage = f"{store.uri}/{commit}"
        if damage is None or _is_there(store, holding):
            yield Verdict(holding, damage)


def _damage(store: Store, commit: Commit) -> str | None:
    if (damage := store.damage(commit)) is not None:
        return damage
    for file in commit.files:
        name = f"{commit.kind}/{commit.key}/attempts/{commit.attempt}/{file.path}"
        try:
            if store.files.sha256(name) != file.sha256:
                return f"{store.uri}/{name} has other content than was committed"
        except OSError as error:
            return f"{store.uri}/{name} cannot be read ({error})"
    return None


def _is_there(store: Store, holding: Holding) -> bool:
    """Whether an artifact has not been superseded or freed while it was read."""
    now = store.find(holding.kind, holding.key)
    return now.damage is not None
