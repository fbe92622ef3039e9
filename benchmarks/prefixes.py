"""Causal models could compute a common prefix of windows once. How much would that save?

    python benchmarks/prefixes.py [--quick]

First by counting: the share of the tokens of distinct windows (Eq. 4, half overlapping) that stand
in a prefix shared with another window, on every corpus at hand (its first
16 MiB of text). Then by the clock: the prototype in
`prefix_forward.py` against batches of equal length, on a causal model with random weights (time
does not depend on their values). `--quick` counts in the first 256 KiB of each corpus and times
one layer.
"""

import argparse
import random
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import torch
from figures import emit
from prefix_corpora import GENERATOR, SEQUENCES, TOKENIZER, Window, distinct, names
from prefix_forward import common, in_order, pack, plain_vectors, shared_vectors
from transformers import AutoConfig, AutoModel

from adapters.catalogue import ENTRIES
from adapters.counting import count

WINS = 1.2
CONTEXTS = (512, 2048)
STEP, LEAST = 64, 2
"""A plain group: at least `LEAST` windows that share a multiple of `STEP` tokens."""

_CHARS, _QUICK_CHARS = 1 << 24, 1 << 18  # of each corpus; a whole one shares little more
_BATCH_TOKENS = 4096
_BLOCK = 16  # neighbours in sorted order that a sample takes together
_SAMPLES = 200

Kind = Literal["llama", "mixtral"]


class Sorted(NamedTuple):
    """Windows in sorted order, as two rows of numbers.

    Attributes:
        lengths: tokens of each window.
        shared: tokens that it has in common with the one before.
    """

    lengths: list[int]
    shared: list[int]

    @classmethod
    def of(cls, windows: Sequence[Window]) -> "Sorted":
        """Sort and compare."""
        row = [windows[number] for number in in_order(windows)]
        return cls(
            [len(w) for w in row], [0, *(common(a, b) for a, b in pairwise(row))][: len(row)]
        )

    @property
    def share(self) -> float:
        """Share of the tokens that need not be computed."""
        return sum(self.shared) / sum(self.lengths)


def measure(*, quick: bool) -> None:
    """Print all figures."""
    most_chars = _QUICK_CHARS if quick else _CHARS
    for context in CONTEXTS[:1] if quick else CONTEXTS:
        for masked in (False, True):
            _count(context, masked=masked, most_chars=most_chars)
    for kind, name, masked, context in _timed(quick=quick):
        _race(kind, name, masked=masked, context=context, quick=quick)


def _count(context: int, *, masked: bool, most_chars: int) -> None:
    corpora = {name: _savings(name, context, masked, most_chars) for name in names()}
    shares = [found["tokens"] for found in corpora.values()]
    logged = [found["tokens"] for name, found in corpora.items() if name not in SEQUENCES]
    emit(
        "tokens saved by shared prefixes / tokens of distinct windows, median over corpora",
        round(statistics.median(shares), 4),
        context=context,
        text="masked" if masked else "cleaned",
        tokenizer=TOKENIZER,
        most_chars_per_corpus=most_chars,
        median_without_event_sequences=round(statistics.median(logged), 4),
        group_prefix_multiple_of=STEP,
        group_of_at_least=LEAST,
        corpora=corpora,
    )


def _savings(name: str, context: int, masked: bool, most_chars: int) -> dict[str, Any]:
    """Count what could be saved in one corpus: all in order, shard by shard, in plain groups."""
    found = distinct(name, masked=masked, context=context, most_chars=most_chars)
    row = Sorted.of(found.windows)
    in_shards, start = 0, 0
    for size in found.shards:
        in_shards += sum(Sorted.of(found.windows[start : start + size]).shared)
        start += size
    tokens = sum(row.lengths)
    return {
        "tokens": round(row.share, 4),
        "flops_llama2_7b": round(_flops(row.shared) / _flops(row.lengths), 4),
        "tokens_within_shards": round(in_shards / tokens, 4),
        "tokens_in_groups": round(grouped(row.shared, step=STEP, least=LEAST) / tokens, 4),
        "distinct_tokens": tokens,
        "repeats": round(found.repeats, 2),
    }


