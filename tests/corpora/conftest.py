"""The labelled corpora that lie outside the repository, and tables written for a test."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(os.environ.get("LOGMARK_SHARED", REPOSITORY.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no labelled corpora at {folder}; point LOGMARK_SHARED at their folder")
    return folder


@pytest.fixture
def label_table() -> Callable[..., pd.DataFrame]:
    """Build a labels table from one class name per document."""

    def build(labels: list[str], **columns: list[object]) -> pd.DataFrame:
        frame = pd.DataFrame({"id": [f"d{n:04d}" for n in range(len(labels))], "label": labels})
        for name in ("group", "time", "given"):
            frame[name] = columns.get(name, [None] * len(labels))
        return frame

    return build
