"""A job that hangs is ended when its time is over, and done again."""

import subprocess
import sys
import time
from pathlib import Path
from signal import SIGSTOP

import psutil
import pytest
from faults.batch import LIMIT_S, Base, Driver, attempts, results, without


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_job_that_hangs_is_done_again_by_another_process(base: Base, own: Path) -> None:
    place = without(base, own, ["labels"])
    driver = Driver(place, suite="limited.yaml")
    until = time.monotonic() + 120
    while not attempts(own):  # as soon as it has begun
        assert time.monotonic() < until and not driver.is_over, driver.output
        time.sleep(0.002)
    (first,) = attempts(own)
    hung = psutil.Process(first.pid)
    hung.send_signal(SIGSTOP)
    stopped = time.monotonic()
    ended = driver.wait(240)
    assert ended.status == 0, ended.output
    assert time.monotonic() - stopped >= LIMIT_S
    assert "time limit" in ended.output
    assert not hung.is_running() or hung.status() == psutil.STATUS_ZOMBIE
    assert [(one.kind, one.commits) for one in attempts(own)] == [("labels", 0)] * 2
    assert results(place.run_dir) == base.results


_MUTE = """
import os, signal, sys
from pathlib import Path
from suite import cluster

cluster._ASKED_AFTER_S = 3
with cluster.joined(None, Path(sys.argv[1])) as (ray, *_):
    stop = ray.remote(max_retries=0)(lambda: os.kill(os.getpid(), signal.SIGSTOP))
    try:
        ray.get(stop.remote(), timeout=90)
    except ray.exceptions.WorkerCrashedError:
        sys.exit(5)
"""


@pytest.mark.slow
def test_a_worker_that_hangs_before_its_first_word_is_missed(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", _MUTE, str(tmp_path)], check=False).returncode == 5
