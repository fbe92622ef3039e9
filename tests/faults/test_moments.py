"""Kill anything at any moment, run it again: nothing finished is repeated, the tables are the same.

`LOGMARK_FAULT_MOMENTS=50` runs as many as that, `LOGMARK_FAULT_SEED` draws others;
`tests/faults/sweep.py` does the same with a line for each moment, and can go on where it stopped.
"""

import os
from pathlib import Path

import pytest
from faults.batch import Base
from faults.moments import draw, happen
from faults.nodes import Nodes
from faults.strikes import KINDS

MOMENTS = int(os.environ.get("LOGMARK_FAULT_MOMENTS", "6"))
SEED = int(os.environ.get("LOGMARK_FAULT_SEED", "1"))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(MOMENTS))
def test_a_disturbed_run_goes_on_where_it_was_and_ends_the_same(
    number: int, base: Base, nodes: Nodes, own: Path
) -> None:
    moment = draw(base, SEED, number, fresh=len(KINDS) < MOMENTS)
    print(happen(base, nodes, moment, own).line)  # noqa: T201 - for `pytest -s`
