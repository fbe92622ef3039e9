"""How a run ends for its user: what failed and where to look, the report, one line of totals."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from suite.board import Board, Outcome
from suite.recording import count
from suite.work import tail

_TRACE_LINES = 6
_NAMED = 5
_TRACE = "Traceback (most recent call last):"


def conclude(board: Board, run_dir: Path, *, quiet: bool, say: Callable[[str], None]) -> int:
    """Name the failures, the report and, on the last line, the totals.

    Returns:
        Exit status: 0, 1 (a job failed) or 2 (all that failed did because of their input).
    """
    failures = {name: o for name, o in board.outcomes.items() if o.status == "failed"}
    for line in summary(failures):
        say(line)
    if not quiet:
        say(f"report: {run_dir / 'report' / 'report.html'}")
    totals = count(list(board.outcomes.values()))
    say(", ".join(f"{status} {number}" for status, number in totals.items()))
    if not failures:
        return 0
    return 2 if all(outcome.fault == "input" for outcome in failures.values()) else 1


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
