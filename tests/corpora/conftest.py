"""Tables written for a test."""

from collections.abc import Callable

import pandas as pd
import pytest


@pytest.fixture
def label_table() -> Callable[..., pd.DataFrame]:
    """Build a labels table from one class name per document."""

    def build(labels: list[str], **columns: list[object]) -> pd.DataFrame:
        frame = pd.DataFrame({"id": [f"d{n:04d}" for n in range(len(labels))], "label": labels})
        for name in ("group", "time", "given"):
            frame[name] = columns.get(name, [None] * len(labels))
        return frame

    return build
