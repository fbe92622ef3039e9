"""Peaks of memory belong to what is measured, not to what the process did before or its parent."""

import subprocess
import sys
import time

import numpy as np
import pytest

from jobs import measuring as module
from jobs.measuring import measuring, uncounted
from jobs.process import measured

MB = 1_000_000
CHILD = """
from jobs.process import measured
print(measured(dict).peak_rss_bytes)
"""


def hold(megabytes: int) -> None:
    np.ones(megabytes * MB, dtype=np.uint8)


def test_a_childs_peak_is_its_own_and_not_its_parents() -> None:
    ballast = np.ones(400 * MB, dtype=np.uint8)
    done = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, check=True, timeout=60
    )
    assert 10 * MB < int(done.stdout) < ballast.nbytes


def test_the_peak_is_that_of_the_work_and_not_of_what_was_done_before() -> None:
    hold(400)
    before = measured(dict).peak_rss_bytes
    costs = measured(lambda: hold(200) or {})
    assert costs.peak_rss_bytes > before + 150 * MB
    assert measured(dict).peak_rss_bytes < costs.peak_rss_bytes - 150 * MB


def test_work_within_work_takes_nothing_from_the_peak_of_the_whole() -> None:
    with measuring() as outer:
        hold(300)
        with measuring() as inner:
            hold(100)
        assert outer.peak_rss_bytes > inner.peak_rss_bytes + 150 * MB
    assert module._open == []


def test_without_an_accelerator_there_is_no_figure_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(dict).peak_device_bytes is None
    monkeypatch.setitem(sys.modules, "torch", Torch())
    with measuring() as peak:
        Torch.peak = 7
    assert (peak.peak_device_bytes, Torch.resets) == (7, [0, 1])


class Torch:
    """An accelerator of two devices that was used before; there is none where tests run."""

    peak = 99
    resets: list[int] = []

    class cuda:  # noqa: N801 - torch's name
        @staticmethod
        def is_initialized() -> bool:
            return True

        @staticmethod
        def device_count() -> int:
            return 2

        @staticmethod
        def max_memory_allocated(device: int) -> int:
            return Torch.peak if device else 0

        @staticmethod
        def reset_peak_memory_stats(device: int) -> None:
            Torch.resets.append(device)


def test_where_the_peak_cannot_be_set_back_it_is_the_processs(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    nowhere = tmp_path_factory.mktemp("proc") / "no" / "file"
    monkeypatch.setattr(module, "_CLEAR", nowhere)
    monkeypatch.setattr(module, "_STATUS", nowhere)
    assert measured(dict).peak_rss_bytes > 10 * MB


def test_seconds_that_are_left_out_are_left_out_of_all_that_is_measured() -> None:
    with measuring() as outer, measuring() as inner:
        time.sleep(0.05)
        with uncounted():
            time.sleep(0.2)
    assert 0.05 <= inner.wall_s < 0.15 and 0.05 <= outer.wall_s < 0.15
