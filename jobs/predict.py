"""New documents through what a cell has learnt: what `logmark predict RUN_DIR CELL` computes with.

Networks are read from their artifacts (`jobs.predict_networks`); what keeps no weights is fitted
again from the artifacts that it learnt from (`jobs.predict_refits`). A kind of job whose cells can
be asked has one line in `READY`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from jaxtyping import Float

from jobs.job import Params
from jobs.predict_text import NewText
from results.records import Cell


@dataclass(frozen=True, kw_only=True)
class Made:
    """A job, and the artifacts it read and made.

    Attributes:
        kind: as in `jobs.registry`.
        params: its parameters.
        folders: of its inputs by name, and of what it made itself as `cell` or `vectors`.
        local: where its model's files lie on this machine.
        threads: CPU threads it was granted.
    """

    kind: str
    params: Params
    folders: Mapping[str, Path]
    local: Mapping[str, str]
    threads: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is said of one document.

    Attributes:
        label: its class.
        scores: of each class of the cell, in its order; `None` where the classifier gives none.
        read: characters that were read; `None` where only part of the document was, in tokens.
        cut: which part of the document was read, or "" for all of it.
        unknown: characters read that a character network does not know.
    """

    label: str
    scores: Float[np.ndarray, " c"] | None
    read: int | None
    cut: str = ""
    unknown: int | None = None


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A cell that can be asked.

    Attributes:
        answers: gives one answer per document, in order.
        probable: whether scores are probabilities; else greater is more likely.
        check: what came of comparing its predictions with the recorded ones; "" where it was read
            from its artifact.
    """

    answers: Callable[[NewText], Iterator[Answer]]
    probable: bool = True
    check: str = ""


READY: dict[str, str] = {
    "anomaly": "jobs.predict_refits:anomaly",
    "classify": "jobs.predict_refits:classify",
    "compress": "jobs.predict_networks:sequence",
    "finetune": "jobs.predict_networks:sequence",
    "reference": "jobs.predict_networks:reference",
}


def ready(made: Made, cell: Cell, embed: Made | None) -> Ready:
    """Make a cell's outcome usable on new documents.

    Args:
        made: what made the cell.
        cell: what is recorded of it.
        embed: what made the vectors that it reads, if it reads any.

    Raises:
        InputError: weights that cannot be loaded, or what is fitted again comes out unusable.
    """
    module, _, name = READY[made.kind].partition(":")
    loaded: Ready = getattr(import_module(module), name)(made, cell, embed)
    return loaded
