"""`logmark status RUN_DIR`: how a run stands, from another shell, while it goes on or afterwards.

Exit statuses: 0 it goes on, or ended well; 1 it ended and a job failed; 2 no run was started there;
3 it was interrupted or killed before its end (the same `logmark run` goes on where it stopped).
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from suite.again import retry
from suite.command import Output, Say, add

Standing = Literal["running", "ended", "failed", "interrupted", "killed"]

_EXIT: dict[Standing, int] = {"running": 0, "ended": 0, "failed": 1, "interrupted": 3, "killed": 3}
_FOLLOW_S = 2.0
_SHOWN = 20
_NOTES = """\
Exit status: 0 it goes on, or ended well; 1 it ended and a job failed; 2 no run was started there;
3 it was interrupted or killed before its end."""


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    status = add(
        commands,
        "status",
        _status,
        say,
        about="say how a run stands, also while it goes on",
        example="logmark status runs/mine",
        notes=_NOTES,
    )
    status.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="WORKDIR/<suite name>")
    status.add_argument("--follow", action="store_true", help="go on until the run ends")


def _status(options: argparse.Namespace, out: Output) -> int:
    """Print how a run stands, once or until it ends.

    Raises:
        InputError: no run was started there.
    """
    standing, state = look(options.run_dir)
    out.progress.close()  # what is waited for is another command's
    while options.follow and standing == "running":
        _tell(standing, state, out, brief=True)
        time.sleep(_FOLLOW_S)
        standing, state = look(options.run_dir)
    _tell(standing, state, out)
    if (step := _next(options.run_dir, standing, state)) and not out.is_json:
        out.remark(f"next: {step}")
    return _EXIT[standing]


def _next(run_dir: Path, standing: Standing, state: Any) -> str | None:
    """Say what to do with a run that has ended."""
    if standing == "failed":
        return f"mend what failed, then {retry(state.command)}"
    page = run_dir / "report" / "report.html"
    return f"open {page}" if standing == "ended" and page.is_file() else None


def look(run_dir: Path) -> tuple[Standing, Any]:
    """Read a run's state (a `suite.state.State`) and say how it stands.

    A run that holds its folder's lock is alive, whatever the clocks say; one that does not, and had
    not ended by its own word, was killed.

    Raises:
        InputError: no run was started there.
    """
    from suite import run_folder, state

    alive = run_folder.held(run_dir)  # asked first: it may end before its state is read
    now = state.read(run_dir)
    if now.phase == "ended":
        return ("failed" if now.failed or now.blocked else "ended"), now
    if now.phase == "interrupted":
        return "interrupted", now
    return ("running" if alive else "killed"), now


def _tell(standing: Standing, state: Any, out: Output, *, brief: bool = False) -> None:
    from suite.live import summary

    if out.is_json:
        out.json({"standing": standing, **state.model_dump(mode="json")}, indent=None)
    else:
        out.lines([summary(state)] if brief else _lines(standing, state))


def _lines(standing: Standing, state: Any) -> Iterator[str]:
    from suite.durations import in_words
    from suite.live import summary, told

    yield f"{state.suite}: {_heading(standing, state)}"
    yield f"{summary(state)}; {in_words(state.elapsed_s)} since {state.started_utc}"
    if standing == "running":
        for job in state.jobs[:_SHOWN]:
            yield f"  {job.job}{f' on {job.node}' if job.node else ''}: {told(job)}"
        if state.running > _SHOWN:
            yield f"  ... and {state.running - _SHOWN} more"
    for failure in state.failures[:_SHOWN]:
        yield f"FAILED {failure.job}: {failure.reason}"
        if failure.log:
            yield f"       full output: {failure.log}"
    if len(state.failures) > _SHOWN:
        yield f"... and {len(state.failures) - _SHOWN} more failed; --json names them"


def _heading(standing: Standing, state: Any) -> str:
    who = f"process {state.process} on {state.host}"
    if standing == "running":
        return f"running ({who})" if state.phase == "running" else f"writing its report ({who})"
    if standing in {"ended", "failed"}:
        return "ended" if standing == "ended" else "ended with failures"
    stopped = "interrupted" if standing == "interrupted" else f"killed or stopped ({who})"
    return f"{stopped}; the same command goes on where it stopped: {state.command}"
