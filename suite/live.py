"""The block of lines that stands at the foot of the terminal while a run goes on; text only."""

from collections.abc import Iterator

from suite.durations import in_words
from suite.state import Running, State
from suite.terminal import clipped

_BAR = 20
_MOST_NAME, _MOST_JOBS = 44, 16


def block(state: State, width: int, height: int) -> list[str]:
    """Lay out a moment of a run.

    Args:
        state: the moment.
        width: columns of the terminal.
        height: lines of the terminal.

    Returns:
        The summary, then a line per running job as far as there is room; no line reaches the last
        column, and one line of the terminal stays free.
    """
    room = max(0, min(_MOST_JOBS, height - 3))
    shown = state.jobs[:room]
    if state.running > len(shown):
        shown = shown[: max(0, room - 1)]
    name = min(_MOST_NAME, max((len(job.job) for job in shown), default=0))
    lines = [f"{_bar(state)} {summary(state)}", *(f"  {_job(job, name)}" for job in shown)]
    if room and state.running > len(shown):
        lines.append(f"  ... and {state.running - len(shown)} more")
    return [clipped(line, width - 1) for line in lines]


def summary(state: State) -> str:
    """Say in one line how a run stands."""
    return ", ".join(_parts(state))


def _parts(state: State) -> Iterator[str]:
    cached = f" ({state.cached} cached)" if state.cached else ""
    yield f"{state.done}/{state.total} done{cached}"
    if state.failed or state.blocked:
        yield f"{state.failed} failed"
    if state.blocked:
        yield f"{state.blocked} held up by them"
    if state.running or state.waiting:
        yield f"{state.running} running"
        yield f"{state.waiting} waiting"
    if state.left_s is not None:
        yield f"about {in_words(state.left_s)} left"


def told(job: Running) -> str:
    """Say of a running job how far it is."""
    parts = [f"{100 * job.share:.0f} %"] if job.share else []
    parts += [job.text] if job.text else []
    parts.append(in_words(job.running_s))
    if job.left_s is not None:
        parts.append(f"about {in_words(job.left_s)} left")
    return ", ".join(parts)


def _job(job: Running, width: int) -> str:
    name = job.job if len(job.job) <= width else f"{job.job[: width - 3]}..."
    return f"{name:<{width}}  {told(job)}"


def _bar(state: State) -> str:
    share = state.done / max(1, state.total)
    full = int(_BAR * share)
    return f"{100 * share:3.0f} % [{'=' * full}{' ' * (_BAR - full)}]"
