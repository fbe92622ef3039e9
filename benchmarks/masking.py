"""How much faster than chained `re` substitutions is masking, with the same output?

    python benchmarks/masking.py [--quick]

The figure is the smallest ratio over the corpora: the real ones in `../shared/data` (or
`LOGMARK_SHARED`), where they are, and the synthetic generator's text. Documents go through as they
are stored, in parts. Chained substitutions, the one plain pattern and `mask` take turns in one
process, each with its best of several runs; `mask` starts every run with nothing remembered.
`--quick` masks less text, so fewer of its words repeat.
"""

import argparse
import gzip
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from figures import emit

from corpora import masking
from corpora.document import blocks
from corpora.mask_grammar import HEX, LEFT, PORT, RIGHT, V4, V6, plainly, token
from corpora.mask_words import Words
from corpora.tm500 import Tm500

GOAL = 5.0
FIGURE = "masking MB/s / chained re"
SHARED = Path(os.environ.get("LOGMARK_SHARED", Path(__file__).parents[2] / "shared")) / "data"
FILES = {
    "hdfs": "hdfs_v1_sessions/raw_sessions_2pct.jsonl.gz",
    "hadoop": "hadoop_runs/containers.jsonl.gz",
    "syzkaller": "syzkaller_kernel_crashes/docs.jsonl.gz",
    "loghub_2k": "loghub_2k/lines.jsonl.gz",
    "openstack": "openstack_failures_dev/NET.jsonl.gz",
    "ci": "logdx_ci_root_cause/docs.jsonl.gz",
}

_NUMBERS = partial(re.compile(r"[0-9]+(?:\.[0-9]+)?").sub, "<num>")


def _dump(match: re.Match[str]) -> str:
    return "<hex>" if re.search("[a-fA-F]", match[0]) else _NUMBERS(match[0])


CHAIN: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\r?\n", "<newline>"),
        (
            rf"{LEFT}[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}"
            rf"(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?{RIGHT}",
            lambda match: _NUMBERS(match[0]),
        ),
        (
            rf"{LEFT}[0-9]{{8}}T[0-9]{{6}}(?:\.[0-9]+)?Z?{RIGHT}",
            lambda match: _NUMBERS(match[0]),
        ),
        (rf"{LEFT}{HEX}{{2}}(?: {HEX}{{2}}){{7,}}{RIGHT}", _dump),
        (rf"{LEFT}0[xX]{HEX}+{RIGHT}", "<hex>"),
        (rf"{LEFT}{HEX}{{8}}-(?:{HEX}{{4}}-){{3}}{HEX}{{12}}{RIGHT}", "<hex>"),
        (rf"{LEFT}{HEX}{{2}}(?:(?::{HEX}{{2}}){{5,}}|(?:-{HEX}{{2}}){{5,}}){RIGHT}", "<hex>"),
        (rf"{LEFT}{HEX}{{16,}}{RIGHT}", "<hex>"),
        (rf"{LEFT}(?=[0-9]*[a-fA-F]){HEX}{{8,}}{RIGHT}", "<hex>"),
        (rf"{LEFT}(?:\[(?:{V6}|::)\]{PORT}|{V6}){RIGHT}", "<ipaddr>"),
        (rf"{LEFT}{V4}{PORT}?{RIGHT}", "<ipaddr>"),
        (rf"{LEFT}[0-9]+(?:\.[0-9]+)*(?:[eE][+-]?[0-9]{{1,3}})?{RIGHT}", "<num>"),
    )
]
"""The grammar as anybody would write it first: one substitution after another, one per rule."""


def main() -> None:
    """Print the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    measure(quick=parser.parse_args().quick)


def measure(*, quick: bool) -> None:
    """Emit the figure."""
    chars, repeats = (700_000, 2) if quick else (2_000_000, 5)
    speeds = {
        name: _speeds(parts, repeats=repeats) for name, parts in _corpora(chars).items() if parts
    }
    ratios = {name: speed["mask"] / speed["chained"] for name, speed in speeds.items()}
    emit(
        FIGURE,
        round(min(ratios.values()), 2),
        goal=f">= {GOAL:g}",
        met=min(ratios.values()) >= GOAL,
        ratios={name: round(ratio, 2) for name, ratio in ratios.items()},
        mb_per_s={
            name: {kind: round(value, 2) for kind, value in speed.items()}
            for name, speed in speeds.items()
        },
        chars_per_corpus=chars,
        repeats=repeats,
        substitutions=len(CHAIN),
    )


def _speeds(parts: list[str], *, repeats: int) -> dict[str, float]:
    """Return the MB/s of each way to mask, and hold them to the same output."""
    ways = {"chained": _chained, "one pattern": partial(plainly, token), "mask": masking.mask}
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats):
        masking._masked = Words(token)  # nothing remembered from the run before
        masked = {}
        for name, way in ways.items():
            started = time.process_time()
            masked[name] = [way(part) for part in parts]
            best[name] = min(best[name], time.process_time() - started)
        assert masked["mask"] == masked["one pattern"] == masked["chained"]
    size = sum(len(part.encode()) for part in parts)
    return {name: size / seconds / 1e6 for name, seconds in best.items()}


def _chained(text: str) -> str:
    for pattern, replacement in CHAIN:
        text = pattern.sub(replacement, text)
    return text


def _corpora(chars: int) -> dict[str, list[str]]:
    present = {name: SHARED / file for name, file in FILES.items() if (SHARED / file).is_file()}
    real = {name: _upto(_texts(file), chars) for name, file in present.items()}
    made = ("".join(document.parts) for document in Tm500(num_documents=2000).documents())
    return {**real, "tm500 (synthetic)": _upto(made, chars)}


def _upto(texts: Iterable[str], chars: int) -> list[str]:
    """Return parts of the first documents, `chars` characters of them."""
    parts: list[str] = []
    left = chars
    for text in texts:
        parts += blocks([text[:left]])
        left -= len(text)
        if left <= 0:
            break
    return parts


def _texts(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            yield row["text"] if "text" in row else _bag(row["counts"])


def _bag(counts: dict[str, int]) -> str:
    return "\n".join(f"{event} x{count}" for event, count in counts.items())


if __name__ == "__main__":
    main()
