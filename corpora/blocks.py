"""Loader `blocks`: synthetic sessions of a block store, seeded, with anomalies that hide.

It imitates what a distributed file system logs about one block of data: the block is granted, some
replicas are opened and committed in any interleaving, it is sealed, read many times, perhaps moved,
perhaps retired. The store and its messages are invented. A session is an anomaly by its *structure*
(`ANOMALIES`), never by a word or its length: every message of an anomaly occurs in normal sessions
too, and how often a block is read varies far more than what an anomaly adds or takes away.

Two forms: ``lines`` are raw log lines with time, worker, block id and addresses; ``events`` are the
messages' templates, with ``<*>`` for what varies. Fields: ``label`` (``normal``, ``anomaly``),
``kind`` (which anomaly; nothing for a normal one), ``time``, ``lines``, ``synthetic``.

Numbers measured on this corpus must be shown as synthetic; every document says so in its fields.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal

from corpora.document import Counts, Document, Field, blocks
from results.errors import InputError

TEMPLATES = {
    "grant": "ledger INFO granted {block} to writer {host} quota {number}",
    "open": "intake INFO opening replica of {block} from {host} via {host}",
    "commit": "intake INFO replica of {block} committed, {number} octets from {host}",
    "index": "ledger INFO ledger row for {block} at {host} grew by {number}",
    "seal": "ledger INFO sealed {block} after {number} ms",
    "read": "outlet INFO lent {block} to {host}",
    "scan": "audit INFO checksum of {block} holds on {host}",
    "move": "balance INFO asked {host} to hand {block} over to {host}",
    "moved": "outlet INFO handed {block} over to {host}",
    "retry": "outlet WARN lending {block} to {host} stalled, attempt {number}",
    "retire": "ledger INFO {block} marked for retirement on {host}",
    "erase": "store INFO erased {block} under /vault/{number}",
    "late": "ledger WARN report on {block} from {host} came late by {number} ms",
    "settled": "ledger INFO report on {block} from {host} settled",
    "stale": "audit WARN {host} holds a stale stamp of {block}, epoch {number}",
    "renewed": "audit INFO stamp of {block} on {host} renewed",
    "spill": "intake WARN buffer for {block} spilled {number} octets",
    "drained": "intake INFO buffer for {block} drained",
}
"""Event -> its message; what stands in braces varies."""

RARE = (("late", "settled"), ("stale", "renewed"), ("spill", "drained"))
"""Rare trouble and the message that it is over, which follows in every normal session."""

ANOMALIES = ("missing", "order", "unresolved", "retries")
"""A replica without its commit; the seal before the last commit; trouble that is never over; three
retries in a row (normal sessions have them one at a time)."""

RARE_SHARE = 0.03
"""Share of sessions with rare trouble that passes."""

RETRY_SHARE = 0.025
"""Share of sessions with retries, each followed by the read that was tried."""

_NUMBERS = (3, 16, 64, 250, 1024, 4096, 65_536, 1 << 20, 1 << 26)
_BEGIN = datetime(2031, 3, 4)  # noqa: DTZ001  (a log without a time zone)


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Synthetic sessions of a block store.

    Attributes:
        num_documents: how many, at least 20.
        anomaly_share: share of anomalies, their kinds in turn.
        form: raw lines, or the events' templates.
        seed: another seed, another corpus.
    """

    synthetic: ClassVar[bool] = True

    num_documents: int = 4000
    anomaly_share: float = 0.04
    form: Literal["lines", "events"] = "lines"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a corpus without both classes."""
        anomalies = round(self.num_documents * self.anomaly_share)
        if self.num_documents < 20 or not 0 < anomalies < self.num_documents:
            raise InputError(
                f"loader 'blocks': `num_documents: {self.num_documents}` must be at least 20, and "
                f"`anomaly_share: {self.anomaly_share}` of them above none and below all"
            )

    def files(self) -> list[Path]:
        """Return no files: the settings determine every byte."""
        return []

    def documents(self, counts: Counts | None = None) -> Iterator[Document]:
        """Yield the sessions, each from a random stream of its own."""
        for number, kind in enumerate(self._kinds()):
            rng = random.Random(f"blocks {self.seed} {number}")
            events = session(rng, kind)
            begin = _BEGIN + timedelta(seconds=7 * number)
            name = f"obj-{rng.getrandbits(64):016x}"
            fields: dict[str, Field] = {"label": "anomaly" if kind else "normal", "kind": kind}
            fields |= {"time": begin.isoformat(), "lines": len(events), "synthetic": True}
            if self.form == "events":
                lines = [_template(event) for event in events]
            else:
                lines = list(_written(rng, events, name, begin))
            yield Document(f"session-{number:06d}", blocks(lines), fields)

    def _kinds(self) -> list[str | None]:
        """Return what each session is, in a shuffled order."""
        anomalies = round(self.num_documents * self.anomaly_share)
        kinds: list[str | None] = [ANOMALIES[n % len(ANOMALIES)] for n in range(anomalies)]
        kinds += [None] * (self.num_documents - anomalies)
        random.Random(f"blocks kinds {self.seed}").shuffle(kinds)
        return kinds


def session(rng: random.Random, kind: str | None) -> list[str]:
    """Make up the events of one block; `kind` is its anomaly, if it is one."""
    events = ["grant", *_written_replicas(rng, kind)]
    events += _life(rng)
    if kind == "retries":
        _insert(rng, events, ["retry"] * 3 + ["read"])
    elif rng.random() < RETRY_SHARE:
        for _ in range(rng.randint(1, 3)):
            _insert(rng, events, ["retry", "read"])
    if kind == "unresolved":
        _insert(rng, events, [rng.choice(RARE)[0]])
    elif rng.random() < RARE_SHARE:
        trouble, over = rng.choice(RARE)
        _insert(rng, events, [trouble])
        events.insert(rng.randint(events.index(trouble) + 1, len(events)), over)
    if rng.random() < 0.4:
        events += ["retire"] * (replicas := rng.randint(2, 4)) + ["erase"] * replicas
    return events


def _written_replicas(rng: random.Random, kind: str | None) -> list[str]:
    """Open and commit the replicas in some interleaving, and seal the block."""
    replicas = rng.randint(2, 5)
    opened, committed = 0, 0
    events = []
    commits = replicas - (kind == "missing")
    while opened < replicas or committed < commits:
        if opened < replicas and (committed >= min(opened, commits) or rng.random() < 0.75):
            events.append("open")
            opened += 1
        else:
            events += ["commit", "index"]
            committed += 1
    if kind == "order":
        last = len(events) - events[::-1].index("commit") - 1
        return [*events[:last], "seal", *events[last:]]
    return [*events, "seal"]


def _life(rng: random.Random) -> list[str]:
    """Check a block, read it and move it, now and then more than once."""
    events: list[str] = []
    for _ in range(rng.choice((1, 1, 1, 2))):
        events += ["scan"] * rng.randint(0, 3) + ["read"] * int(rng.expovariate(1 / 4))
        events += ["move", "moved"] * (rng.random() < 0.15)
    return events


def _insert(rng: random.Random, events: list[str], run: list[str]) -> None:
    """Put a run of events somewhere behind the seal, in one piece, tearing no other retry apart."""
    first = events.index("seal") + 1
    places = [n for n in range(first, len(events) + 1) if events[n - 1] != "retry"]
    place = rng.choice(places)
    events[place:place] = run


def _template(event: str) -> str:
    return TEMPLATES[event].format(block="<*>", host="<*>", number="<*>") + "\n"


def _written(rng: random.Random, events: list[str], name: str, begin: datetime) -> Iterator[str]:
    """Write the events as log lines."""
    clock = begin
    for event in events:
        clock += timedelta(milliseconds=1 + int(rng.expovariate(1 / 900)))
        host = _Host(rng)
        text = TEMPLATES[event].format(block=name, host=host, number=rng.choice(_NUMBERS))
        stamp = clock.isoformat(sep=" ", timespec="seconds")
        yield f"{stamp} [worker-{rng.randrange(8)}] {text}\n"


class _Host:
    """An address of the cluster, another one each time it is written."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def __format__(self, spec: str) -> str:
        return f"10.7.0.{self._rng.randint(1, 24)}"
