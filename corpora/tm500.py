"""Loader `tm500`: synthetic test-run logs, seeded, honest and hard enough to be useful.

It imitates the logs of a cellular-network test mobile: procedures of ``C:`` (command) and ``I:``
(indication) messages, four classes in the seed paper's imbalance, log-normal lengths. What makes a
run a failure is never a word but a *combination*: two of the `NOTABLE` messages, each innocent
alone, in a given order within one procedure (`COMBINATIONS`), anywhere in the file. Passing runs
hold the same messages alone, near misses (the two in reverse order, or in different procedures) and
error lines that mean nothing. So a reader of combinations is always right, counting words helps to
a degree (some runs repeat their defect often, and counts are noisy from run to run), and single
keywords hardly at all; the tests hold the generator to that.

Numbers measured on this corpus must be shown as synthetic; every document says so in its fields.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import exp
from pathlib import Path
from typing import ClassVar

from corpora.document import Counts, Document, Field, blocks
from results.errors import InputError

PROPORTIONS = {"Pass": 664, "L0_L1": 166, "L2": 94, "L3": 54}
"""Test documents per class behind Table I of the seed paper (DESIGN: from its recalls)."""

COMBINATIONS = {
    "L0_L1": (
        ("SFN_RESYNC", "TA_ADJUST"),
        ("CQI_SHIFT", "HARQ_REPEAT"),
        ("DRX_SHORT", "CELL_RANK"),
    ),
    "L2": (("HARQ_REPEAT", "POLL_AGAIN"), ("BSR_PADDED", "WINDOW_MOVE")),
    "L3": (("KEY_REFRESH", "TRACK_UPDATE"), ("TA_ADJUST", "CELL_RANK")),
}
"""Class -> the ordered pairs of messages that, within one procedure, are its defects."""

NOTABLE = {
    "SFN_RESYNC": "PHY SFN_RESYNC frame boundary realigned to serving cell ta=%d sn=%d",
    "TA_ADJUST": "PHY TA_ADJUST uplink advance corrected by command ta=%d",
    "CQI_SHIFT": "PHY CQI_SHIFT channel quality class changed mcs=%d snr=%d",
    "HARQ_REPEAT": "MAC HARQ_REPEAT redundancy version cycled tb=%d prb=%d",
    "BSR_PADDED": "MAC BSR_PADDED buffer status sent in spare octets bytes=%d",
    "DRX_SHORT": "MAC DRX_SHORT receiver sleep pattern switched id=%d",
    "POLL_AGAIN": "RLC POLL_AGAIN receiver asked for acknowledgement sn=%d",
    "WINDOW_MOVE": "RLC WINDOW_MOVE lower edge advanced sn=%d len=%d",
    "KEY_REFRESH": "PDCP KEY_REFRESH ciphering restarted with new material count=0x%x",
    "CELL_RANK": "RRC CELL_RANK neighbour list sorted by strength id=%d rsrp=-%d",
    "TRACK_UPDATE": "NAS TRACK_UPDATE registration area renewed pti=%d count=0x%x",
}
"""Messages that matter only together; their parameters are those of ordinary messages."""

SIGMA = 1.05
"""Of the log-normal length: 95 % lie below 5.6 medians."""

NEAR_MISS_SHARE = 0.15
"""Share of runs that hold a near miss, in every class."""

OFTEN = (0.15, 1.0)
"""Part of a run's procedures that shows its defect (or near miss): log-uniform, cut at a half, and
at least one procedure."""

ALONE = (0.05, 0.3)
"""In how many of the other procedures of a run one notable message stands alone: uniform."""

DECOY_SHARE = 0.15
"""Share of procedures, in every class, with an error line that means nothing."""

PROCEDURE_CHARS = 490
"""Mean length of a procedure, measured."""

MEAN_GAP_MS = 50
"""Mean time between two messages."""

_PROCEDURES = ("RACH", "ATTACH", "BEARER_SETUP", "HANDOVER", "PAGING", "DATA_TRANSFER", "MEASURE")
_ORDINARY = (
    "PHY PRACH_TX power=-%d preamble=%d",
    "PHY PDSCH_RX tb=%d mcs=%d snr=%d.%d",
    "PHY PUSCH_TX prb=%d mcs=%d",
    "MAC RAR_RX rnti=0x%x ta=%d",
    "MAC SCHED_GRANT bytes=%d",
    "RLC STATUS_PDU ack=%d",
    "RLC AM_DATA sn=%d len=%d",
    "PDCP SDU_TX bearer=%d count=0x%x",
    "RRC RECONFIGURATION_ACK id=%d",
    "RRC MEASUREMENT_REPORT rsrp=-%d rsrq=-%d",
    "NAS ESM_INFORMATION pti=%d",
    "IP PACKET src=10.0.%d.%d:%d dst=10.1.%d.%d",
    "SYS HEAP used=0x%x free=0x%x",
    "MAC PDU_DUMP\n    %02x %02x %02x %02x %02x %02x %02x %02x",
)
_DECOYS = (
    "SYS ERROR log buffer late by %d ms, recovered",
    "PHY CRC error on tb=%d, decoded after retry",
    "MAC SR timeout, retry %d granted",
    "RRC reject cause=%d handled by policy",
    "NAS warning: timer T%d failed to stop, ignored",
    "IP abort of idle socket %d, expected",
)


@dataclass(frozen=True, kw_only=True)
class Tm500:
    """Synthetic test-run logs.

    Attributes:
        num_documents: how many, at least 20; classes as in `PROPORTIONS`.
        seed: another seed, another corpus.
        median_chars: median length of a document in characters.
    """

    synthetic: ClassVar[bool] = True

    num_documents: int = 3262
    seed: int = 0
    median_chars: int = 8000

    def __post_init__(self) -> None:
        """Refuse a corpus that could not hold every class."""
        if self.num_documents < 20 or self.median_chars < PROCEDURE_CHARS:
            raise InputError(
                f"loader 'tm500': `num_documents: {self.num_documents}` must be at least 20 and "
                f"`median_chars: {self.median_chars}` at least {PROCEDURE_CHARS}"
            )

    def files(self) -> list[Path]:
        """Return no files: the settings determine every byte."""
        return []

    def documents(self, counts: Counts | None = None) -> Iterator[Document]:
        """Yield the runs, each from a random stream of its own."""
        for number, label in enumerate(self._labels()):
            rng = random.Random(f"tm500 {self.seed} {number}")
            length = self.median_chars * exp(SIGMA * rng.gauss(0, 1))
            procedures = max(2, round(length / PROCEDURE_CHARS))
            fields: dict[str, Field] = {"label": label, "synthetic": True}
            yield Document(f"run-{number:05d}", blocks(_run(rng, label, procedures)), fields)

    def _labels(self) -> list[str]:
        """Return the class of each document: shares by largest remainder, order shuffled."""
        total = sum(PROPORTIONS.values())
        exact = {name: self.num_documents * n / total for name, n in PROPORTIONS.items()}
        counts = {name: int(value) for name, value in exact.items()}
        by_remainder = sorted(exact, key=lambda name: counts[name] - exact[name])
        for name in by_remainder[: self.num_documents - sum(counts.values())]:
            counts[name] += 1
        labels = [name for name, count in counts.items() for _ in range(count)]
        random.Random(f"tm500 labels {self.seed}").shuffle(labels)
        return labels


def _run(rng: random.Random, label: str, procedures: int) -> Iterator[str]:
    """Yield the text of one run, procedure by procedure."""
    clock_ms = rng.randrange(60_000)
    for tid, notable in enumerate(_plan(rng, label, procedures), start=rng.randrange(4096)):
        clock_ms, text = _procedure(rng, clock_ms, tid, notable)
        yield text


def _plan(rng: random.Random, label: str, procedures: int) -> list[list[str]]:
    """Decide which notable messages each procedure holds, in their order."""
    plan: list[list[str]] = [[] for _ in range(procedures)]
    free = rng.sample(range(procedures), procedures)
    own = COMBINATIONS.get(label, ())
    if own:
        first, second = rng.choice(own)
        for _ in range(_occurrences(rng, procedures)):
            plan[free.pop()] = [first, second]
    if rng.random() < NEAR_MISS_SHARE:
        first, second = rng.choice([pair for pairs in COMBINATIONS.values() for pair in pairs])
        for _ in range(min(_occurrences(rng, procedures), len(free) // 2)):
            if rng.random() < 0.5:
                plan[free.pop()] = [second, first]
            else:
                plan[free.pop()], plan[free.pop()] = [first], [second]
    weights = list(accumulate(rng.expovariate(1) for _ in NOTABLE))
    alone = rng.uniform(*ALONE)
    for row in free:
        if rng.random() < alone:
            plan[row] = rng.choices(list(NOTABLE), cum_weights=weights)
    return plan


def _occurrences(rng: random.Random, procedures: int) -> int:
    """Return in how many procedures a pair occurs: sometimes one, sometimes a good part of them."""
    low, high = OFTEN
    share: float = low * (high / low) ** rng.random()
    return max(1, min(procedures // 2, round(share * procedures)))


def _procedure(rng: random.Random, clock_ms: int, tid: int, notable: list[str]) -> tuple[int, str]:
    """Write one procedure and return the clock behind it."""
    name = rng.choice(_PROCEDURES)
    messages = rng.choices(_ORDINARY, k=rng.randint(3, 9))
    if rng.random() < DECOY_SHARE:
        messages.insert(rng.randrange(len(messages)), rng.choice(_DECOYS))
    for place, message in zip(
        sorted(rng.choices(range(len(messages) + 1), k=len(notable))), notable, strict=True
    ):
        messages.insert(place + notable.index(message), NOTABLE[message])
    lines = [("C", f"START {name} ue={tid % 4}")]
    lines += [("I", _filled(rng, message)) for message in messages]
    lines += [("I", f"DONE {name} status=0")]
    text = ""
    for kind, line in lines:
        clock_ms += 1 + int(rng.expovariate(1 / MEAN_GAP_MS))
        text += f"{kind}: {_clock(clock_ms)} [0x{tid:04x}] {line}\n"
    return clock_ms, text


def _filled(rng: random.Random, template: str) -> str:
    return template % tuple(rng.randrange(256) for _ in range(template.count("%")))


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"
