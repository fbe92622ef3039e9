"""Figures of cost: latencies follow the predictor, time is bounded, what is missing says why."""

import time
from collections.abc import Sequence

import numpy as np
import pytest

from jobs.efficiency import SAMPLES, Training, added, epochs, fp32_bytes, latency, pickled_bytes
from jobs.measuring import measuring
from results.records import Curve


class Slow:
    """Takes a time for each call and for each sample; remembers what it was given."""

    def __init__(self, *, call_s: float = 0.0, sample_s: float = 0.0) -> None:
        self.call_s, self.sample_s = call_s, sample_s
        self.batches: list[list[int]] = []

    def __call__(self, batch: Sequence[int]) -> None:
        self.batches.append(list(batch))
        time.sleep(self.call_s + self.sample_s * len(batch))


def test_the_ratio_of_two_latencies_is_that_of_the_predictors() -> None:
    fast, slow = (latency(Slow(sample_s=s), range(20)) for s in (0.004, 0.012))
    for name in ("latency_1_s", "latency_8_s"):
        assert slow[name] / fast[name] == pytest.approx(3, rel=0.4)  # type: ignore[operator]


def test_what_a_call_costs_is_shared_by_its_batch() -> None:
    found = latency(Slow(call_s=0.008), range(20))
    assert found["latency_1_s"] / found["latency_8_s"] == pytest.approx(8, rel=0.4)  # type: ignore[operator]


def test_the_first_call_is_not_counted() -> None:
    cold = Slow()

    def predict(batch: Sequence[int]) -> None:
        time.sleep(0.0 if cold.batches else 0.5)
        cold(batch)

    assert latency(predict, range(20), repeats=1)["latency_1_s"] < 0.02  # type: ignore[operator]


def test_samples_come_from_all_over_and_are_the_same_in_every_pass() -> None:
    predict = Slow()
    found = latency(predict, range(10_000), repeats=2)
    ones = [batch[0] for batch in predict.batches if len(batch) == 1][1:]
    assert (found["latency_1_samples"], found["latency_8_samples"]) == (SAMPLES, 96)
    assert ones[:SAMPLES] == ones[SAMPLES:]
    assert np.histogram(ones, bins=4, range=(0, 10_000))[0].min() > 20


def test_slow_predictors_are_given_fewer_samples_and_little_time() -> None:
    start = time.perf_counter()
    found = latency(Slow(sample_s=0.05), range(100), budget_s=0.3)
    assert 0 < found["latency_1_samples"] < 5  # type: ignore[operator]
    assert found["latency_8_s"] == pytest.approx(0.05, rel=0.4)
    assert time.perf_counter() - start < 3


def test_what_takes_too_long_is_missing_with_its_reason() -> None:
    predict = Slow(sample_s=0.1)
    found = latency(predict, range(100), budget_s=0.15)
    assert "latency_1_s" in found and "latency_8_s" not in found
    assert "over 0.3 s" in str(found["latency_8_s_missing"])
    assert max(map(len, predict.batches)) == 1
    found = latency(Slow(sample_s=0.1), range(100), budget_s=0.02)
    assert set(found) == {"latency_1_s_missing", "latency_8_s_missing"}


def test_too_few_samples_make_no_batch() -> None:
    found = latency(Slow(), range(7))
    assert found["latency_1_samples"] == 7
    assert found["latency_8_s_missing"] == "7 samples, and a batch has 8"
    assert latency(Slow(), [])["latency_1_s_missing"] == "0 samples, and a batch has 1"


def test_measuring_a_latency_is_no_cost_of_the_job() -> None:
    with measuring() as job:
        latency(Slow(sample_s=0.01), range(20))
    assert job.wall_s < 0.2


CURVES = [
    Curve(name="train_loss", unit="epoch", at=[1.0, 2.0, 3.0], values=[3.0, 2.0, 1.0]),
    Curve(name="valid_loss", unit="epoch", at=[0.0, 1.0, 2.0, 3.0], values=[3.0, 2.0, 1.0, 1.0]),
    Curve(name="refit_train_loss", unit="epoch", at=[1.0, 2.0], values=[2.0, 1.0]),
]


def test_a_training_tells_its_seconds_epochs_and_memory() -> None:
    shares: list[float] = []
    with Training(shares.append) as training:
        training.progress(0.0)
        time.sleep(0.05)
        training.progress(1.0)
    found = training.figures(CURVES)
    assert shares == [0.0, 1.0]
    assert 0.05 <= found["train_s"] < 0.2  # type: ignore[operator]
    assert found["epochs"] == 5.0 and found["train_rss_bytes"] > 10_000_000  # type: ignore[operator]
    assert "train_device_bytes" not in found and "resumed_at" not in found


def test_a_resumed_training_does_not_pass_its_rest_off_as_the_whole() -> None:
    with Training() as training:
        training.progress(0.4)
    found = training.figures()
    assert "train_s" not in found and found["resumed_at"] == 0.4
    assert "resumed at 40%" in str(found["train_s_missing"])


def test_epochs_are_unknown_without_curves() -> None:
    assert epochs([]) is None and epochs(CURVES[:1]) == 3.0


def test_sizes() -> None:
    assert fp32_bytes(1000) == 4000
    size = pickled_bytes(np.zeros(1000))["model_bytes"]
    assert 8000 < size < 8500  # type: ignore[operator]
    assert "cannot be saved" in str(pickled_bytes(lambda: 0)["model_bytes_missing"])


def test_steps_in_a_row_add_up_or_say_what_is_missing() -> None:
    assert added([{"x": 1.0}, {"x": 2}], "x") == {"x": 3.0}
    assert added([{"x": 1.0}, {"x_missing": "too slow"}], "x") == {"x_missing": "too slow"}
    assert added([{}, {"x": 2}], "x") == {"x_missing": "not measured"}
