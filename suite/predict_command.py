"""`logmark predict MODEL.onnx FILES...`: classify raw log files with numpy and onnxruntime alone.

One line per file, as soon as it is known. A file that cannot be classified is named on standard
error, the others go on, and the exit status is 2.
"""

import argparse
import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classifiers.edge import EdgeModel

NOTABLE_UNKNOWN = 0.01
"""Share of unknown characters from which on a line of text mentions it."""


def register(commands: Any, say: Callable[..., None]) -> None:
    """Add the command to the parser; `say` prints one line, also to a given stream."""
    predict = commands.add_parser("predict", help="classify raw log files with an exported model")
    predict.add_argument("model", type=Path, metavar="MODEL.onnx")
    predict.add_argument(
        "files", nargs="+", metavar="FILE", help="a log, also .gz or .xz; - is stdin"
    )
    predict.add_argument("--format", choices=tuple(_FORMATS), default="text", help="default: text")
    predict.add_argument("--scores", action="store_true", help="give every class's probability")
    predict.set_defaults(command=lambda options: _predict(options, say))


@dataclass(frozen=True)
class Verdict:
    """What is said of one file.

    Attributes:
        path: as it was given.
        label: the most likely class.
        probability: of that class.
        read: characters the network has read.
        cut: which characters of a longer file those are, or "".
        unknown: characters among them that are not in the alphabet.
        scores: class -> probability; empty unless asked for.
    """

    path: str
    label: str
    probability: float
    read: int
    cut: str
    unknown: int
    scores: dict[str, float]


def _predict(options: argparse.Namespace, say: Callable[..., None]) -> int:
    """Classify the files one after another."""
    import sys

    from classifiers.edge import EdgeModel
    from results.errors import InputError

    model = EdgeModel.open(options.model)
    for mark in model.description.marks:
        say(f"logmark: {options.model}: {mark}", sys.stderr)
    if (header := _header(model, options)) is not None:
        say(header)
    failed = 0
    for name in options.files:
        try:
            verdict = classify(model, name, with_scores=options.scores)
        except InputError as error:
            say(f"logmark: {_printable(str(error))}", sys.stderr)
            failed += 1
        else:
            say(_FORMATS[options.format](verdict))
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
        notes.append(f"{verdict.cut} {verdict.read:,} characters only")
    if verdict.unknown > NOTABLE_UNKNOWN * verdict.read:
        notes.append(f"{verdict.unknown / verdict.read:.1%} of the characters unknown")
    scores = "".join(f"  {name}={score:.4f}" for name, score in verdict.scores.items())
    told = f"  ({'; '.join(notes)})" if notes else ""
    return f"{verdict.path}  {verdict.label}  {verdict.probability:.4f}{scores}{told}"


def _jsonl(verdict: Verdict) -> str:
    known: dict[str, object] = {
        "path": verdict.path,
        "class": verdict.label,
        "probability": round(verdict.probability, 6),
        "characters_read": verdict.read,
        "cut": verdict.cut,
        "unknown": verdict.unknown,
    }
    if verdict.scores:
        known["scores"] = {name: round(score, 6) for name, score in verdict.scores.items()}
    return json.dumps(known)


_COLUMNS = ("path", "class", "probability", "characters_read", "cut", "unknown")


def _csv(verdict: Verdict) -> str:
    own = (verdict.path, verdict.label, f"{verdict.probability:.6f}")
    rest = (verdict.read, verdict.cut, verdict.unknown)
    return _row((*own, *rest, *(f"{score:.6f}" for score in verdict.scores.values())))


def _header(model: "EdgeModel", options: argparse.Namespace) -> str | None:
    if options.format != "csv":
        return None
    scored = model.description.classes if options.scores else ()
    return _row((*_COLUMNS, *(f"score:{name}" for name in scored)))


def _row(values: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


_FORMATS: dict[str, Callable[[Verdict], str]] = {"text": _text, "csv": _csv, "jsonl": _jsonl}
