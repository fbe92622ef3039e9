"""Do two workers embed twice as much: the same suite with one Ray worker and with two.

    python benchmarks/embedding_workers.py [--quick]

Each worker computes on one thread. Throughput is counted while all workers are at work: from the
moment when each has finished its first shard to the moment when the first of them has finished its
last, so that the start of a process and the loading of the model are left out; the ratio of the
whole jobs' times, start and all, stands in the conditions. Vectors must be the same bytes.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from itertools import groupby
from pathlib import Path
from typing import Any

from figures import emit
from session_texts import generated

from results.hashing import hash_file
from results.store import Store
from suite import scheduler
from suite.board import Board
from suite.plan import make_plan
from suite.spec import read

_SUITE = """
name: workers
corpus: {{loader: folder, path: logs}}
models: [{{name: minilm, adapter: minilm}}]
classifiers: [decision_tree]
compute: {{threads: 1, embed_workers: {workers}, shard_tokens: {shard_tokens}}}
"""


def measure(*, quick: bool) -> None:
    """Emit the figure of the workers."""
    texts, shard_tokens = (generated(20)[:1], 1024) if quick else (generated(50), 8192)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_logs(folder / "logs", texts)
        one, two = (_run(folder, workers, shard_tokens) for workers in (1, 2))
    assert one["digest"] == two["digest"], "two workers gave other vectors than one"
    ratio = two["tokens_per_s"] / one["tokens_per_s"]
    emit(
        "throughput of 2 Ray workers / 1, one thread each",
        round(ratio, 2),
        goal=">= 1.7",
        met=ratio >= 1.7,
        model="MiniLM",
        corpus="generated (synthetic)",
        shards=two["shards"],
        tokens_per_s_of_one=round(one["tokens_per_s"]),
        tokens_per_s_of_two=round(two["tokens_per_s"]),
        job_s_of_one=one["wall_s"],
        job_s_of_two=two["wall_s"],
        ratio_of_whole_jobs=round(one["wall_s"] / two["wall_s"], 2),
    )


def _write_logs(folder: Path, texts: list[str]) -> None:
    for number, text in enumerate(texts):
        path = folder / f"class{number % 2}" / f"{number}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _run(folder: Path, workers: int, shard_tokens: int) -> dict[str, Any]:
    """Run the suite's embedding into a store of its own; look at what its shards say."""
    suite, run_dir = folder / "suite.yaml", folder / str(workers)
    suite.write_text(_SUITE.format(workers=workers, shard_tokens=shard_tokens))
    store = Store(run_dir / "store")
    nodes = [n for n in make_plan(read(suite), hash_file) if n.id in ("corpus", "embed:minilm")]
    board = Board(nodes, store, run_dir / "logs")
    run_dir.mkdir()
    nothing: Any = lambda *told: None  # noqa: E731 - nobody is told
    scheduler.run(board, address=None, run_dir=run_dir, settled=nothing, tick=nothing)
    failed = [outcome.reason for outcome in board.outcomes.values() if outcome.commit is None]
    assert not failed, failed
    shards = [_shard(path) for path in store.root.glob("windows/*/COMMIT.0.json")]
    whole = board.commit("embed:minilm")
    costs: Any = whole.notes["costs"]
    assert len({log for log, _, _ in shards}) == workers, "not all workers had something to do"
    return {
        "digest": whole.digest,
        "shards": len(shards),
        "wall_s": costs["wall_s"],
        "tokens_per_s": _rate(shards),
    }


def _shard(path: Path) -> tuple[str, float, int]:
    """Give the worker (by its log), the time of the commit and the tokens of a shard."""
    notes = json.loads(path.read_bytes())["notes"]
    return notes["log"], path.stat().st_mtime, notes["costs"]["extra"]["computed_tokens"]


def _rate(shards: list[tuple[str, float, int]]) -> float:
    """Tokens per second while every worker is at work."""
    times = defaultdict(list)
    for log, group in groupby(sorted(shards), key=lambda shard: shard[0]):
        times[log] = [when for _, when, _ in group]
    start, stop = max(min(some) for some in times.values()), min(max(s) for s in times.values())
    return sum(tokens for _, when, tokens in shards if start < when <= stop) / (stop - start)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    measure(quick=parser.parse_args().quick)
