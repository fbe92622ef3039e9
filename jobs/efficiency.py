"""What a model costs to train and to use: seconds, epochs, bytes on disk, seconds per sample.

Every job that makes a cell returns these figures, so they stand in `Costs.extra`, beside the
payload, which has to be the same bytes again. A job that trains and then predicts ends so::

    training = Training(lambda share: context.progress(share, "of the training"))
    with training:
        fitted = settings.fit(..., progress=training.progress)
    ...
    return {
        **training.figures(fitted.curves),
        "model_bytes": fp32_bytes(all_weights),
        **latency(fitted.predict, test),
    }

A figure NAME that could not be had is absent, and NAME_missing says why. The figures are
`train_s`, `epochs`, `resumed_at`, `train_rss_bytes` and `train_device_bytes` (peaks of the training
alone), `model_bytes` (what predicts, as it would lie on a disk: updates merged, weights in fp32),
`latency_1_s` and `latency_8_s` (seconds per sample at batch 1 and 8, from the text that the model
reads, masked already where it is, to the class) and the numbers of samples that these were measured
on. Measuring a latency is no cost of the job: its seconds are in none of the job's.
"""

import contextlib
import pickle
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Self, TypeVar

import numpy as np
from pydantic import JsonValue

from jobs.measuring import Measured, measuring, uncounted
from results.records import Curve

T = TypeVar("T")
Figures = dict[str, JsonValue]

BATCHES = (1, 8)
SAMPLES = 100  # as many as the seed paper's edge measurement has
REPEATS = 3
BUDGET_S = 1.0
_PATIENCE = 2  # budgets that one batch is expected to take at most, or it is not tried
_TRAIN_CURVES = ("train_loss", "refit_train_loss")
_FP32_BYTES = 4


def latency(
    predict: Callable[[Sequence[T]], object],
    samples: Sequence[T],
    *,
    repeats: int = REPEATS,
    budget_s: float = BUDGET_S,
) -> Figures:
    """Measure how long a prediction takes: seconds per sample at batch 1 and at batch 8.

    After one call that is not counted, up to `SAMPLES` samples, drawn evenly from all, are
    predicted `repeats` times over; the median pass counts. Where calls are slow, fewer samples are
    taken, fewer times: one batch size takes about `budget_s`, and at most five times that.

    Args:
        predict: takes a batch of samples and returns when their classes are known, which on a GPU
            is when they have come back to the host.
        samples: whatever `predict` takes, as raw as the model reads it.
        repeats: passes over the same samples, at most.
        budget_s: seconds for all passes of one batch size.

    Returns:
        `latency_1_s`, `latency_8_s`, and for each, with `_samples` for `_s`, how many samples it
        was measured on; or why there is none.
    """
    found: Figures = {}
    expected_s = 0.0
    with uncounted():
        for size in BATCHES:
            found |= _of_batch(predict, samples, size, repeats, budget_s, expected_s)
            one = found.get("latency_1_s")
            expected_s = BATCHES[-1] * one if isinstance(one, float) else float("inf")
    return found


def _of_batch(
    predict: Callable[[Sequence[T]], object],
    samples: Sequence[T],
    size: int,
    repeats: int,
    budget_s: float,
    expected_s: float,
) -> Figures:
    name = f"latency_{size}"
    batches = _batches(samples, size)
    if not batches:
        return {f"{name}_s_missing": f"{len(samples)} samples, and a batch has {size}"}
    if expected_s > _PATIENCE * budget_s:
        return {f"{name}_s_missing": f"a batch of {size} would take over {_PATIENCE * budget_s} s"}
    warm_s = _seconds(predict, batches[:1])
    if warm_s > _PATIENCE * budget_s:
        return {f"{name}_s_missing": f"a batch of {size} takes over {_PATIENCE * budget_s} s"}
    first, done = _pass(predict, batches, budget_s / repeats)
    passes = [first]
    while len(passes) < repeats and sum(passes) < budget_s:
        passes.append(_seconds(predict, batches[:done]))
    per_sample = float(np.median(passes)) / (done * size)
    return {f"{name}_s": float(f"{per_sample:.4g}"), f"{name}_samples": done * size}


