"""How long does the reference CNN train, and in how much memory?

    python benchmarks/network_training.py [--quick]

An epoch of `ResidualCnn.fit` against one of the loop that anybody would write: the same network
from `nn.Embedding` and `nn.Conv1d`, documents in random batches padded to the context, AdamW, the
same weighted loss. A third loop pads a batch to its longest document only. The documents are
synthetic; their lengths spread as those of real logs do. Memory is the peak of a process that
takes training steps on documents of 200,000 characters.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from figures import emit, peak_bytes
from torch import nn
from torch.nn import functional

from classifiers.characters import CharVocabulary
from classifiers.losses import class_weights
from classifiers.residual_cnn import ResidualCnn
from corpora.tm500 import Tm500

CONTEXT, SPREAD, MEDIAN = 20_000, 0.95, 3_800  # of characters; SPREAD is lognormal's sigma
CLASSES = 4


def measure(*, quick: bool) -> None:
    """Emit the figures of time and of memory."""
    documents = 32 if quick else 192
    settings = ResidualCnn(context=CONTEXT, epochs=3, refit=False)
    texts, labels = _documents(documents)
    ours, padded, longest = _seconds(settings, texts, labels, rounds=1 if quick else 2)
    conditions = {
        "documents": documents,
        "characters": sum(min(len(text), CONTEXT) for text in texts),
        "context": CONTEXT,
        "batch_size": settings.batch_size,
        "threads": torch.get_num_threads(),
        "seconds": {
            "ours": round(ours, 2),
            "padded": round(padded, 2),
            "longest": round(longest, 2),
        },
    }
    for name, theirs in (("padded to the context", padded), ("padded to the longest", longest)):
        ratio = ours / theirs
        emit(
            f"time per epoch / plain PyTorch loop, {name}",
            round(ratio, 3),
            goal="<= 0.4",
            met=ratio <= 0.4,
            **conditions,
        )
    _memory(quick=quick)


def _documents(count: int) -> tuple[list[str], np.ndarray]:
    """Synthetic logs whose lengths are spread as those of kernel console logs."""
    generator = np.random.default_rng(0)
    lengths = np.exp(generator.normal(np.log(MEDIAN), SPREAD, count)).astype(int).clip(40, 100_000)
    source = "".join("".join(d.parts) for d in Tm500(num_documents=200, seed=0).documents())
    starts = generator.integers(0, len(source) - lengths.max(), count)
    texts = [source[s : s + n] for s, n in zip(starts, lengths, strict=True)]
    return texts, generator.integers(0, CLASSES, count)


def _seconds(
    settings: ResidualCnn, texts: list[str], labels: np.ndarray, *, rounds: int
) -> tuple[float, float, float]:
    """Least seconds of an epoch: ours, padded to the context, padded to the longest of a batch."""
    best = [float("inf")] * 3
    for _ in range(rounds):
        best[0] = min(best[0], _ours(settings, texts, labels))
        best[1] = min(best[1], *_plain(settings, texts, labels, to_context=True))
        best[2] = min(best[2], *_plain(settings, texts, labels, to_context=False))
    return best[0], best[1], best[2]


def _ours(settings: ResidualCnn, texts: list[str], labels: np.ndarray) -> float:
    moments: dict[float, float] = {}
    classes = [str(number) for number in range(CLASSES)]
    with tempfile.TemporaryDirectory() as workdir:
        settings.fit(
            [[text] for text in texts],
            [classes[label] for label in labels],
            np.zeros(len(texts), dtype=bool),
            classes=classes,
            seed=0,
            workdir=Path(workdir),
            progress=lambda share: moments.setdefault(share, time.perf_counter()),
        )
    steps = -(-len(texts) // settings.batch_size)
    at = list(moments.values())  # the start, then after each step
    return min(at[(e + 1) * steps] - at[e * steps] for e in range(1, settings.epochs))


class _Plain(nn.Module):
    """The same network as anybody would write it down."""

    def __init__(self, settings: ResidualCnn, vocabulary: int):
        super().__init__()
        s = self.settings = settings
        self.embedding = nn.Embedding(vocabulary, s.embedding)
        self.stem = nn.Conv1d(s.embedding, s.channels, s.stem_width, s.stem_stride, padding=5)
        self.layers = nn.ModuleList(
            nn.Conv1d(s.channels, s.channels, s.layer_width, padding="same")
            for _ in range(s.layers - 1)
        )
        self.drop = nn.Dropout(s.dropout)
        self.dense, self.output = nn.Linear(s.channels, s.dense), nn.Linear(s.dense, CLASSES)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.stem(self.embedding(ids).transpose(1, 2)))
        for layer in self.layers:
            hidden = functional.max_pool1d(hidden, self.settings.pool)
            hidden = hidden + functional.relu(layer(hidden))
        hidden = self.drop(hidden.amax(dim=2))
        return self.output(self.drop(functional.relu(self.dense(hidden))))


def _plain(
    settings: ResidualCnn, texts: list[str], labels: np.ndarray, *, to_context: bool
) -> Iterator[float]:
    """Seconds of each epoch of the plain loop; of the first, which warms up, none."""
    vocabulary = CharVocabulary.learn([[text] for text in texts], settings.alphabet)
    ids = [vocabulary.encode([t], context=CONTEXT, keep="head").ids for t in texts]
    torch.manual_seed(0)
    network = _Plain(settings, vocabulary.size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate)
    weights = torch.tensor(class_weights(labels, CLASSES), dtype=torch.float32)
    generator = np.random.default_rng(0)
    for epoch in range(2):
        started = time.perf_counter()
        order = generator.permutation(len(ids))
        for start in range(0, len(order), settings.batch_size):
            rows = order[start : start + settings.batch_size]
            longest = CONTEXT if to_context else max(len(ids[i]) for i in rows)
            batch = np.zeros((len(rows), longest), dtype=np.int64)
            for row, i in zip(batch, rows, strict=True):
                row[: len(ids[i])] = ids[i]
            target = torch.from_numpy(labels[rows])
            loss = functional.cross_entropy(network(torch.from_numpy(batch)), target, weights)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        if epoch:
            yield time.perf_counter() - started


def _memory(*, quick: bool) -> None:
    steps = 1 if quick else 3
    command = [sys.executable, __file__, "--steps", str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    gb = told["peak_bytes"] / 1e9
    emit(
        "peak memory of a process that trains on 200,000 characters per document, GB",
        round(gb, 2),
        goal="<= 4",
        met=gb <= 4,
        steps=steps,
        batch_size=told["batch_size"],
        before_training_gb=round(told["before_bytes"] / 1e9, 2),
    )


def _train_long(steps: int) -> None:
    """Take training steps on full batches of 200,000 characters per document; tell the peak."""
    settings = ResidualCnn(context=200_000, epochs=1, refit=False)
    source, _ = _documents(200)
    whole = "".join(source)
    whole *= 1 + 200_000 * 2 // len(whole)
    texts = [[whole[i : i + 200_000]] for i in range(settings.batch_size * steps)]
    before = peak_bytes()
    with tempfile.TemporaryDirectory() as workdir:
        settings.fit(
            texts,
            [str(i % CLASSES) for i in range(len(texts))],
            np.zeros(len(texts), dtype=bool),
            classes=[str(number) for number in range(CLASSES)],
            seed=0,
            workdir=Path(workdir),
        )
    told = {"peak_bytes": peak_bytes(), "before_bytes": before, "batch_size": settings.batch_size}
    print(json.dumps(told))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    parser.add_argument("--steps", type=int, help="take these steps; used by the benchmark")
    arguments = parser.parse_args()
    if arguments.steps is not None:
        _train_long(arguments.steps)
    else:
        measure(quick=arguments.quick)
