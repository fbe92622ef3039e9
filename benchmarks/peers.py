"""Other libraries that embed, on the same windows as ours, won or lost.

    python benchmarks/peers.py [--quick] [--envs DIR]
    python benchmarks/peers.py --install [--envs DIR]

Each peer lives in an environment of its own under DIR, which `--install` makes, with MiniLM
exported from its local weights where the peer needs a format of its own. Texts are a random sample
of the distinct windows of HDFS event sequences (or of synthetic logs). Peer and ours take turns on
them, the peer with the batch size that suits it best; tokenization is counted on both sides,
loading on neither. Ours is the dense forward pass: no window of the sample repeats.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from figures import emit, unmeasured
from jaxtyping import Float
from peer_processes import Ours, Peer, SentenceTransformers, Worker
from peer_sentence_transformers import encode_seconds
from peer_windows import Windows, sample_windows

from adapters.minilm import MiniLMAdapter

__all__ = ["encode_seconds", "install", "measure"]

ENVS = Path.home() / ".cache" / "logmark-peers"
WORKER = Path(__file__).parent / "peer_worker.py"
CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
THREADS = 2

REQUIREMENTS = {
    "openvino": ("sentence-transformers==6.2.0", "optimum-intel[openvino]==2.1.0"),
    "onnxruntime": ("onnxruntime==1.31.1", "optimum-onnx==0.1.0"),
    "fastembed": ("fastembed==0.9.1",),
    "infinity": ("infinity-emb[torch]==0.0.78", "transformers<5"),
    "ctranslate2": ("ctranslate2==4.8.5", "transformers==5.23.0"),
    "compile": ("zentorch==2.13.0.2", "sentence-transformers==6.2.0"),
}
"""Environment -> what is installed there; torch is the one in constraints.txt everywhere."""

EXPORTING = ("openvino", "onnxruntime", "ctranslate2")


@dataclass(frozen=True)
class Entry:
    """A row of the table.

    Attributes:
        label: the peer and what it computes in.
        environment: a key of `REQUIREMENTS`; None for this process.
        precision: as the peer's worker knows it.
        quick: whether `--quick` measures it too.
    """

    label: str
    environment: str | None
    precision: str
    quick: bool = False


ENTRIES = (
    Entry("sentence-transformers fp32", None, "fp32"),
    Entry("sentence-transformers bf16", None, "bf16", quick=True),
    Entry("sentence-transformers, OpenVINO fp32", "openvino", "fp32"),
    Entry("sentence-transformers, OpenVINO bf16", "openvino", "bf16", quick=True),
    Entry("ONNX Runtime fp32", "onnxruntime", "fp32"),
    Entry("ONNX Runtime int8 (other vectors)", "onnxruntime", "int8"),
    Entry("fastembed fp32", "fastembed", "fp32"),
    Entry("infinity-emb fp32", "infinity", "fp32"),
    Entry("infinity-emb bf16", "infinity", "bf16"),
    Entry("CTranslate2 fp32", "ctranslate2", "fp32"),
    Entry("CTranslate2 int8 (other vectors)", "ctranslate2", "int8"),
    Entry("sentence-transformers, torch.compile bf16", "compile", "inductor"),
    Entry("sentence-transformers, zentorch bf16", "compile", "zentorch"),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured."""

    windows: int
    tuning: int
    rounds: int
    batch_sizes: tuple[int, ...]


FULL = Plan(windows=64, tuning=32, rounds=6, batch_sizes=(2, 4, 8, 16, 32))
QUICK = Plan(windows=16, tuning=8, rounds=2, batch_sizes=(8,))


