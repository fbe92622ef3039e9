"""How much tests that invent their input draw: `LOGMARK_EXAMPLES=200 LOGMARK_SEED=7` for more."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, seed, settings

EXAMPLES = int(os.environ.get("LOGMARK_EXAMPLES", "12"))
SEED = int(os.environ.get("LOGMARK_SEED", "8"))


def drawn(each: float = 1.0) -> Callable[[Any], Any]:
    """Draw `each` times as many examples as were asked for, the same ones every time."""
    chosen = settings(
        max_examples=max(1, round(each * EXAMPLES)),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: seed(SEED)(chosen(test))
