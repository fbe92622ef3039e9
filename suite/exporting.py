"""Export a reference network of a run as files for the edge, with a card of what they are.

Finds the cell, its network and its documents; `classifiers.export` writes the models and
`suite.model_card` what there is to say of them.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.edge import Description
from classifiers.export import NO_INT8, Written, describe, export, require
from classifiers.residual_cnn import FittedCnn, load
from corpora.masking import TextView
from corpora.storage import read_documents
from corpora.thinning import SIDES
from results.errors import InputError
from results.records import Record
from results.run import Run
from results.steps import Step, untold
from suite.model_card import card

CARD = "MODEL_CARD.md"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        models: by precision.
        card: what they are, and what was measured.
        documents: on how many each was compared with the network.
    """

    models: Mapping[str, Written]
    card: Path
    documents: int

    def lines(self) -> Iterator[str]:
        """Say what came of it."""
        for precision, file in self.models.items():
            yield (
                f"{file.path}: {precision}, {file.size_bytes:,} bytes, {file.agreement:.2%} of "
                f"{self.documents} test labels as torch gives them"
            )
        if "int8" not in self.models:
            yield f"no int8 model: {NO_INT8}"
        yield f"{self.card}: what it is, and what was measured"

    def content(self) -> dict[str, Any]:
        """Say it to a program."""
        models = [
            {
                "path": str(file.path),
                "precision": precision,
                "bytes": file.size_bytes,
                "agreement": file.agreement,
                "deviation": file.deviation,
            }
            for precision, file in self.models.items()
        ]
        return {"models": models, "card": str(self.card), "documents_compared": self.documents}


def export_cell(
    run_dir: Path, cell: str, out: Path | None = None, *, step: Step = untold
) -> Exported:
    """Write the models and the card of a cell.

    Args:
        run_dir: the run.
        cell: its name, ``model/classifier/seed``.
        out: the folder to write to; one below the run by default.
        step: is told how far this is.

    Raises:
        InputError: there is no such cell or no network of it, or a package is missing.
    """
    run = Run.open(run_dir)
    record = find_cell(run, cell)
    folder = _network_folder(run, record)
    require()
    fitted = _load(folder, record)
    out = out or run_dir / "export" / record.name.replace("/", "-")
    out.mkdir(parents=True, exist_ok=True)
    documents = _documents(run, record)
    step("writing the models, and comparing them with the network", 0, None)
    description = _description(run, record, fitted)
    written = export(fitted, description, out, train=documents["train"], test=documents["test"])
    (out / CARD).write_text(card(run, record, fitted, written), encoding="utf-8")
    models = {str(precision): file for precision, file in written.items()}
    return Exported(models, out / CARD, len(documents["test"]))


def find_cell(run: Run, name: str) -> Record:
    """Find the record of an exportable cell.

    Raises:
        InputError: there is none of that name, it failed, or it is no reference network.
    """
    found = {record.name: record for record in run.records}
    if name not in found:
        raise InputError(f"{run.run_dir}: no cell {name!r}; {_near(name, run)}")
    record = found[name]
    if record.model != "reference":
        raise InputError(
            f"{name}: only a reference network can be exported, and this is the {record.section} "
            f"cell of a model and a classifier; {_near(name, run)}"
        )
    if record.status != "ok":
        raise InputError(f"{name}: {record.status}, so there is no network ({record.reason})")
    return record


def _near(name: str, run: Run) -> str:
    """Say which reference cells there are, the nearest first."""
    names = [record.name for record in run.records if record.model == "reference"]
    if not names:
        return "this run has no reference networks: add `references: [cnn]` to the suite"
    near = difflib.get_close_matches(name, names, n=5, cutoff=0.0)
    more = f" and {len(names) - len(near)} more" if len(names) > len(near) else ""
    return f"reference cells: {', '.join(near)}{more}"


def _network_folder(run: Run, record: Record) -> Path:
    folder = run.folder(record, "cell")
    if folder is None or not folder.is_dir():
        raise InputError(f"{record.name}: {folder} is missing from the store; run the suite again")
    return folder


def _load(folder: Path, record: Record) -> FittedCnn:
    try:
        return load(folder)
    except InputError as error:
        raise InputError(f"{record.name}: {error}; run the suite again") from error


def _documents(run: Run, record: Record) -> dict[str, list[list[str]]]:
    """Read the documents of both sides, as the network reads them."""
    corpus = run.folder(record, "corpus")
    if corpus is None or not (corpus / "documents.parquet").is_file():
        raise InputError(
            f"{record.name}: its corpus is missing from the store; run the suite again"
        )
    split = run.split(record)
    sides = {
        name: side for name, side in zip(split["id"], split["side"], strict=True) if side in SIDES
    }
    view = TextView(**_view(run, record))
    texts: dict[str, list[list[str]]] = {"train": [], "test": []}
    for document in read_documents(corpus / "documents.parquet", list(sides)):
        texts[sides[document.id]].append([view.apply(part) for part in document.parts])
    return texts


def _view(run: Run, record: Record) -> dict[str, Any]:
    clean = run.meta["resolved"]["corpus"]["clean"]
    return {"text": record.text, "drop_numbers": clean["drop_numbers"]}


def _description(run: Run, record: Record, fitted: FittedCnn) -> Description:
    clean = run.meta["resolved"]["corpus"]["clean"]
    return describe(
        fitted,
        name=record.name,
        max_word_chars=clean["max_word_chars"],
        max_line_chars=clean["max_line_chars"],
        view=_view(run, record),
        marks=tuple(record.marks),
    )
