"""`logmark run` and `logmark plan`: read the suite, plan, schedule, record, report."""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from results.errors import InputError
from results.hashing import HashCache
from results.run import Run
from results.store import Store
from suite import scheduler
from suite.board import Board
from suite.plan import Node, make_plan
from suite.progress import Progress
from suite.recording import count, make_records, suite_hash
from suite.spec import Suite, read


def run_suite(
    path: Path,
    *,
    workdir: Path,
    store: str | None,
    address: str | None,
    quiet: bool,
    command: str,
    say: Callable[[str], None],
) -> int:
    """Run a suite file to its report.

    Returns:
        Exit status: 0, 1 (a job failed) or 2 (a job failed because of its input).

    Raises:
        InputError: the suite cannot be run at all; nothing has been written.
    """
    suite = read(path)
    workdir, opened = workdir.absolute(), _open_store(store, workdir.absolute())
    nodes = _plan(suite, opened)
    run_dir = workdir / suite.name
    with _locked(run_dir):
        board, interrupted = _execute(nodes, opened, run_dir, address, quiet=quiet)
        _record(suite, board, opened, run_dir, command=command)
        return _conclude(board, run_dir, interrupted=interrupted, quiet=quiet, say=say)


def plan_lines(path: Path, *, workdir: Path, store: str | None) -> list[str]:
    """Describe a suite's jobs, one line each: state, job, CPUs, what it needs."""
    opened = _open_store(store, workdir.absolute())
    nodes = _plan(read(path), opened)
    states = Board(nodes, opened, Path("logs")).states()
    width = max(len(node.id) for node in nodes)
    lines = [
        f"{states[node.id]:<8} {node.id:<{width}}  {node.cpus} CPU"
        f"  needs {', '.join(node.needs.values()) or 'nothing'}"
        for node in nodes
    ]
    totals = {state: list(states.values()).count(state) for state in ("cached", "ready", "waiting")}
    return [*lines, f"{len(nodes)} jobs: " + ", ".join(f"{n} {s}" for s, n in totals.items())]


def _open_store(uri: str | None, workdir: Path) -> Store:
    return Store.at(uri) if uri else Store(workdir / "store")


def _plan(suite: Suite, store: Store) -> list[Node]:
    cache = HashCache(store.root / "file-hashes.json")
    nodes = make_plan(suite, cache.hash)
    with contextlib.suppress(OSError):  # a cache on a read-only store only costs time
        cache.save()
    return nodes


@contextlib.contextmanager
def _locked(run_dir: Path) -> Iterator[None]:
    """Hold the run folder alone; the lock goes with the process, however it ends."""
    run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir / ".lock").open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "another process"
            raise InputError(
                f"{run_dir}: this suite is being run here already by {holder}; "
                f"wait for it, or pass another --workdir"
            ) from None
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {socket.gethostname()}")
        stream.flush()
        yield


def _execute(
    nodes: list[Node], store: Store, run_dir: Path, address: str | None, *, quiet: bool
) -> tuple[Board, bool]:
    """Run the jobs; returns the board and whether the run was interrupted."""
    progress = Progress(len(nodes), quiet=quiet)
    board = Board(nodes, store, run_dir / "logs", say=progress.note)
    events = (run_dir / "events.jsonl").open("a", encoding="utf-8")

    def settled(ended: scheduler.Settled) -> None:
        progress.settled(ended, len(board.outcomes))
        event = {
            "utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "job": ended.task.id,
            "kind": ended.task.kind,
            "key": ended.task.key,
            "status": "computed" if ended.commit else "failed",
            "reason": ended.reason,
        }
        events.write(json.dumps(event) + "\n")
        events.flush()

    with events, contextlib.closing(progress):
        try:
            scheduler.run(
                board,
                address=address,
                run_dir=run_dir,
                settled=settled,
                tick=lambda tasks: progress.tick(tasks, len(board.outcomes)),
            )
        except KeyboardInterrupt:
            return board, True
    return board, False


def _record(suite: Suite, board: Board, store: Store, run_dir: Path, *, command: str) -> None:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    records = make_records(suite, board, store, command=command, started_utc=started)
    meta = {
        "suite": suite.name,
        "suite_hash": suite_hash(suite),
        "resolved": suite.model_dump(mode="json"),
        "store": str(store.root),
        "command": command,
        "recorded_utc": started,
        "jobs": {name: outcome.status for name, outcome in board.outcomes.items()},
        "report": suite.report.model_dump(),
    }
    Run.write(run_dir, meta, records)


def _conclude(
    board: Board,
    run_dir: Path,
    *,
    interrupted: bool,
    quiet: bool,
    say: Callable[[str], None],
) -> int:
    """Write the report, name the failures and print the closing line."""
    from results.report import write

    if interrupted:
        raise KeyboardInterrupt
    failures = {name: o for name, o in board.outcomes.items() if o.status == "failed"}
    write(Run.open(run_dir), run_dir / "report")
    for name, outcome in failures.items():
        say(f"FAILED {name}: {outcome.reason}")
        if outcome.fault != "input":
            say(f"       full output: {outcome.log}")
    if not quiet:
        say(f"report: {run_dir / 'report' / 'report.html'}")
    totals = count(list(board.outcomes.values()))
    say(", ".join(f"{status} {number}" for status, number in totals.items()))
    if not failures:
        return 0
    return 2 if all(outcome.fault == "input" for outcome in failures.values()) else 1
