"""Raw log files through any cell of a run: read as the corpus was, embedded where it reads vectors.

What a cell has learnt is found by `suite.predict_cell`, files are read by `suite.predict_files`,
and `jobs.predict` computes. Nothing is written but to a temporary folder.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.masking import TextView
from jobs.predict import Answer, ready
from jobs.predict_text import NewText, mined
from jobs.process import limited
from results.run import Run
from results.steps import Step, counted, untold
from suite.predict_cell import Learnt, find, learnt, resolved
from suite.predict_files import Rules, lay


@dataclass(frozen=True)
class Listener:
    """Who hears what has to be known beside the answers.

    Attributes:
        warn: takes a line on a file that cannot be read, or is odd.
        remark: takes a line on the cell.
        step: is told how far this is.
    """

    warn: Callable[[str], None]
    remark: Callable[[str], None]
    step: Step = untold


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is said of files.

    Attributes:
        classes: of the cell, in the order of an answer's scores.
        probable: whether scores are probabilities.
        answers: each file, as it was named, with its answer; computed as they are asked for.
        refused: how many files could not be read.
    """

    classes: Sequence[str]
    probable: bool
    answers: Iterator[tuple[str, Answer]]
    refused: int


@contextmanager
def asked(run_dir: Path, cell: str, files: list[str], listener: Listener) -> Iterator[Told]:
    """Ask a cell about files.

    Args:
        run_dir: a run folder, or a bundle.
        cell: its name, ``model/classifier/seed``.
        files: their names; ``-`` is standard input.
        listener: hears what has to be known beside the answers.

    Raises:
        InputError: the cell cannot be asked.
    """
    run = Run.open(run_dir)
    record = find(run, cell)
    suite = resolved(run)
    known = learnt(run, record, suite)
    for note in (*record.marks, known.note):
        if note:
            listener.remark(f"{cell}: {note}")
    view = TextView(**known.view)
    rules = Rules(
        clean=suite.corpus.clean,
        card=_card(known),
        view=view if known.embed is not None and view.drop_numbers else None,
    )
    with tempfile.TemporaryDirectory(prefix="logmark-") as folder, _computing(known):
        reading = counted(files, "reading files", listener.step)
        laid = lay(reading, Path(folder), rules, listener.warn)
        if not laid.names:
            yield Told(classes=[], probable=True, answers=iter(()), refused=laid.refused)
            return
        listener.step("loading or fitting the model", 0, None)
        cell_ready = ready(known.made, known.cell, known.embed)
        if cell_ready.check:
            listener.remark(f"{cell}: {cell_ready.check}")
        listener.step("classifying files", 0, len(laid.names))
        text = NewText(stored=laid.path, view=view, matcher=_matcher(known))
        yield Told(
            classes=known.cell.classes,
            probable=cell_ready.probable,
            answers=zip(laid.names, cell_ready.answers(text), strict=True),
            refused=laid.refused,
        )


def _matcher(known: Learnt) -> Any:
    if known.mining is None:
        return None
    return mined(
        known.mining,
        corpus=known.folders["corpus"],
        split=known.folders["split"],
        documents=known.folders["documents"],
    )


def _card(known: Learnt) -> dict[str, Any] | None:
    """Read the card of the corpus, where it is at hand."""
    path = known.folders.get("corpus", Path()) / "card.json"
    if not path.is_file():
        return None
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return card


@contextmanager
def _computing(known: Learnt) -> Iterator[None]:
    """Hold this process to what the jobs had: their threads, and a GPU only where one had one."""
    jobs = [job for job in (known.made, known.embed) if job is not None]
    name = "CUDA_VISIBLE_DEVICES"
    before = os.environ.get(name)
    if all(job.params.get("device", "cpu") == "cpu" for job in jobs):
        os.environ[name] = ""
    try:
        with limited(known.made.threads):
            yield
    finally:
        os.environ.pop(name, None) if before is None else os.environ.update({name: before})