def draw(number: int) -> list[int]:
    """Draw up to `SAMPLES` of so many samples, evenly and in no order that a corpus may have."""
    drawn: list[int] = np.random.default_rng(0).permutation(number)[:SAMPLES].tolist()
    return drawn


def _batches(samples: Sequence[T], size: int) -> list[list[T]]:
    """Put drawn samples into full batches."""
    drawn = draw(len(samples))
    full = len(drawn) // size
    return [[samples[i] for i in drawn[size * k : size * (k + 1)]] for k in range(full)]


def _pass(
    predict: Callable[[Sequence[T]], object], batches: Sequence[Sequence[T]], limit_s: float
) -> tuple[float, int]:
    """Predict batch by batch until the time is over; returns the seconds and how many were done."""
    total, done = 0.0, 0
    for batch in batches:
        total += _seconds(predict, [batch])
        done += 1
        if total > limit_s:
            break
    return total, done


def _seconds(predict: Callable[[Sequence[T]], object], batches: Sequence[Sequence[T]]) -> float:
    start = time.perf_counter()
    for batch in batches:
        predict(batch)
    return time.perf_counter() - start


class Training:
    """Times a training, and says what memory it took; `progress` is told of the share done.

    Loading a model and predicting with it are better left outside: in 4 bits, a training may take
    less memory than the merged model.
    """

    def __init__(self, progress: Callable[[float], None] = lambda share: None) -> None:
        """Remember who else wants to know the progress."""
        self._told = progress
        self._resumed_at: float | None = None
        self._stack = contextlib.ExitStack()
        self._cost = Measured()

    def __enter__(self) -> Self:
        """Start the clock."""
        self._cost = self._stack.enter_context(measuring())
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the clock."""
        self._stack.close()

    def progress(self, share: float) -> None:
        """Pass a share on; the first one tells what an earlier attempt had done."""
        if self._resumed_at is None:
            self._resumed_at = share
        self._told(share)

    def figures(self, curves: Iterable[Curve] = ()) -> Figures:
        """Give `train_s`, `train_rss_bytes`, `train_device_bytes` and, from curves, `epochs`.

        Of a training that went on where an earlier attempt was interrupted the seconds are not
        known; `resumed_at` is the share that it had done.
        """
        found: Figures = {} if (number := epochs(curves)) is None else {"epochs": number}
        found["train_rss_bytes"] = self._cost.peak_rss_bytes
        if self._cost.peak_device_bytes:
            found["train_device_bytes"] = self._cost.peak_device_bytes
        if self._resumed_at:
            reason = f"resumed at {self._resumed_at:.0%}, what went before was not timed"
            return {**found, "resumed_at": self._resumed_at, "train_s_missing": reason}
        return {**found, "train_s": round(self._cost.wall_s, 3)}


def epochs(curves: Iterable[Curve]) -> float | None:
    """Count the epochs that were trained, those of a training on all of train included."""
    ends = [
        curve.at[-1]
        for curve in curves
        if curve.name in _TRAIN_CURVES and curve.unit == "epoch" and curve.at
    ]
    return sum(ends) if ends else None


def fp32_bytes(weights: int) -> int:
    """Return what a number of weights takes in the published sizes' format, fp32."""
    return _FP32_BYTES * weights


def pickled_bytes(model: object) -> Figures:
    """Give `model_bytes` of something without weights of its own format, a forest for instance."""
    counter = _Counter()
    try:
        pickle.dump(model, counter, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        return {"model_bytes_missing": f"cannot be saved: {error}"}
    return {"model_bytes": counter.bytes}


class _Counter:
    """A file that only counts."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, data: bytes) -> int:
        size = memoryview(data).nbytes
        self.bytes += size
        return size


def added(parts: Sequence[Mapping[str, JsonValue]], name: str) -> Figures:
    """Add up one figure of several steps in a row; absent where a step does not have it."""
    values = [part.get(name) for part in parts]
    known = [value for value in values if isinstance(value, int | float)]
    if len(known) == len(values):
        return {name: sum(known)}
    reasons = [str(why) for part in parts if (why := part.get(f"{name}_missing"))]
    return {f"{name}_missing": "; ".join(reasons) or "not measured"}
