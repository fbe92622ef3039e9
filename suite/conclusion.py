"""How a run ends for its user: what failed and where to look, the report, one line of totals."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from suite.again import retry
from suite.board import Board, Outcome
from suite.command import Output
from suite.recording import count
from suite.work import tail

_TRACE_LINES = 6
_NAMED = 5
_TRACE = "Traceback (most recent call last):"


def conclude(board: Board, run_dir: Path, command: str, out: Output) -> int:
    """Name the failures, what to do about them, the report and, on the last line, the totals.

    Args:
        board: all jobs, ended.
        run_dir: the run folder.
        command: the command line.
        out: where to.

    Returns:
        Exit status: 0, 1 (a job failed) or 2 (all that failed did because of their input).
    """
    failures = {name: o for name, o in board.outcomes.items() if o.status == "failed"}
    totals = count(list(board.outcomes.values()))
    status = _status(failures)
    page = run_dir / "report" / "report.html"
    for line in summary(failures):
        (out.warn if out.is_json else out.line)(line)
    if failures:
        first = "mend what is named above, then " if status == 2 else ""
        out.remark(f"next: {first}{retry(command)}")
    if out.is_json:
        told = {"run": str(run_dir), "report": str(page), "failures": [*_told(failures)]}
        out.json({**totals, **told, "exit_status": status}, indent=None)
        return status
    if not out.quiet:
        out.line(f"report: {page}")
    out.line(", ".join(f"{name} {number}" for name, number in totals.items()))
    return status


def _status(failures: Mapping[str, Outcome]) -> int:
    if not failures:
        return 0
    return 2 if all(outcome.fault == "input" for outcome in failures.values()) else 1


def _told(failures: Mapping[str, Outcome]) -> Iterator[dict[str, str | None]]:
    """Name the failures to a program."""
    for name, outcome in failures.items():
        log = None if outcome.log is None else str(outcome.log)
        yield {"job": name, "reason": outcome.reason, "fault": outcome.fault, "log": log}


def summary(failures: Mapping[str, Outcome]) -> Iterator[str]:
    """Name each failure once, with the last lines of its traceback and the place of its log."""
    alike: dict[str | None, list[str]] = {}
    for name, outcome in failures.items():
        alike.setdefault(outcome.reason, []).append(name)
    for reason, (first, *others) in alike.items():
        outcome = failures[first]
        yield f"FAILED {first}: {reason}"
        if others:
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            yield f"       for the same reason: {', '.join(others[:_NAMED])}{more}"
        if outcome.fault == "code":  # of other faults the sentence says all
            yield from (f"       | {line}" for line in last_of_trace(outcome.log))
        if outcome.fault != "input":
            yield f"       full output: {outcome.log}"


def last_of_trace(log: Path | None) -> list[str]:
    """Return the last lines of the last traceback in a job's log; empty where there is none."""
    if log is None:
        return []
    _, found, trace = (tail(log) or "").rpartition(_TRACE)
    return trace.strip("\n").splitlines()[-_TRACE_LINES:] if found else []
