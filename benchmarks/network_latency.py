"""How long does the edge model take for a long log, and does it say what the network says?

    python benchmarks/network_latency.py [--quick]

A reference CNN learns a while on SYNTHETIC logs, is exported, and classifies one log of 50,000
characters: the house's own network in torch eager, fp32, against onnxruntime on `model.int8.onnx`,
both on one thread of one process, in turns of five calls; the best time of each counts. The best
time of a turn's first call, which finds the other side's data in the caches, is told beside it.
Labels are compared on documents the network has not seen, with the torch network's labels. Wider
networks follow with random weights: their time means something, their labels do not.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from figures import emit

from classifiers.characters import CharVocabulary
from classifiers.cnn_training import build_network
from classifiers.edge import INPUT, OUTPUT, EdgeModel
from classifiers.export import FILES, Written, describe, export
from classifiers.residual_cnn import FittedCnn, ResidualCnn
from corpora.tm500 import Tm500

CHARACTERS = 50_000
CALLS = 5  # in a row
GOAL, AGREEMENT = 0.20, 0.99
WIDER = (128, 192)

Texts = list[tuple[str, ...]]


@dataclass(frozen=True)
class Corpus:
    """Synthetic documents: some to learn from, some to compare labels on, one long one."""

    train: Texts
    labels: list[str]
    test: Texts
    long: str


def measure(*, quick: bool) -> None:
    """Emit ratio and agreement of the default network, and the ratios of wider ones."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    corpus = _corpus(320 if quick else 1200, train=120 if quick else 600)
    with tempfile.TemporaryDirectory() as folder:
        fitted = _learnt(corpus, Path(folder), epochs=15 if quick else 60)
        _figures(fitted, corpus, Path(folder), rounds=10 if quick else 40, learnt=True)
        for channels in WIDER[:1] if quick else WIDER:
            other = _random(fitted, channels)
            _figures(other, corpus, Path(folder), rounds=4 if quick else 20, learnt=False)
    torch.set_num_threads(threads)


def _corpus(documents: int, *, train: int) -> Corpus:
    loader = Tm500(num_documents=documents, median_chars=490, seed=5)
    found = [(tuple(d.parts), str(d.fields["label"])) for d in loader.documents()]
    order = np.random.default_rng(0).permutation(documents)
    texts, labels = zip(*(found[i] for i in order), strict=True)
    text = "".join("".join(parts) for parts in texts[train:])
    return Corpus(list(texts[:train]), list(labels[:train]), list(texts[train:]), text[:CHARACTERS])


def _learnt(corpus: Corpus, folder: Path, *, epochs: int) -> FittedCnn:
    valid = np.arange(len(corpus.train)) % 5 == 4
    settings = ResidualCnn(context=CHARACTERS, epochs=epochs, refit=False)
    classes = sorted(set(corpus.labels))
    (folder / "training").mkdir()
    return settings.fit(
        corpus.train, corpus.labels, valid, classes=classes, seed=0, workdir=folder / "training"
    )


def _random(fitted: FittedCnn, channels: int) -> FittedCnn:
    settings = ResidualCnn(context=CHARACTERS, channels=channels)
    vocabulary = CharVocabulary(fitted.vocabulary.characters)
    network = build_network(settings, vocabulary, len(fitted.classes), seed=0).eval()
    return FittedCnn(settings, vocabulary, fitted.classes, network, curves=[])


def _figures(fitted: FittedCnn, corpus: Corpus, folder: Path, *, rounds: int, learnt: bool) -> None:
    test = corpus.test if learnt else corpus.test[:10]
    description = describe(
        fitted,
        name="benchmark",
        max_word_chars=None,
        max_line_chars=None,
        view={"text": "cleaned"},
        marks=("synthetic data",),
    )
    written = export(fitted, description, folder, train=corpus.train, test=test)
    first, seconds = _seconds(fitted, corpus.long, folder, rounds)
    ratio = seconds["int8"] / seconds["torch"]
    name = "latency int8 / torch eager fp32 (50,000 characters, 1 core)"
    emit(
        name if learnt else f"{name}, {fitted.settings.channels} channels",
        round(ratio, 3),
        goal=f"<= {GOAL}",
        met=ratio <= GOAL,
        **_conditions(fitted, written["int8"], learnt=learnt),
        milliseconds=_milliseconds(seconds),
        first_call_milliseconds=_milliseconds(first),
        first_call_ratio=round(first["int8"] / first["torch"], 3),
        rounds=rounds,
    )
    if learnt:
        _agreement(fitted, written["fp32"], written["int8"], test)


def _agreement(fitted: FittedCnn, fp32: Written, int8: Written, test: Texts) -> None:
    emit(
        "label agreement int8",
        round(int8.agreement, 4),
        goal=f">= {AGREEMENT}",
        met=int8.agreement >= AGREEMENT,
        data="synthetic (tm500)",
        documents=len(test),
        labels_met=sorted(set(int8.predicted)),
        largest_difference=round(int8.deviation, 4),
        fp32_agreement=fp32.agreement,
        fp32_largest_difference=fp32.deviation,
        bytes={"fp32": fp32.size_bytes, "int8": int8.size_bytes},
        best_epoch=fitted.best_epoch,
    )


def _milliseconds(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(1000 * value, 2) for name, value in seconds.items()}


def _conditions(fitted: FittedCnn, int8: Written, *, learnt: bool) -> dict[str, object]:
    return {
        "data": "synthetic (tm500)",
        "weights": "learnt" if learnt else "random",
        "channels": fitted.settings.channels,
        "layers": fitted.settings.layers,
        "parameters": fitted.parameters,
        "alphabet": len(fitted.vocabulary.characters),
        "int8_bytes": int8.size_bytes,
    }


def _seconds(
    fitted: FittedCnn, text: str, folder: Path, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Time one pass of each, one thread each: the best first call of a turn, the best of all."""
    ids = fitted.encode((text,)).ids[None]
    row, lengths = torch.from_numpy(ids), torch.tensor([ids.shape[1]])
    feed = {INPUT: ids.astype(np.int32)}
    runs: dict[str, Callable[[], object]] = {"torch": lambda: fitted.network(row, lengths)}
    for precision, file in FILES.items():
        session = EdgeModel.open(folder / file).session
        runs[precision] = lambda session=session: session.run([OUTPUT], feed)  # type: ignore[misc]
    first, best = (dict.fromkeys(runs, float("inf")) for _ in range(2))
    with torch.no_grad():
        for _ in range(rounds):
            for name, run in runs.items():
                times = [_timed(run) for _ in range(CALLS)]
                first[name] = min(first[name], times[0])
                best[name] = min(best[name], *times)
    return first, best


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    measure(quick=parser.parse_args().quick)


if __name__ == "__main__":
    main()
