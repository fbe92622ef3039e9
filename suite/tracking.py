"""`logmark run --mlflow URI`: the run in MLflow, a run for the suite and within it one per cell.

The suite's run is made at the start, so that an address that does not answer is said early; cells
are logged at the end, when their intervals are known, and each once: `RUN_DIR/mlflow.json` knows
which. MLflow never breaks a run; the run folder holds all of it anyway.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.hashing import write_atomically
from suite.mlflow_sinks import Entry, Sink, TrackingError

if TYPE_CHECKING:
    from results.entries import Verdict
    from results.run import Run

FILE = "mlflow.json"
_MOST_VALUE = 500  # characters of a parameter; servers before 2.4 refuse longer ones
_GONE = ("RESOURCE_DOES_NOT_EXIST", "not found", "deleted")  # the suite's run was taken away
_REPORT = ("report.html", "quality.csv", "quality.md", "costs.csv")


class Tracker:
    """Logs one suite's run; without a sink it logs nothing."""

    def __init__(
        self, sink: Sink | None, uri: str, run_dir: Path, say: Callable[[str], None]
    ) -> None:
        """Take where to log to, and who hears what goes wrong."""
        self._sink, self._uri, self._run_dir, self._say = sink, uri, run_dir, say
        self._known = _remembered(run_dir / FILE, uri)

    def begin(self, suite: str) -> None:
        """Find or make the suite's run in MLflow, where it is marked as running."""
        self._try(lambda sink: self._begin(sink, suite))

    def finish(self, run: "Run", status: str) -> None:
        """Log the cells that are new and set the status of the suite's run.

        Args:
            run: the recorded run, with its report.
            status: `FINISHED` or `FAILED`.
        """
        self._try(lambda sink: self._finish(sink, run, status))

    def interrupt(self) -> None:
        """Mark the suite's run as killed."""
        self._try(lambda sink: sink.end(self._known["parent"], "KILLED", _now_ms()))

    def _try(self, verb: Callable[[Sink], None]) -> None:
        """Do something with MLflow; the first failure is said, and is the end of it."""
        if self._sink is None:
            return
        try:
            verb(self._sink)
        except TrackingError as error:
            self._sink = None
            self._say(f"MLflow: {error}; the run goes on without it")

    def _begin(self, sink: Sink, suite: str) -> None:
        if "parent" in self._known:
            try:
                sink.end(self._known["parent"], "RUNNING", _now_ms())
            except TrackingError as error:
                if not any(word in str(error) for word in _GONE):
                    raise
            else:
                return
        experiment = sink.experiment(suite)
        tags = {"logmark.run_dir": str(self._run_dir)}
        parent = sink.start(experiment, suite, tags, _now_ms())
        self._known = {"uri": self._uri, "experiment": experiment, "parent": parent, "cells": {}}
        self._remember()

    def _remember(self) -> None:
        write_atomically(self._run_dir / FILE, json.dumps(self._known, indent=1) + "\n")

    def _finish(self, sink: Sink, run: "Run", status: str) -> None:
        try:
            self._cells(sink, run)
        finally:
            self._remember()
        sink.log(self._known["parent"], _of_suite(run), _now_ms())
        sink.end(self._known["parent"], status, _now_ms())

    def _cells(self, sink: Sink, run: "Run") -> None:
        """Log each cell whose outcome has not been logged."""
        done = self._known["cells"]
        new = {r.name for r in run.records if r.cell and done.get(r.name) != _mark(r)}
        if not new:
            return
        for verdict in _verdicts(run):
            record = verdict.record
            if record.name in new:
                tags = {"mlflow.parentRunId": self._known["parent"], **_tags(record)}
                own = sink.start(self._known["experiment"], record.name, tags, _now_ms())
                sink.log(own, _of_cell(run, verdict), _now_ms())
                sink.end(own, "FINISHED", _now_ms())
                done[record.name] = _mark(record)


def _remembered(path: Path, uri: str) -> dict[str, Any]:
    """What was logged to this address before."""
    try:
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if known.get("uri") == uri else {}


def _now_ms() -> int:
    return int(time.time() * 1000)


def _mark(record: Any) -> str | None:
    """What tells one outcome of a cell from another."""
    own = record.artifacts.get("cell")
    return own.digest if own else None


def _verdicts(run: "Run") -> Iterator["Verdict"]:
    from results.assessment import assess

    results = assess(run)
    entries = [*results.entries, *(p.entry for study in results.studies for p in study.points)]
    for entry in entries:
        yield from entry.verdicts


def _tags(record: Any) -> dict[str, str]:
    refs = {f"logmark.artifact.{role}": ref.path for role, ref in record.artifacts.items()}
    origin = record.provenance
    marks = {
        "logmark.marks": ", ".join(record.marks),
        "logmark.suite_hash": origin.suite_hash,
        "logmark.split_hash": origin.split_hash or "",
        "mlflow.source.git.commit": origin.git_commit or "",
    }
    return {**refs, **{key: value for key, value in marks.items() if value}}


def _of_cell(run: "Run", verdict: "Verdict") -> Entry:
    record = verdict.record
    cell = record.cell
    assert cell is not None
    params = {
        "section": record.section,
        "model": record.model,
        "classifier": record.classifier,
        "seed": record.seed,
        "text": record.text,
        **{f"best.{key}": value for key, value in cell.best_params.items()},
        **(dict(record.study.vary) if record.study else {}),
    }
    folder = run.folder(record, "cell")
    return Entry(
        params={_key(key): str(value)[:_MOST_VALUE] for key, value in params.items()},
        metrics=dict(_metrics(verdict)),
        files=(folder / "cell.json",) if folder is not None else (),
    )


def _metrics(verdict: "Verdict") -> Iterator[tuple[str, float]]:
    """Scores with their intervals (95 %), and what the cell and its vectors cost."""
    cell = verdict.record.cell
    assert cell is not None
    yield "accuracy", cell.scores.accuracy
    yield "macro_f1", cell.scores.macro_f1
    yield "weighted_f1", cell.scores.weighted_f1
    for name, interval in (("accuracy", verdict.accuracy), ("macro_f1", verdict.macro_f1)):
        if interval is not None:
            yield f"{name}_low", interval.low
            yield f"{name}_high", interval.high
    if cell.cv_macro_f1 is not None:
        yield "cv_macro_f1", cell.cv_macro_f1
    for label, score in cell.scores.per_class.items():
        yield _key(f"f1/{label}"), score.f1
    for role, costs in verdict.record.costs.items():
        yield _key(f"wall_s/{role}"), costs.wall_s


def _of_suite(run: "Run") -> Entry:
    status = [record.status for record in run.records]
    report = run.run_dir / "report"
    return Entry(
        metrics={f"cells_{one}": float(status.count(one)) for one in ("ok", "failed", "blocked")},
        tags={
            "logmark.suite_hash": str(run.meta["suite_hash"]),
            "logmark.store": str(run.meta["store"]),
            "logmark.command": str(run.meta["command"]),
        },
        files=tuple(report / name for name in _REPORT if (report / name).is_file()),
    )


def _key(name: str) -> str:
    """Leave the characters that MLflow takes in a name."""
    return "".join(char if char.isalnum() or char in "_-. /" else "_" for char in name)[:250]
