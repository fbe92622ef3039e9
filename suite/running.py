"""`logmark run`: read the suite, plan, schedule, record, report."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from jobs.failures import FULL_DISK
from results.run import Run
from suite import scheduler
from suite.board import Board
from suite.choice import Choice, chosen
from suite.command import Output
from suite.conclusion import conclude
from suite.mlflow_sinks import sink_of
from suite.opening import open_store, plan_jobs, read_suite
from suite.progress import Progress
from suite.recorder import Recorder, statuses_of
from suite.run_folder import locked
from suite.tally import Tally
from suite.tracking import Tracker
from suite.watching import Watch


def run_suite(  # noqa: PLR0913 - the options of `logmark run`, each once
    path: Path,
    *,
    workdir: Path,
    store: str | None,
    address: str | None,
    tiny: bool,
    command: str,
    out: Output,
    choice: Choice = Choice(),  # noqa: B008 - frozen
    tracking: str | None = None,
) -> int:
    """Run a suite file to its report; with `tiny` a rehearsal of it (`suite.tiny`).

    Args:
        path: the suite file.
        workdir: folder of runs.
        store: where artifacts lie; by default in the folder of runs.
        address: a Ray cluster's address; by default Ray is started on this machine.
        tiny: rehearse.
        command: the command line, for the provenance.
        out: where failures, the report and the totals are named.
        choice: which of the suite's jobs, and which of them once more.
        tracking: address of an MLflow server, folder or database to log to.

    Returns:
        Exit status: 0, 1 (a job failed, or the disk is full) or 2 (a job failed because of its
        input).

    Raises:
        InputError: the suite cannot be run at all; nothing has been written.
        KeyboardInterrupt: told to stop; the run folder tells how far it came.
    """
    workdir = workdir.absolute()
    opened = open_store(store, workdir, writable=True)
    suite = read_suite(path, workdir, tiny=tiny)
    out.progress("planning the jobs")
    nodes = plan_jobs(suite, opened, workdir)
    run_dir = workdir / suite.name
    picked, forced = chosen(nodes, choice, _failed(run_dir))
    sink = sink_of(tracking) if tracking else None
    try:
        with locked(run_dir):
            out.progress.close()  # from here on the jobs tell
            progress = Progress(quiet=out.quiet)
            board = Board(picked, opened, run_dir / "logs", say=progress.note, forced=forced)
            recorder = Recorder(suite, nodes, opened, run_dir, command)
            tracker = Tracker(sink, tracking or "", run_dir, progress.note)
            with (
                contextlib.closing(progress),
                _watched(board, recorder, progress, tracker) as watch,
            ):
                scheduler.run(
                    board,
                    address=address,
                    run_dir=run_dir,
                    settled=watch.settled,
                    tick=watch.tick,
                    owner=recorder.owner,
                )
                watch.enter("recording")
                recorder.write(board)
                _report(board, run_dir, tracker, progress)
            return conclude(board, run_dir, command, out)
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        out.warn(
            f"logmark: {error.filename or run_dir}: no space left on the disk; free some and run "
            "the same command again: what is finished stays finished"
        )
        return 1


def _report(board: Board, run_dir: Path, tracker: Tracker, progress: Progress) -> None:
    """Write the report, and tell MLflow."""
    from results.report import write

    run = Run.open(run_dir)
    write(run, run_dir / "report", unless_written=True, step=progress.step)
    ill = any(outcome.commit is None for outcome in board.outcomes.values())
    tracker.finish(run, "FAILED" if ill else "FINISHED")


def _failed(run_dir: Path) -> list[str]:
    """List the jobs that failed when the suite was last run here."""
    return [job for job, status in statuses_of(run_dir).items() if status == "failed"]


def _weights(board: Board) -> dict[str, float]:
    """Rule-of-thumb seconds of each job: what its rank adds to those of the jobs that need it."""
    behind = dict.fromkeys(board.nodes, 0.0)
    for node in board.nodes.values():
        for need in node.needs.values():
            behind[need] = max(behind[need], board.rank(node.id))
    return {name: board.rank(name) - behind[name] for name in board.nodes}


@contextlib.contextmanager
def _watched(
    board: Board, recorder: Recorder, progress: Progress, tracker: Tracker
) -> Iterator[Watch]:
    """Tell of a run from its begin to its end, whatever end that is."""
    tally = Tally(
        recorder.suite.name, recorder.command, list(board.nodes.values()), _weights(board)
    )
    watch = Watch(
        tally, progress, board.outcomes, recorder.run_dir, lambda: recorder.now_and_then(board)
    )
    with contextlib.closing(watch):
        watch.enter("running")
        recorder.begin(board)
        tracker.begin(recorder.suite.name)
        try:
            yield watch
        except KeyboardInterrupt:
            recorder.write(board)
            watch.enter("interrupted")
            tracker.interrupt()
            raise
        except BaseException:
            with contextlib.suppress(OSError):
                watch.enter("stopped")
            raise
        watch.enter("ended")
