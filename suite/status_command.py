"""`logmark status RUN_DIR`: how a run stands, from another shell, while it goes on or afterwards.

Exit statuses: 0 it goes on, or ended well; 1 it ended and a job failed; 2 no run was started there;
3 it was interrupted or killed before its end (the same `logmark run` goes on where it stopped).
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

Standing = Literal["running", "ended", "failed", "interrupted", "killed"]

_EXIT: dict[Standing, int] = {"running": 0, "ended": 0, "failed": 1, "interrupted": 3, "killed": 3}
_FOLLOW_S = 2.0
_SHOWN = 20


def register(commands: Any, say: Callable[[str], None]) -> None:
    """Add the command to the parser; `say` prints one line."""
    status = commands.add_parser("status", help="say how a run stands, also while it goes on")
    status.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="WORKDIR/<suite name>")
    status.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    status.add_argument("--follow", action="store_true", help="go on until the run ends")
    status.set_defaults(command=lambda options: _status(options, say))


def _status(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Print how a run stands, once or until it ends.

    Raises:
        InputError: no run was started there.
    """
    standing, state = look(options.run_dir)
    while options.follow and standing == "running":
        for line in _told(standing, state, options.format, brief=True):
            say(line)
        time.sleep(_FOLLOW_S)
        standing, state = look(options.run_dir)
    for line in _told(standing, state, options.format):
        say(line)
    return _EXIT[standing]


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


def _told(standing: Standing, state: Any, form: str, *, brief: bool = False) -> Iterator[str]:
    from suite.live import summary

    if form == "json":
        import json

        yield json.dumps({"standing": standing, **state.model_dump(mode="json")})
    elif brief:
        yield summary(state)
    else:
        yield from _lines(standing, state)


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
        yield f"... and {len(state.failures) - _SHOWN} more failed; --format json names them"


def _heading(standing: Standing, state: Any) -> str:
    who = f"process {state.process} on {state.host}"
    if standing == "running":
        return f"running ({who})" if state.phase == "running" else f"writing its report ({who})"
    if standing in {"ended", "failed"}:
        return "ended" if standing == "ended" else "ended with failures"
    stopped = "interrupted" if standing == "interrupted" else f"killed or stopped ({who})"
    return f"{stopped}; the same command goes on where it stopped: {state.command}"
