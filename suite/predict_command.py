"""`logmark predict MODEL.onnx FILES...` and `logmark predict RUN_DIR CELL FILES...`.

The first classifies raw log files with numpy and onnxruntime alone, the second with any cell of a
run and everything it was made with. One line per file, as soon as it is known. A file that cannot
be classified is named on standard error, the others go on, and the exit status is 2.
"""

import argparse
import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.command import Output, Say, add

if TYPE_CHECKING:
    from classifiers.edge import EdgeModel
    from jobs.predict import Answer

_NOTES = """\
The cells of a run are named in its report. A file that cannot be read is named on standard error,
and the others go on.
Exit status: 0 every file has its answer; 2 one has none, or there is no such cell."""

NOTABLE_UNKNOWN = 0.01
"""Share of unknown characters from which on a line of text mentions it."""


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    predict = add(
        commands,
        "predict",
        _predict,
        say,
        about="classify raw log files with a cell of a run, or an exported model",
        example="logmark predict runs/mine minilm/xgboost/0 new.log",
        forms=tuple(_FORMATS),
        notes=_NOTES,
    )
    predict.usage = (
        "logmark predict [-h] [--format F] [--json] [--quiet] [--scores] "
        "(MODEL.onnx | RUN_DIR CELL) FILE ..."
    )
    predict.add_argument(
        "model", type=Path, metavar="MODEL", help="an exported MODEL.onnx, or RUN_DIR and a CELL"
    )
    predict.add_argument(
        "files", nargs="+", metavar="FILE", help="a log, also .gz, .xz, ...; - is stdin"
    )
    predict.add_argument("--scores", action="store_true", help="give every class's probability")


@dataclass(frozen=True)
class Verdict:
    """What is said of one file.

    Attributes:
        path: as it was given.
        label: the most likely class.
        probability: of that class; None where a classifier gives other scores, or none.
        read: characters that were read; None where a part was read that is counted in tokens.
        cut: which part of a longer file was read, or "".
        unknown: characters among them that are not in the alphabet; None without an alphabet.
        scores: class -> probability or score; empty unless asked for.
    """

    path: str
    label: str
    probability: float | None
    read: int | None
    cut: str
    unknown: int | None
    scores: dict[str, float]


def _predict(options: argparse.Namespace, out: Output) -> int:
    """Classify the files one after another."""
    from results.errors import InputError

    out.progress("loading the model")
    if options.model.is_dir() or options.model.suffix == ".zip":
        if len(options.files) < 2:
            raise InputError(
                f"{options.model}: name a cell of the run and the files: logmark predict RUN_DIR "
                "MODEL/CLASSIFIER/SEED FILE ..."
            )
        return _predict_by_cell(options, out)
    return _predict_by_export(options, out)


def _predict_by_cell(options: argparse.Namespace, out: Output) -> int:
    from suite.predicting import Listener, asked

    listener = Listener(
        warn=lambda line: out.warn(f"logmark: {_printable(line)}"),
        remark=lambda line: out.remark(f"logmark: {_printable(line)}"),
        step=out.progress,
    )
    cell, *files = options.files
    with asked(options.model, cell, files, listener) as told:
        if (header := _header(told.classes, options)) is not None and told.classes:
            out.line(header)
        for number, (name, answer) in enumerate(told.answers, start=1):
            out.progress("classifying files", number, len(files) - told.refused)
            verdict = _verdict(name, answer, told.classes, is_probable=told.probable)
            if not options.scores:
                verdict = replace(verdict, scores={})
            out.line(_FORMATS[out.form](verdict))
    return 2 if told.refused else 0


def _verdict(name: str, answer: "Answer", classes: Sequence[str], *, is_probable: bool) -> Verdict:
    listed = {} if answer.scores is None else dict(zip(classes, answer.scores, strict=True))
    scores = {label: float(score) for label, score in listed.items()}
    return Verdict(
        path=_printable(name),
        label=answer.label,
        probability=scores.get(answer.label) if is_probable else None,
        read=answer.read,
        cut=answer.cut,
        unknown=answer.unknown,
        scores=scores,
    )


def _predict_by_export(options: argparse.Namespace, out: Output) -> int:
    from classifiers.edge import EdgeModel
    from results.errors import InputError
    from results.steps import counted

    model = EdgeModel.open(options.model)
    for mark in model.description.marks:
        out.remark(f"logmark: {options.model}: {mark}")
    if (header := _header(model.description.classes, options)) is not None:
        out.line(header)
    failed = 0
    for name in counted(options.files, "classifying files", out.progress):
        try:
            verdict = classify(model, name, with_scores=options.scores)
        except InputError as error:
            out.warn(f"logmark: {_printable(str(error))}")
            failed += 1
        else:
            out.line(_FORMATS[out.form](verdict))
    return 2 if failed else 0


def classify(model: "EdgeModel", name: str, *, with_scores: bool) -> Verdict:
    """Classify one file.

    Raises:
        InputError: it cannot be read, is empty or no text.
    """
    from suite.raw_logs import read

    log = read(name, model.description)
    document = model.encode(log.parts)
    scores = model.scores(document)
    best = int(scores.argmax())
    classes = model.description.classes
    listed = dict(zip(classes, map(float, scores), strict=True)) if with_scores else {}
    end = {"head": "first", "tail": "last"}[model.description.keep]
    return Verdict(
        path=_printable(name),
        label=classes[best],
        probability=float(scores[best]),
        read=len(document.ids),
        cut=end if log.cut else "",
        unknown=document.unknown,
        scores=listed,
    )


def _printable(text: str) -> str:
    """Replace the bytes of a file name that are not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _text(verdict: Verdict) -> str:
    notes = []
    if verdict.cut:
        read = "" if verdict.read is None else f" {verdict.read:,} characters"
        notes.append(f"{verdict.cut}{read} only")
    if verdict.unknown and verdict.read and verdict.unknown > NOTABLE_UNKNOWN * verdict.read:
        notes.append(f"{verdict.unknown / verdict.read:.1%} of the characters unknown")
    probability = "" if verdict.probability is None else f"  {verdict.probability:.4f}"
    scores = "".join(f"  {name}={score:.4f}" for name, score in verdict.scores.items())
    told = f"  ({'; '.join(notes)})" if notes else ""
    return f"{verdict.path}  {verdict.label}{probability}{scores}{told}"


def _jsonl(verdict: Verdict) -> str:
    known: dict[str, object] = {
        "path": verdict.path,
        "class": verdict.label,
        "probability": None if verdict.probability is None else round(verdict.probability, 6),
        "characters_read": verdict.read,
        "cut": verdict.cut,
        "unknown": verdict.unknown,
    }
    if verdict.scores:
        known["scores"] = {name: round(score, 6) for name, score in verdict.scores.items()}
    return json.dumps(known)


_COLUMNS = ("path", "class", "probability", "characters_read", "cut", "unknown")


def _csv(verdict: Verdict) -> str:
    probability = "" if verdict.probability is None else f"{verdict.probability:.6f}"
    own = (verdict.path, verdict.label, probability)
    rest = (verdict.read, verdict.cut, verdict.unknown)
    return _row((*own, *rest, *(f"{score:.6f}" for score in verdict.scores.values())))


def _header(classes: Sequence[str], options: argparse.Namespace) -> str | None:
    if options.form != "csv":
        return None
    scored = classes if options.scores else ()
    return _row((*_COLUMNS, *(f"score:{name}" for name in scored)))


def _row(values: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


_FORMATS: dict[str, Callable[[Verdict], str]] = {"text": _text, "csv": _csv, "jsonl": _jsonl}
