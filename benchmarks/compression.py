"""What do QLoRA and structured pruning save, and what do they cost in quality?

    python benchmarks/compression.py [--quick] [--workdir DIR]

Latency (one thread) and memory are those of BERT-base's SHAPE with RANDOM weights, on the tokens of
a median HDFS event sequence; they are ratios of two things measured in one run. Quality is that of
MiniLM's real weights on real HDFS event sequences: suites/compression.yaml is run (LOGMARK_SHARED
must name their folder) and its records are read. The published memory is a GPU's; without one it is
the host's. `--quick` measures shorter texts, fewer layers in training, and runs no suite.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from compression_memory import BATCH, BERT_BASE, measured, write_checkpoint
from figures import emit, unmeasured

from results.run import Run
from results.statistics import generator, percentile_interval

SUITE = Path(__file__).parents[1] / "suites" / "compression.yaml"
TOKENS = 436  # of the median of the 22,421 HDFS event sequences, MiniLM's (BERT's) tokenizer
KEPT = 320  # of 3072 neurons: a tenth, rounded to a multiple of 32
LATENCY = "latency, 90 % pruned / full, batch 1, BERT-base shape, CPU"
MEMORY = "peak training memory, QLoRA / full, BERT-base shape"
QUALITY = "F1 of anomalies, QLoRA + 90 % pruned minus full"
LATENCY_GOAL, MEMORY_GOAL, QUALITY_GOAL = 0.55, 0.15, -0.01
DRAWS = 4000
ROWS = {
    "full": ("full", "finetuned"),
    "QLoRA": ("qlora", "finetuned"),
    "QLoRA + 90 % pruned": ("qlora", "pruned-90"),
}


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    parser.add_argument("--workdir", type=Path, help="keep the suite's run here, and reuse it")
    options = parser.parse_args()
    _latencies(quick=options.quick)
    _memory(quick=options.quick)
    _quality(quick=options.quick, workdir=options.workdir)


def _latencies(*, quick: bool) -> None:
    threads, tokens = torch.get_num_threads(), 64 if quick else TOKENS
    torch.set_num_threads(1)
    models = {"full": _model(BERT_BASE["intermediate_size"]), "pruned": _model(KEPT)}
    for batch in (1, 8):
        seconds = _in_turns(models, _ids(batch, tokens), rounds=2 if quick else 10)
        ratio = seconds["pruned"] / seconds["full"]
        emit(
            LATENCY.replace("batch 1", f"batch {batch}"),
            round(ratio, 3),
            goal=f"<= {LATENCY_GOAL}" if batch == 1 else None,
            met=ratio <= LATENCY_GOAL if batch == 1 else None,
            published={"GPU": 0.55, "Raspberry Pi 5": 0.59},
            milliseconds={name: round(1000 * value, 1) for name, value in seconds.items()},
            weights="random",
            precision="fp32",
            neurons={"full": BERT_BASE["intermediate_size"], "pruned": KEPT},
            tokens=tokens,
            threads=1,
        )
    torch.set_num_threads(threads)


def _ids(batch: int, tokens: int) -> torch.Tensor:
    return torch.randint(5, 1000, (batch, tokens), generator=torch.Generator().manual_seed(0))


def _model(neurons: int) -> Any:
    from transformers import BertConfig, BertForSequenceClassification

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BertForSequenceClassification(
            BertConfig(**{**BERT_BASE, "intermediate_size": neurons})
        ).eval()


def _in_turns(models: Mapping[str, Any], ids: torch.Tensor, *, rounds: int) -> dict[str, float]:
    """Time each in turn, `rounds` times over; the best of each counts. The first is warm-up."""
    best = dict.fromkeys(models, float("inf"))
    with torch.inference_mode():
        for number in range(rounds + 1):
            for name, model in models.items():
                started = time.perf_counter()
                model(input_ids=ids)
                if number:
                    best[name] = min(best[name], time.perf_counter() - started)
    return best


def _memory(*, quick: bool) -> None:
    """Compare trainings of a few steps, each in a fresh process."""
    changes = {"num_hidden_layers": 2, "vocab_size": 3000} if quick else {}
    sizes = {"tokens": 64, "steps": 1} if quick else {"tokens": TOKENS, "steps": 2}
    rows = {"": {}, ", gradient checkpointing": {"checkpointing": 1}}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_checkpoint(Path(folder), **changes)
        try:
            full = measured(checkpoint, method="full", **sizes)
            for name, more in rows.items():
                found = measured(checkpoint, method="qlora", **sizes, **more)
                _emit_memory(name, full, found, {**BERT_BASE, **changes}, sizes)
        except RuntimeError as error:
            unmeasured(MEMORY, goal=f"<= {MEMORY_GOAL}", reason=str(error))


def _emit_memory(
    name: str, full: Mapping[str, Any], found: Mapping[str, Any], shape: Any, sizes: Any
) -> None:
    on_gpu = full["device_bytes"] is not None
    what = "device_bytes" if on_gpu else "training_bytes"
    ratio = found[what] / full[what]
    emit(
        MEMORY + name,
        round(ratio, 3),
        goal=f"<= {MEMORY_GOAL}",
        met=ratio <= MEMORY_GOAL,
        measured="GPU, peak allocated" if on_gpu else "host, growth of VmHWM over the imports'",
        published="0.15 of GPU memory (378 of 2,529 MB)",
        megabytes={"full": round(full[what] / 1e6), "qlora": round(found[what] / 1e6)},
        megabytes_with_loading={
            "full": round(full["with_loading_bytes"] / 1e6),
            "qlora": round(found["with_loading_bytes"] / 1e6),
        },
        weights="random",
        precision="fp32",
        batch=BATCH,
        shape=shape,
        **sizes,
    )


def _quality(*, quick: bool, workdir: Path | None) -> None:
    goal = f">= {QUALITY_GOAL}"
    if quick or "LOGMARK_SHARED" not in os.environ:
        reason = "LOGMARK_SHARED does not name the folder of the logs"
        unmeasured(QUALITY, goal=goal, reason="--quick runs no suite" if quick else reason)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = (workdir or Path(scratch)).absolute()
        command = [sys.executable, "-m", "suite.cli", "run", str(SUITE), "--workdir", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            unmeasured(QUALITY, goal=goal, reason=(done.stderr or done.stdout).strip())
            return
        run = Run.open(folder / SUITE.stem)
        for seed in sorted({record.seed for record in run.records}):
            _emit_quality(dict(_told(run, seed)), seed)


Told = tuple[np.ndarray, np.ndarray]


def _told(run: Run, seed: int) -> Iterator[tuple[str, Told]]:
    """Yield of each row which test documents are anomalies, and which it says are."""
    cells = {(r.model, r.classifier): r for r in run.records if r.seed == seed and r.cell}
    for name, key in ROWS.items():
        if key in cells:
            frame = run.predictions(cells[key]).sort_values("id")
            label, said = ((frame[one] == "anomaly").to_numpy() for one in ("label", "predicted"))
            yield name, (label, said)


def _emit_quality(rows: Mapping[str, Told], seed: int) -> None:
    missing = [name for name in ROWS if name not in rows]
    if missing:
        reason = f"no cell of {', '.join(missing)} under seed {seed}"
        unmeasured(QUALITY, goal=f">= {QUALITY_GOAL}", reason=reason)
        return
    draws = _draws(rows["full"][0])
    found = {name: _f1(*told, draws) for name, told in rows.items()}
    for name, values in found.items():
        emit(f"F1 of anomalies, {name}", round(float(values[0]), 4), **_interval(values), seed=seed)
    gain = found["QLoRA + 90 % pruned"] - found["full"]
    emit(
        QUALITY,
        round(float(gain[0]), 4),
        goal=f">= {QUALITY_GOAL}",
        met=bool(gain[0] >= QUALITY_GOAL),
        **_interval(gain),
        seed=seed,
        weights="all-MiniLM-L6-v2",
        test_documents=len(rows["full"][0]),
        published={"full": 0.919, "QLoRA": 0.916, "QLoRA + 90 % pruned": 0.944},
    )


def _interval(values: np.ndarray) -> dict[str, list[float]]:
    interval = percentile_interval(values[1:])
    return {"interval_95": [round(interval.low, 4), round(interval.high, 4)]}


def _draws(label: np.ndarray) -> np.ndarray:
    """How often each document counts: once, then as drawn within its class, 1 + DRAWS times n."""
    rng, counts = generator(QUALITY), np.ones((1 + DRAWS, len(label)), dtype=np.int16)
    for rows in (np.flatnonzero(label), np.flatnonzero(~label)):
        if len(rows):
            even = np.full(len(rows), 1 / len(rows))
            counts[1:, rows] = rng.multinomial(len(rows), even, size=DRAWS)
    return counts


def _f1(label: np.ndarray, said: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """F1 of anomalies in each draw; 0 where there is none and none is said."""
    hits, ours, theirs = (draws @ one.astype(np.int64) for one in (label & said, label, said))
    return np.asarray(2 * hits / np.maximum(ours + theirs, 1))


if __name__ == "__main__":
    main()
