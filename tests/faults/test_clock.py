"""Clocks that jump and disagree change nothing: no finished job is run again, no job is given up.

What is shifted is Python's time of day, in the driver and in every worker; Ray's own processes keep
theirs (under libfaketime 0.9.10 they do not start: their sleeps by the monotonic clock fail).
"""

from pathlib import Path

import pytest
from faults.batch import Base, Driver, attempts, repeated, results, without
from faults.nodes import watched

_LOST = ("labels", "embed:tfidf-word/0", "classify:tfidf-word/linear_svc/0")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_clocks_that_jump_and_disagree_change_nothing(base: Base, own: Path) -> None:
    place, jumping = without(base, own, _LOST), {**watched(), "LOGMARK_CLOCKS_JUMP": "1"}
    ended = Driver(place, environment=jumping).wait()
    assert ended.status == 0 and ended.computed == len(_LOST), ended.output
    again = Driver(place, environment=jumping).wait()
    assert again.status == 0 and again.computed == 0, again.output
    assert len(attempts(own)) == len(_LOST) and repeated(attempts(own)) == []
    assert results(place.run_dir) == base.results
