"""`logmark run` and `logmark plan`: read the suite, plan, schedule, record, report."""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from results.errors import InputError
from results.hashing import HashCache
from results.run import Run
from results.store import Store
from suite import scheduler
from suite.board import Board
from suite.corpus_size import guess, measure
from suite.estimate import estimate
from suite.node import Node
from suite.plan import make_plan
from suite.plan_view import Plan, as_json, as_lines
from suite.progress import Progress
from suite.recording import count, make_records, suite_hash
from suite.spec import Suite, read


def run_suite(
    path: Path,
    *,
    workdir: Path,
    store: str | None,
    address: str | None,
    tiny: bool,
    quiet: bool,
    command: str,
    say: Callable[[str], None],
) -> int:
    """Run a suite file to its report; with `tiny` a rehearsal of it (`suite.tiny`).

    Returns:
        Exit status: 0, 1 (a job failed) or 2 (a job failed because of its input).

    Raises:
        InputError: the suite cannot be run at all; nothing has been written.
    """
    workdir, opened = workdir.absolute(), _open_store(store, workdir.absolute())
    suite = _read(path, workdir, tiny=tiny)
    nodes = _plan(suite, opened)
    run_dir = workdir / suite.name
    with _locked(run_dir):
        board, interrupted = _execute(nodes, opened, run_dir, address, quiet=quiet)
        _record(suite, board, opened, run_dir, command=command)
        return _conclude(board, run_dir, interrupted=interrupted, quiet=quiet, say=say)


def plan_suite(
    path: Path, *, workdir: Path, store: str | None, tiny: bool, form: Literal["text", "json"]
) -> list[str]:
    """Describe a suite's jobs: state, what each takes and the device it needs.

    Weights that are not at hand make their jobs `unknown`; the hub is not asked.

    Raises:
        InputError: the suite cannot be planned.
    """
    workdir = workdir.absolute()
    opened = _open_store(store, workdir)
    suite = _read(path, workdir, tiny=tiny)
    nodes = _plan(suite, opened, weights="optional")
    board = Board(nodes, opened, Path("logs"))
    states = board.states() | {node.id: "unknown" for node in nodes if node.unknown}
    corpus = board.outcomes.get("corpus")
    known = corpus is not None and corpus.commit is not None
    size = measure(opened.folder(board.commit("corpus"))) if known else guess(suite)
    plan = Plan(
        suite=suite.name, nodes=nodes, states=states, size=size, estimates=estimate(nodes, size)
    )
    return [as_json(plan)] if form == "json" else list(as_lines(plan))


def _read(path: Path, workdir: Path, *, tiny: bool) -> Suite:
    """Read a suite file; with `tiny` what is left of it in a rehearsal."""
    suite = read(path)
    if not tiny:
        return suite
    from suite.tiny import rehearsal

    return rehearsal(suite, workdir / "tiny")


def _open_store(uri: str | None, workdir: Path) -> Store:
    return Store.at(uri) if uri else Store(workdir / "store")


def _plan(
    suite: Suite, store: Store, *, weights: Literal["needed", "optional"] = "needed"
) -> list[Node]:
    cache = HashCache(store.root / "file-hashes.json")
    nodes = make_plan(suite, cache.hash, weights=weights)
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
