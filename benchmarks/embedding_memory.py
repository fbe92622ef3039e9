"""How much memory does embedding take beside the model: a gigabyte of log lines, none repeated.

    python benchmarks/embedding_memory.py [--quick]

The `embed` job runs in a process of its own with an encoder that is a table (`stub_encoder.py`), as
`logmark run` runs it: documents from Parquet, shards into a store. What the process held when the
encoder was loaded is taken off its peak. `--quick` reads 20 MB.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from figures import emit, peak_bytes

DOCUMENT_CHARS = 10_000
_LINE = (
    "{number:012x} I: RRC measurement report of the serving cell was taken and filed as usual now"
)


def measure(*, quick: bool) -> None:
    """Emit the figure of memory."""
    size = 20_000_000 if quick else 1_000_000_000
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), size)
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "--job", folder],
            capture_output=True,
            text=True,
            check=True,
        )
        elapsed_s = time.perf_counter() - started
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    gib = told["peak_bytes"] / 2**30
    emit(
        "peak memory minus the loaded model, stub encoder, GiB",
        round(gib, 3),
        goal="<= 1",
        met=gib <= 1,
        input_bytes=size,
        documents=size // DOCUMENT_CHARS,
        windows=told["windows"],
        distinct_windows=told["distinct_windows"],
        bytes_per_distinct_window=round(told["peak_bytes"] / told["distinct_windows"]),
        seconds=round(elapsed_s),
    )


def _write(folder: Path, size: int) -> None:
    """Write documents of 10,000 characters, no line of which comes twice."""
    from corpora.storage import DocumentWriter

    lines = DOCUMENT_CHARS // (len(_LINE.format(number=0)) + 1)
    (folder / "corpus").mkdir()
    with DocumentWriter(folder / "corpus" / "documents.parquet") as writer:
        for document in range(size // DOCUMENT_CHARS):
            numbers = range(document * lines, (document + 1) * lines)
            writer.add(
                str(document), ["\n".join(_LINE.format(number=n) for n in numbers) + "\n"], None
            )


def _job(folder: Path) -> None:
    """Embed what lies in `folder`; print the peak, and what was embedded."""
    import torch

    from adapters.registry import code_of, make
    from embedders.batching import BUDGETS, PADDING, SHARD_TOKENS
    from jobs.embed import run
    from jobs.hand import Here
    from jobs.job import Context
    from jobs.pieces import Pieces
    from jobs.task import Task

    torch.set_num_threads(1)
    name = f"{Path(__file__).parent / 'stub_encoder.py'}:Stub"
    params = {
        "adapter": "stub",
        "settings": {"context": 256},
        "identity": {},
        "code": code_of(name),
        "view": {"text": "cleaned", "drop_numbers": False},
        "device": "cpu",
        "precision": "fp32",
        "attention": "sdpa",
        "threads": 1,
        "overlap": None,
        "batch_tokens": BUDGETS["cpu"],
        "padding": PADDING,
        "shard_tokens": SHARD_TOKENS,
        "precision_check": 0,
        "exact": None,
    }
    task = Task(
        id="embed",
        kind="embed",
        key="stub",
        params=params,
        store=Store(folder / "store"),
        log=folder / "log",
        threads=1,
        local={"adapter": name},
    )
    pieces = Pieces(task.store, {}, here=lambda progress: Here(task, progress))
    make(name, {}).load(device="cpu")
    before = psutil.Process().memory_info().rss
    out = folder / "out"
    out.mkdir()
    context = Context(scratch=folder, local=task.local, pieces=pieces)
    run(params, {"corpus": folder / "corpus"}, out, context)
    peak = peak_bytes()
    card = json.loads((out / "card.json").read_text())
    told = {key: card[key] for key in ("windows", "distinct_windows")}
    print(json.dumps({**told, "peak_bytes": peak - before}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    parser.add_argument("--job", type=Path, help="run the job itself; used by the benchmark")
    arguments = parser.parse_args()
    if arguments.job is not None:
        _job(arguments.job)
    else:
        measure(quick=arguments.quick)