def main() -> None:
    """Install the peers, or measure those that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer windows and peers")
    parser.add_argument("--install", action="store_true", help="make the environments, and end")
    parser.add_argument("--envs", type=Path, default=ENVS, help="where the environments are")
    parser.add_argument("--only", help="peers whose name holds this")
    options = parser.parse_args()
    if options.install:
        install(options.envs)
    else:
        measure(quick=options.quick, envs=options.envs, only=options.only)


def install(root: Path) -> None:
    """Make one environment per peer under `root`, and export the model; what is there stays."""
    for name, requirements in REQUIREMENTS.items():
        python = _python(root, name)
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", root / name], check=True)
        torch_pin = _pinned("torch")
        options = ["--quiet", "--disable-pip-version-check", torch_pin, *requirements]
        if name == "fastembed":  # needs no torch
            options.remove(torch_pin)
        done = subprocess.run([python, "-m", "pip", "install", *options], check=False)
        if done.returncode == 0 and name in EXPORTING:
            done = subprocess.run(_command(root, name, "export", Path()), check=False)
        print(f"{name}: {'ready' if done.returncode == 0 else 'failed'}", file=sys.stderr)


def _pinned(package: str) -> str:
    lines = CONSTRAINTS.read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{package}=="))


def _python(root: Path, name: str) -> Path:
    return root / name / "bin" / "python"


def _command(root: Path, name: str, precision: str, windows: Path) -> list[str | Path]:
    places = (MiniLMAdapter().folder(), root / "exports", windows)
    return [_python(root, name), WORKER, name, precision, *places]


def measure(*, quick: bool, envs: Path | None = None, only: str | None = None) -> None:
    """Print one figure per peer: its time over that of our dense forward pass."""
    plan, root = (QUICK if quick else FULL), envs or ENVS
    entries = [entry for entry in ENTRIES if not only or only.lower() in entry.label.lower()]
    torch.set_num_threads(THREADS)
    sampled = sample_windows(plan.windows)
    ours = {dtype: Ours(dtype) for dtype in ("bf16", "fp32")}
    truth = ours["fp32"].encode(sampled.texts)
    with sampled.file() as path:
        for entry in entries:
            reason = _missing(entry, root, quick=quick)
            if reason is not None:
                unmeasured(_figure(entry), reason=reason)
                continue
            try:
                with _start(entry, root, path, sampled.texts) as peer:
                    _measure(entry, peer, ours, truth, sampled, plan)
            except RuntimeError as error:
                unmeasured(_figure(entry), reason=str(error))


def _figure(entry: Entry) -> str:
    return f"time of {entry.label} / our dense forward in bf16, same windows"


def _missing(entry: Entry, root: Path, *, quick: bool) -> str | None:
    """Say why a row cannot be measured; None where it can."""
    name = entry.environment
    if name is not None and not _python(root, name).exists():
        place = "" if root == ENVS else f" --envs {root}"
        return f"no environment {name!r} in {root}: python benchmarks/peers.py --install{place}"
    if quick and not entry.quick:
        return "left out by --quick"
    return None


def _start(entry: Entry, root: Path, windows: Path, texts: Sequence[str]) -> Peer:
    if entry.environment is None:
        return SentenceTransformers(entry.precision, texts)
    return Worker(_command(root, entry.environment, entry.precision, windows))


def _measure(
    entry: Entry,
    peer: Peer,
    ours: dict[str, Ours],
    truth: Float[np.ndarray, "n d"],
    sampled: Windows,
    plan: Plan,
) -> None:
    """Choose the peer's batch size, take turns, and print the ratio of the best times."""
    tuned = {
        size: peer.seconds(plan.tuning, size) for size in (*plan.batch_sizes[:1], *plan.batch_sizes)
    }
    batch_size = min(tuned, key=lambda size: tuned[size])
    times: dict[str, list[float]] = {"peer": [], "bf16": [], "fp32": []}
    for _ in range(plan.rounds):
        times["peer"].append(peer.seconds(plan.windows, batch_size))
        for dtype, own in ours.items():
            times[dtype].append(own.seconds(sampled.texts))
    best = {who: min(found) for who, found in times.items()}
    speeds = {f"{who}_tokens_per_s": round(sampled.tokens / s) for who, s in best.items()}
    cosine = (_unit(peer.vectors(plan.windows, batch_size)) * _unit(truth)).sum(axis=1).min()
    emit(
        _figure(entry),
        round(best["peer"] / best["bf16"], 2),
        won=best["peer"] > best["bf16"],
        against_ours_fp32=round(best["peer"] / best["fp32"], 2),
        **speeds,
        cosine_min=round(float(cosine), 5),
        batch_size=batch_size,
        **peer.facts,
        **sampled.facts,
        rounds=plan.rounds,
        threads=THREADS,
    )


def _best_batch_size(peer: Peer, plan: Plan) -> int:
    """Try the batch sizes on a part of the sample, the first one twice to warm up."""
    peer.seconds(plan.tuning, plan.batch_sizes[0])
    if len(plan.batch_sizes) == 1:
        return plan.batch_sizes[0]
    tuned = {size: peer.seconds(plan.tuning, size) for size in plan.batch_sizes}
    return min(tuned, key=lambda size: tuned[size])


def _unit(vectors: Any) -> Float[np.ndarray, "n d"]:
    found: Float[np.ndarray, "n d"] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


if __name__ == "__main__":
    main()