def _flops(starts: Sequence[int]) -> int:
    """Count the FLOPs of the first so many tokens of windows: what is saved, or all there is."""
    counts = count(ENTRIES["llama2-7b"].config)
    pair = sum(attention.flops(1) for attention in counts.attentions)
    linear = counts.flops(1) - pair
    return sum(linear * tokens + pair * tokens * (tokens + 1) // 2 for tokens in starts)


def grouped(shared: Sequence[int], *, step: int, least: int) -> int:
    """Count the tokens saved by the best division into groups, each with one prefix.

    Args:
        shared: of sorted windows, tokens in common with the one before.
        step: a group's prefix is a multiple of it.
        least: windows in a group at least.
    """
    steps = [tokens // step for tokens in shared]

    def best(start: int, stop: int) -> int:
        if stop - start < least or stop - start < 2:
            return 0
        depth = min(steps[start + 1 : stop])
        cuts = [start, *(i for i in range(start + 1, stop) if steps[i] == depth), stop]
        together = (stop - start - 1) * depth * step
        return max(together, sum(best(a, b) for a, b in pairwise(cuts)))

    return best(0, len(steps))


def _timed(*, quick: bool) -> list[tuple[Kind, str, bool, int]]:
    """Choose what is timed: family, corpus, whether masked, context."""
    if GENERATOR in names()[:1]:
        return [("llama", GENERATOR, True, 512)]
    if quick:
        return [("llama", "hdfs events", False, 512)]
    return [
        ("llama", "hdfs events", False, 512),
        ("mixtral", "hdfs events", False, 512),
        ("llama", "nezha", True, 512),
        ("mixtral", "nezha", True, 512),
        ("llama", "hadoop", True, 512),
        ("llama", "hadoop", False, 2048),
    ]


def _race(kind: Kind, name: str, *, masked: bool, context: int, quick: bool) -> None:
    """Time both ways in turn, on windows sampled so that they share as much as all do."""
    most_chars = _QUICK_CHARS if quick else _CHARS
    found = distinct(name, masked=masked, context=context, most_chars=most_chars)
    windows = sample(found.windows, tokens=4_000 if quick else 24_000)
    layers, repeats = (1, 2) if quick else (2, 3)
    model = build(kind, layers=layers, dtype=torch.bfloat16)
    seconds: dict[Any, float] = {}
    vectors = {}
    for _ in range(repeats):
        for way in (plain_vectors, shared_vectors):
            started = time.perf_counter()
            vectors[way] = way(model, windows, batch_tokens=_BATCH_TOKENS)
            spent = time.perf_counter() - started
            seconds[way] = min(spent, seconds.get(way, spent))
    ratio = seconds[plain_vectors] / seconds[shared_vectors]
    rows = list(pack(windows, batch_tokens=_BATCH_TOKENS))
    tokens = sum(len(window) for window in windows)
    emit(
        "time without / with shared prefixes",
        round(ratio, 2),
        goal=f">= {WINS}",
        met=ratio >= WINS,
        family=kind,
        corpus=name,
        text="masked" if masked else "cleaned",
        context=context,
        windows=len(windows),
        tokens=tokens,
        tokens_shared=round(Sorted.of(windows).share, 3),
        tokens_shared_in_corpus=round(Sorted.of(found.windows).share, 3),
        tokens_not_computed=round(1 - sum(row[-1].stop for row in rows) / tokens, 3),
        forward_passes=len(rows),
        model=f"random weights, {layers} layers, {model.config.hidden_size} wide, bf16",
        threads=torch.get_num_threads(),
        largest_difference=_difference(vectors[plain_vectors], vectors[shared_vectors]),
        best_of=repeats,
    )


def _difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """Compare vectors: the largest distance between two of one window / its length."""
    return float(f"{((one - other).norm(dim=1) / one.norm(dim=1)).max():.1e}")


def sample(windows: Sequence[Window], *, tokens: int) -> list[Window]:
    """Choose windows whose shared prefixes are about as many as those of all.

    A random sample of single windows would lose their neighbours. So blocks of neighbours are
    drawn, again and again, and the draw whose share is nearest to that of all is kept.
    """
    row = [windows[number] for number in in_order(windows)]
    whole = Sorted.of(row)
    draws = [_draw(whole.lengths, tokens, seed) for seed in range(_SAMPLES)]
    nearest = min(draws, key=lambda draw: abs(_share(row, whole, draw) - whole.share))
    random.Random(0).shuffle(nearest)
    return [row[number] for number in nearest]


def _draw(lengths: list[int], tokens: int, seed: int) -> list[int]:
    starts = list(range(0, len(lengths), _BLOCK))
    random.Random(seed).shuffle(starts)
    chosen: list[int] = []
    while starts and tokens > 0:
        start = starts.pop()
        chosen += range(start, min(start + _BLOCK, len(lengths)))
        tokens -= sum(lengths[start : start + _BLOCK])
    return sorted(chosen)


def _share(row: list[Window], whole: Sorted, draw: list[int]) -> float:
    saved = sum(
        whole.shared[b] if b == a + 1 else common(row[a], row[b]) for a, b in pairwise(draw)
    )
    return saved / sum(whole.lengths[number] for number in draw)


def build(kind: Kind, *, layers: int, dtype: torch.dtype) -> Any:
    """Build a causal encoder of a family's shape, 512 wide, with random weights."""
    numbers = {
        "vocab_size": 32_000,
        "hidden_size": 512,
        "intermediate_size": 1408,
        "num_hidden_layers": layers,
        "num_attention_heads": 8,
        "num_key_value_heads": 8 if kind == "llama" else 2,
        "max_position_embeddings": 4096,
        "initializer_range": 512**-0.5,  # so that a layer changes what it is given
    }
    if kind == "mixtral":
        numbers |= {"num_local_experts": 8, "num_experts_per_tok": 2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = AutoConfig.for_model(kind, **numbers)
        return AutoModel.from_config(config, dtype=dtype, attn_implementation="sdpa").eval()


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    measure(quick=parser.parse_args().quick)


if __name__ == "__main__":
    main()
