"""Logmark: Artifacts, records, metrics, tables, figures, the report; every room stands on it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from results.frames import Results


def load(run_dir: "str | Path") -> "Results":
    """Open a run folder or a bundle as pandas frames, for a notebook (docs/notebooks.md).

    Raises:
        InputError: it is neither, or a file in it is damaged.
    """
    from results.frames import Results  # pandas is not for whoever only wants a record

    return Results.open(run_dir)
