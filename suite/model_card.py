"""The card of an exported network: what it is, how good it was, what was measured, its limits."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from classifiers.export import NO_INT8, Written
from results.evidence import Evidence
from results.outcomes import Reader
from results.plain import escape
from results.statistics import Measure

if TYPE_CHECKING:
    from classifiers.residual_cnn import FittedCnn
    from results.records import Record
    from results.run import Run


def card(run: "Run", record: "Record", fitted: "FittedCnn", written: Mapping[Any, Written]) -> str:
    """Write the card as Markdown.

    Args:
        run: the run it comes from.
        record: an ok record of a reference network.
        fitted: that network.
        written: its files by precision.
    """
    sections = (
        _head(run, record),
        _origin(run, record),
        _reads(fitted, run),
        _scores(run, record),
        _files(written, record),
        _limits(record),
    )
    return "\n".join(line for section in sections for line in section)


def _head(run: "Run", record: "Record") -> Iterator[str]:
    yield f"# {record.name} of {run.suite}"
    yield ""
    for mark in record.marks:
        yield f"> **{mark}**: this holds for every number below."
        yield ""
    yield "A residual convolutional network that reads a log file's characters and says its class."
    yield ""


def _origin(run: "Run", record: "Record") -> Iterator[str]:
    known, cell = record.provenance, record.cell
    assert cell is not None
    yield "## Where it comes from"
    yield ""
    yield from _table(
        {
            "suite": f"{run.suite} ({known.suite_hash[:16]})",
            "corpus digest": known.corpus_digest,
            "split": known.split_hash,
            "seed": record.seed,
            "train documents": f"{cell.train_documents:,}",
            "test documents": f"{cell.test_documents:,}",
            "trained": f"{known.started_utc} on {known.hardware}",
            "code": f"{known.git_commit}{' with changes' if known.git_dirty else ''}",
        }
    )


def _reads(fitted: "FittedCnn", run: "Run") -> Iterator[str]:
    settings, clean = fitted.settings, run.meta["resolved"]["corpus"]["clean"]
    end = {"head": "first", "tail": "last"}[settings.keep]
    yield "## What it reads"
    yield ""
    yield from _table(
        {
            "context": f"the {end} {settings.context:,} characters of a document",
            "alphabet": f"{len(fitted.vocabulary.characters)} characters; others are unknown",
            "padding": settings.padding,
            "words dropped": _longer(clean["max_word_chars"]),
            "lines dropped": _longer(clean["max_line_chars"]),
            "numbers": "dropped" if clean["drop_numbers"] else "kept",
            "parameters": f"{fitted.parameters:,}",
            "classes": ", ".join(fitted.classes),
        }
    )


def _longer(limit: int | None) -> str:
    return "none" if limit is None else f"of more than {limit:,} characters"


def _scores(run: "Run", record: "Record") -> Iterator[str]:
    assert record.cell is not None
    scores = record.cell.scores
    measures = Evidence({record.name: Reader(run).read(record)}).judged()[record.name].measures
    yield "## How good it was"
    yield ""
    yield "On the run's test documents, with torch; in brackets 95 % bootstrap intervals."
    yield ""
    yield from _table(
        {
            "accuracy": _with_interval(measures["accuracy"]),
            "macro-F1": _with_interval(measures["macro_f1"]),
        }
    )
    yield "| class | precision | recall | F1 | test documents |"
    yield "| --- | --- | --- | --- | --- |"
    for name, one in scores.per_class.items():
        numbers = f"{one.precision:.3f} | {one.recall:.3f} | {one.f1:.3f} | {one.support}"
        yield f"| {escape(name)} | {numbers} |"
    yield ""


def _with_interval(measure: Measure) -> str:
    assert measure.interval is not None, "every cell has an accuracy and a macro-F1"
    return f"{measure.value:.3f} [{measure.interval.low:.3f}, {measure.interval.high:.3f}]"


def _files(written: Mapping[Any, Written], record: "Record") -> Iterator[str]:
    assert record.cell is not None
    yield "## The files"
    yield ""
    yield "Compared with torch on the same test documents, one by one, on one CPU thread."
    yield ""
    yield "| file | bytes | same label as torch | largest difference of a probability |"
    yield "| --- | --- | --- | --- |"
    for file in written.values():
        numbers = f"{file.size_bytes:,} | {file.agreement:.2%} | {file.deviation:.2g}"
        yield f"| `{file.path.name}` | {numbers} |"
    yield ""
    if "int8" not in written:
        yield f"There is no int8 file: {NO_INT8}."
        yield ""


def _limits(record: "Record") -> Iterator[str]:
    yield "## Limits"
    yield ""
    yield "- It knows its classes only: a log of another kind gets one of them all the same."
    yield "- Its probabilities are a softmax, and not calibrated."
    yield "- The scores hold for documents like those of the corpus, as they were split."
    yield "- Agreement was measured on this run's test documents; on others it may be less."
    yield "- Whether 8 bits are faster depends on the processor (they need VNNI or the like)."
    for mark in record.marks:
        yield f"- {mark}: the scores say nothing about other logs."
    yield ""


def _table(rows: Mapping[str, object]) -> Iterable[str]:
    yield "| | |"
    yield "| --- | --- |"
    for name, value in rows.items():
        yield f"| {name} | {escape('not known' if value is None else str(value))} |"
    yield ""
