"""What a bare Ray task does: nothing of ours is imported, so a new process has nothing to load."""

import time


def compute(seconds: float) -> None:
    """Compute for `seconds` of this thread's time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(1000))
